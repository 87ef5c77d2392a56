//! What a call asks for, as plain values.
//!
//! Reading an operation's parameters gives a [`Request`] or a fault that names the parameter. Bounds that
//! are answered by a service exception are looked at by [`Request::check`], after the session is known.

mod account;
mod history;
mod prices;

use std::borrow::Cow;

use super::coerce::{Fault, Field};
use super::exception::{Exception, ExceptionWord};
use super::filter::MarketFilter;
use super::instruction::{CancelOrders, PlaceOrders, ReplaceOrders, UpdateOrders};
use super::limits::Limits;
use super::operation::{Operation, Parameters};
use super::words::{MarketProjection, MarketSort, TimeGranularity};

pub use account::GetAccountStatement;
pub use history::{ListClearedOrders, ListCurrentOrders, RunnerId};
pub use prices::{ListMarketBook, ListMarketProfitAndLoss, PriceProjection};

/// What a market weighs in listMarketProfitAndLoss.
const PROFIT_WEIGHT: u64 = 4;

/// One call's meaning.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Event types with markets that pass the filter.
    ListEventTypes(MarketFilter),
    /// Competitions with markets that pass the filter.
    ListCompetitions(MarketFilter),
    /// Spans of time in which markets that pass the filter start.
    ListTimeRanges(MarketFilter, TimeGranularity),
    /// Events with markets that pass the filter.
    ListEvents(MarketFilter),
    /// Types of the markets that pass the filter.
    ListMarketTypes(MarketFilter),
    /// Countries with markets that pass the filter.
    ListCountries(MarketFilter),
    /// Venues with markets that pass the filter.
    ListVenues(MarketFilter),
    /// Descriptions of markets.
    ListMarketCatalogue(ListMarketCatalogue),
    /// Prices and status of markets.
    ListMarketBook(ListMarketBook),
    /// What the customer's matched bets would pay.
    ListMarketProfitAndLoss(ListMarketProfitAndLoss),
    /// New orders.
    PlaceOrders(PlaceOrders),
    /// Orders to take back.
    CancelOrders(CancelOrders),
    /// Orders to take back and place anew at another price.
    ReplaceOrders(ReplaceOrders),
    /// Orders to persist differently.
    UpdateOrders(UpdateOrders),
    /// Orders of markets that are not settled.
    ListCurrentOrders(ListCurrentOrders),
    /// Bets of markets that are settled, and what became of the rest.
    ListClearedOrders(ListClearedOrders),
    /// A limit on the exposure of a group of markets, or anything else about one: not kept here.
    MarketGroups(Operation),
    /// The wallet.
    GetAccountFunds,
    /// The account's holder.
    GetAccountDetails,
    /// What moved the balance.
    GetAccountStatement(GetAccountStatement),
    /// What a currency is worth in others.
    ListCurrencyRates(Option<String>),
    /// From one wallet to another: there is one.
    TransferFunds,
    /// A new application of this name, and its keys.
    CreateDeveloperAppKeys(String),
    /// The customer's applications and their keys.
    GetDeveloperAppKeys,
    /// What vendors of software do with their customers: not kept here.
    Vendor(Operation),
    /// The customer is there, and for so many seconds.
    Heartbeat(i64),
}

/// `listMarketCatalogue`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListMarketCatalogue {
    /// Which markets.
    pub filter: MarketFilter,
    /// Which parts of each.
    pub projection: Vec<MarketProjection>,
    /// In which order; by rank without one.
    pub sort: Option<MarketSort>,
    /// How many at most, from 1.
    pub max_results: i64,
}

impl Request {
    /// Reads the parameters of an operation.
    pub fn read(operation: Operation, parameters: Parameters<'_>) -> Result<Request, Fault> {
        let get = |name| parameters.get(name);
        Ok(match operation {
            Operation::ListEventTypes => Request::ListEventTypes(mandatory_filter(&parameters)?),
            Operation::ListCompetitions => {
                Request::ListCompetitions(mandatory_filter(&parameters)?)
            }
            Operation::ListTimeRanges => Request::ListTimeRanges(
                mandatory_filter(&parameters)?,
                get("granularity").must(Field::word)?,
            ),
            Operation::ListEvents => Request::ListEvents(mandatory_filter(&parameters)?),
            Operation::ListMarketTypes => Request::ListMarketTypes(mandatory_filter(&parameters)?),
            Operation::ListCountries => Request::ListCountries(mandatory_filter(&parameters)?),
            Operation::ListVenues => Request::ListVenues(mandatory_filter(&parameters)?),
            Operation::ListMarketCatalogue => Request::ListMarketCatalogue(ListMarketCatalogue {
                filter: mandatory_filter(&parameters)?,
                projection: get("marketProjection").words()?.unwrap_or_default(),
                sort: market_sort(&get("sort"))?,
                max_results: get("maxResults").must(Field::integer)?,
            }),
            Operation::ListMarketBook => {
                Request::ListMarketBook(ListMarketBook::read(&parameters)?)
            }
            Operation::ListRunnerBook => {
                Request::ListMarketBook(ListMarketBook::read_runner(&parameters)?)
            }
            Operation::ListMarketProfitAndLoss => {
                Request::ListMarketProfitAndLoss(ListMarketProfitAndLoss::read(&parameters)?)
            }
            Operation::PlaceOrders => Request::PlaceOrders(PlaceOrders::read(&parameters)?),
            Operation::CancelOrders => Request::CancelOrders(CancelOrders::read(&parameters)?),
            Operation::ReplaceOrders => Request::ReplaceOrders(ReplaceOrders::read(&parameters)?),
            Operation::UpdateOrders => Request::UpdateOrders(UpdateOrders::read(&parameters)?),
            Operation::ListCurrentOrders => {
                Request::ListCurrentOrders(ListCurrentOrders::read(&parameters)?)
            }
            Operation::ListClearedOrders => {
                Request::ListClearedOrders(ListClearedOrders::read(&parameters)?)
            }
            Operation::SetDefaultExposureLimitForMarketGroups
            | Operation::SetExposureLimitForMarketGroup
            | Operation::RemoveDefaultExposureLimitForMarketGroups
            | Operation::RemoveExposureLimitForMarketGroup
            | Operation::ListExposureLimitsForMarketGroups
            | Operation::UnblockMarketGroup
            | Operation::GetExposureReuseEnabledEvents
            | Operation::AddExposureReuseEnabledEvents
            | Operation::RemoveExposureReuseEnabledEvents => Request::MarketGroups(operation),
            Operation::GetAccountFunds => {
                account::read_wallet(&parameters, "wallet")?;
                Request::GetAccountFunds
            }
            Operation::GetAccountDetails => Request::GetAccountDetails,
            Operation::GetAccountStatement => {
                Request::GetAccountStatement(GetAccountStatement::read(&parameters)?)
            }
            Operation::ListCurrencyRates => Request::ListCurrencyRates(get("fromCurrency").text()?),
            Operation::TransferFunds => {
                account::read_transfer(&parameters)?;
                Request::TransferFunds
            }
            Operation::CreateDeveloperAppKeys => {
                Request::CreateDeveloperAppKeys(get("appName").must(Field::text)?)
            }
            Operation::GetDeveloperAppKeys => Request::GetDeveloperAppKeys,
            Operation::GetVendorClientId
            | Operation::GetVendorDetails
            | Operation::GetApplicationSubscriptionToken
            | Operation::ActivateApplicationSubscription
            | Operation::CancelApplicationSubscription
            | Operation::UpdateApplicationSubscription
            | Operation::ListApplicationSubscriptionTokens
            | Operation::ListAccountSubscriptionTokens
            | Operation::GetApplicationSubscriptionHistory
            | Operation::GetAffiliateRelation
            | Operation::IsAccountSubscribedToWebApp
            | Operation::ListAuthorizedWebApps
            | Operation::RevokeAccessToWebApp
            | Operation::Token => Request::Vendor(operation),
            Operation::Heartbeat => {
                Request::Heartbeat(get("preferredTimeoutSeconds").must(Field::integer)?)
            }
        })
    }

    /// The bounds that a service exception answers, for a customer who may ask at all.
    pub fn check(&self, limits: &Limits) -> Result<(), Exception> {
        self.check_weight(limits)?;
        match self {
            Request::ListMarketCatalogue(request) if request.max_results < 1 => {
                Err(invalid("maxResults: must be at least 1"))
            }
            Request::ListMarketCatalogue(request) => {
                let most = limits.catalogue_results;
                if request.max_results > i64::from(most) {
                    let details = format!("maxResults: must be less than or equal to {most}");
                    return Err(Exception::new(ExceptionWord::TooMuchData, details));
                }
                Ok(())
            }
            Request::GetAccountStatement(request) => request.check(),
            Request::Heartbeat(seconds) => account::check_timeout(*seconds),
            Request::ListCurrentOrders(request) => {
                let ids = length(&request.bet_ids) + length(&request.market_ids);
                check_ids("betIds, marketIds", ids, limits)
            }
            Request::ListMarketBook(request) => {
                check_ids("betIds", length(&request.bet_ids), limits)
            }
            Request::PlaceOrders(request) => request.check(limits),
            Request::CancelOrders(request) => request.check(limits),
            Request::ReplaceOrders(request) => request.check(limits),
            Request::UpdateOrders(request) => request.check(limits),
            _ => Ok(()),
        }
    }

    /// How much one query asks for: what each market weighs, times the markets.
    fn check_weight(&self, limits: &Limits) -> Result<(), Exception> {
        let Some(most) = limits.data_weight else { return Ok(()) };
        let (field, weight, markets) = match self {
            Request::ListMarketBook(request) => {
                ("marketIds", request.prices.weight(), request.market_ids.len() as u64)
            }
            Request::ListMarketProfitAndLoss(request) => {
                ("marketIds", PROFIT_WEIGHT, request.market_ids.len() as u64)
            }
            Request::ListMarketCatalogue(request) => {
                let heavy = [MarketProjection::MarketDescription, MarketProjection::RunnerMetadata];
                let heavy = heavy.iter().filter(|part| request.projection.contains(part)).count();
                ("maxResults", heavy as u64, u64::try_from(request.max_results).unwrap_or(0))
            }
            _ => return Ok(()),
        };
        if weight.saturating_mul(markets) > most {
            let details =
                format!("{field}: {markets} markets of weight {weight} are more than {most}");
            return Err(Exception::new(ExceptionWord::TooMuchData, details));
        }
        Ok(())
    }

    /// Whether it reads the customer's orders, of which few may be read at once.
    pub fn reads_orders(&self) -> bool {
        match self {
            Request::ListMarketBook(request) => request.is_of_orders(),
            Request::ListMarketProfitAndLoss(_)
            | Request::ListCurrentOrders(_)
            | Request::ListClearedOrders(_) => true,
            _ => false,
        }
    }

    /// How many orders it places or changes.
    pub fn instructions(&self) -> usize {
        match self {
            Request::PlaceOrders(request) => request.instructions.len(),
            Request::CancelOrders(request) => request.instructions.len().max(1),
            Request::ReplaceOrders(request) => request.instructions.len(),
            Request::UpdateOrders(request) => request.instructions.len(),
            _ => 0,
        }
    }
}

fn length(ids: &Option<Vec<String>>) -> usize {
    ids.as_ref().map_or(0, Vec::len)
}

fn check_ids(field: &'static str, ids: usize, limits: &Limits) -> Result<(), Exception> {
    let most = limits.ids;
    if ids > most {
        let details = format!("{field}: more than {most} ids together");
        return Err(Exception::new(ExceptionWord::RequestSizeExceedsLimit, details));
    }
    Ok(())
}

/// `INVALID_INPUT_DATA` with the field and the reason.
pub(super) fn invalid(details: impl Into<Cow<'static, str>>) -> Exception {
    Exception::new(ExceptionWord::InvalidInputData, details)
}

fn mandatory_filter(parameters: &Parameters<'_>) -> Result<MarketFilter, Fault> {
    parameters.get("filter").must(MarketFilter::read)
}

/// `RANK` is the default, and some clients name it.
fn market_sort(field: &Field<'_, '_>) -> Result<Option<MarketSort>, Fault> {
    match field.text() {
        Ok(Some(word)) if word == "RANK" => Ok(None),
        _ => field.word(),
    }
}

#[cfg(test)]
mod tests;
