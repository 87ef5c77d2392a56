//! The operations this door knows: their names, and the order of their parameters when a client sends them
//! as a list.

use super::coerce::Field;
use super::exception::Api;
use super::tree::Tree;

/// Defines the operations from one table.
macro_rules! operations {
    ($($variant:ident = $api:ident $name:literal [$($parameter:literal),*],)*) => {
        /// One operation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Operation { $(
            #[doc = concat!("`", $name, "`")]
            $variant,
        )* }

        impl Operation {
            /// All of them.
            pub const ALL: &'static [Operation] = &[$(Operation::$variant),*];

            /// The family it belongs to.
            pub fn api(self) -> Api {
                match self { $(Operation::$variant => Api::$api,)* }
            }

            /// Its name on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Operation::$variant => $name,)* }
            }

            /// Its parameters in their order.
            pub fn parameters(self) -> &'static [&'static str] {
                match self { $(Operation::$variant => &[$($parameter),*],)* }
            }
        }
    };
}

operations! {
    ListEventTypes = Sports "listEventTypes" ["filter", "locale"],
    ListCompetitions = Sports "listCompetitions" ["filter", "locale"],
    ListTimeRanges = Sports "listTimeRanges" ["filter", "granularity"],
    ListEvents = Sports "listEvents" ["filter", "locale"],
    ListMarketTypes = Sports "listMarketTypes" ["filter", "locale"],
    ListCountries = Sports "listCountries" ["filter", "locale"],
    ListVenues = Sports "listVenues" ["filter", "locale"],
    ListMarketCatalogue = Sports "listMarketCatalogue"
        ["filter", "marketProjection", "sort", "maxResults", "locale"],
    ListMarketBook = Sports "listMarketBook"
        ["marketIds", "priceProjection", "orderProjection", "matchProjection",
         "includeOverallPosition", "partitionMatchedByStrategyRef", "customerStrategyRefs",
         "currencyCode", "locale", "matchedSince", "betIds"],
    ListRunnerBook = Sports "listRunnerBook"
        ["marketId", "selectionId", "handicap", "priceProjection", "orderProjection",
         "matchProjection", "includeOverallPosition", "partitionMatchedByStrategyRef",
         "customerStrategyRefs", "currencyCode", "locale", "matchedSince", "betIds"],
    ListMarketProfitAndLoss = Sports "listMarketProfitAndLoss"
        ["marketIds", "includeSettledBets", "includeBspBets", "netOfCommission"],
    PlaceOrders = Sports "placeOrders"
        ["marketId", "instructions", "customerRef", "marketVersion", "customerStrategyRef", "async"],
    CancelOrders = Sports "cancelOrders" ["marketId", "instructions", "customerRef"],
    ReplaceOrders = Sports "replaceOrders"
        ["marketId", "instructions", "customerRef", "marketVersion", "async"],
    UpdateOrders = Sports "updateOrders" ["marketId", "instructions", "customerRef"],
    ListCurrentOrders = Sports "listCurrentOrders"
        ["betIds", "marketIds", "orderProjection", "customerOrderRefs", "customerStrategyRefs",
         "dateRange", "orderBy", "sortDir", "fromRecord", "recordCount", "includeItemDescription"],
    ListClearedOrders = Sports "listClearedOrders"
        ["betStatus", "eventTypeIds", "eventIds", "marketIds", "runnerIds", "betIds",
         "customerOrderRefs", "customerStrategyRefs", "side", "settledDateRange", "groupBy",
         "includeItemDescription", "locale", "fromRecord", "recordCount"],
    SetDefaultExposureLimitForMarketGroups = Sports "setDefaultExposureLimitForMarketGroups"
        ["marketGroupType", "limit"],
    SetExposureLimitForMarketGroup = Sports "setExposureLimitForMarketGroup"
        ["marketGroup", "limit"],
    RemoveDefaultExposureLimitForMarketGroups = Sports "removeDefaultExposureLimitForMarketGroups"
        ["marketGroupType"],
    RemoveExposureLimitForMarketGroup = Sports "removeExposureLimitForMarketGroup" ["marketGroup"],
    ListExposureLimitsForMarketGroups = Sports "listExposureLimitsForMarketGroups"
        ["marketGroupTypeFilter", "marketGroupFilter"],
    UnblockMarketGroup = Sports "unblockMarketGroup" ["marketGroup"],
    GetExposureReuseEnabledEvents = Sports "getExposureReuseEnabledEvents" [],
    AddExposureReuseEnabledEvents = Sports "addExposureReuseEnabledEvents" ["eventIds"],
    RemoveExposureReuseEnabledEvents = Sports "removeExposureReuseEnabledEvents" ["eventIds"],
    GetAccountFunds = Account "getAccountFunds" ["wallet"],
    GetAccountDetails = Account "getAccountDetails" [],
    GetAccountStatement = Account "getAccountStatement"
        ["locale", "fromRecord", "recordCount", "itemDateRange", "includeItem", "wallet"],
    ListCurrencyRates = Account "listCurrencyRates" ["fromCurrency"],
    TransferFunds = Account "transferFunds" ["from", "to", "amount"],
    CreateDeveloperAppKeys = Account "createDeveloperAppKeys" ["appName"],
    GetDeveloperAppKeys = Account "getDeveloperAppKeys" [],
    GetVendorClientId = Account "getVendorClientId" [],
    GetVendorDetails = Account "getVendorDetails" ["vendorId"],
    GetApplicationSubscriptionToken = Account "getApplicationSubscriptionToken"
        ["subscriptionLength", "clientReference"],
    ActivateApplicationSubscription = Account "activateApplicationSubscription"
        ["subscriptionToken"],
    CancelApplicationSubscription = Account "cancelApplicationSubscription" ["subscriptionToken"],
    UpdateApplicationSubscription = Account "updateApplicationSubscription"
        ["vendorClientId", "subscriptionLength"],
    ListApplicationSubscriptionTokens = Account "listApplicationSubscriptionTokens"
        ["subscriptionStatus"],
    ListAccountSubscriptionTokens = Account "listAccountSubscriptionTokens" [],
    GetApplicationSubscriptionHistory = Account "getApplicationSubscriptionHistory"
        ["vendorClientId", "applicationKey"],
    GetAffiliateRelation = Account "getAffiliateRelation" ["vendorClientIds"],
    IsAccountSubscribedToWebApp = Account "isAccountSubscribedToWebApp" ["vendorId"],
    ListAuthorizedWebApps = Account "listAuthorizedWebApps" [],
    RevokeAccessToWebApp = Account "revokeAccessToWebApp" ["vendorId"],
    Token = Account "token" ["client_id", "grant_type", "code", "client_secret", "refresh_token"],
    Heartbeat = Heartbeat "heartbeat" ["preferredTimeoutSeconds"],
}

impl Operation {
    /// The operation of a method such as `SportsAPING/v1.0/listEvents`: in any case, of any minor version.
    pub fn of_method(api: Api, method: &str) -> Option<Operation> {
        let mut parts = method.split('/');
        let (service, version, name) = (parts.next()?, parts.next()?, parts.next()?);
        let known_version = match version.strip_prefix(['v', 'V']).map(|v| v.split_once('.')) {
            Some(Some((major, minor))) => {
                major == "1" && !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit())
            }
            Some(None) => version.ends_with('1') && version.len() == 2,
            None => false,
        };
        if parts.next().is_some() || !known_version || !service.eq_ignore_ascii_case(api.service())
        {
            return None;
        }
        Operation::of_name(api, name)
    }

    /// The operation of a REST path: those of accounts are called at the betting base too, where real
    /// clients look for them.
    pub fn of_path(api: Api, name: &str) -> Option<Operation> {
        let own = Operation::of_name(api, name);
        own.or_else(|| Operation::of_name(Api::Account, name).filter(|_| api == Api::Sports))
    }

    /// Whether a call must name its application: the two about keys are how a customer comes by one.
    pub fn needs_app_key(self) -> bool {
        !matches!(self, Operation::CreateDeveloperAppKeys | Operation::GetDeveloperAppKeys)
    }

    fn of_name(api: Api, name: &str) -> Option<Operation> {
        let of_this = |operation: &&Operation| {
            operation.api() == api && operation.name().eq_ignore_ascii_case(name)
        };
        Operation::ALL.iter().find(of_this).copied()
    }
}

/// The parameters of one call, an object or a list in the operation's order.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<'v> {
    operation: Operation,
    value: Option<&'v Tree<'v>>,
}

impl<'v> Parameters<'v> {
    /// The parameters, or `None` when they are neither object nor list nor absent.
    pub fn new(operation: Operation, value: Option<&'v Tree<'v>>) -> Option<Parameters<'v>> {
        match value {
            None | Some(Tree::Null | Tree::Object(_) | Tree::List(_)) => {
                Some(Parameters { operation, value })
            }
            Some(_) => None,
        }
    }

    /// One parameter.
    pub fn get(&self, name: &'static str) -> Field<'v, 'v> {
        let value = match self.value {
            Some(Tree::List(list)) => {
                let position = self.operation.parameters().iter().position(|known| *known == name);
                position.and_then(|position| list.get(position))
            }
            Some(value) => value.get(name),
            None => None,
        };
        Field::parameter(name, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, expect: Option<Operation>) {
        assert_eq!(Operation::of_method(Api::Sports, method), expect, "{method}");
    }

    #[test]
    fn a_method_is_found_in_any_case_and_minor_version() {
        check("SportsAPING/v1.0/listEvents", Some(Operation::ListEvents));
        check("sportsaping/V1.7/LISTEVENTS", Some(Operation::ListEvents));
        check("SportsAPING/v1/listEvents", Some(Operation::ListEvents));
        for unknown in [
            "SportsAPING/v2.0/listEvents",
            "SportsAPING/v1.x/listEvents",
            "SportsAPING/v1.0/listEvents/",
            "AccountAPING/v1.0/getAccountFunds",
            "SportsAPING/v1.0/getAccountFunds",
            "SportsAPING/é/listEvents",
            "listEvents",
            "",
        ] {
            check(unknown, None);
        }
    }

    #[test]
    fn a_path_knows_the_operations_of_accounts_at_the_betting_base_too() {
        for (api, name, expect) in [
            (Api::Sports, "LISTEVENTS", Some(Operation::ListEvents)),
            (Api::Sports, "getAccountFunds", Some(Operation::GetAccountFunds)),
            (Api::Account, "getAccountFunds", Some(Operation::GetAccountFunds)),
            (Api::Account, "listEvents", None),
            (Api::Sports, "fly", None),
        ] {
            assert_eq!(Operation::of_path(api, name), expect, "{name}");
        }
    }

    #[test]
    fn parameters_come_by_name_or_by_place() {
        let listed = serde_json::json!(["1.2", [], "ref"]);
        let listed = Tree::from(&listed);
        let parameters = Parameters::new(Operation::PlaceOrders, Some(&listed)).unwrap();
        assert_eq!(parameters.get("customerRef").text().unwrap().as_deref(), Some("ref"));
        assert_eq!(parameters.get("async").truth().unwrap(), None);
        let text = Tree::Text("1.2".into());
        assert!(Parameters::new(Operation::PlaceOrders, Some(&text)).is_none());
    }
}
