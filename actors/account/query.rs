//! What a door may ask an account, and what it is told: copied out of the actor.

use domain::account::{
    Account, ClearedFilter, ClearedGroup, ClearedOrders, CurrentOrders, Exclusion, LimitView,
    Match, OrderFilter, OrderProjection, OrderSort, Page, ProfitAndLoss, Statement,
    StatementFilter,
};
use domain::act::{AccountProfile, Funds};
use domain::ids::MarketId;
use domain::time::UtcMillis;
use std::collections::BTreeSet;

#[derive(Debug)]
pub enum AccountQuery {
    Funds,
    CurrentOrders {
        filter: OrderFilter,
        sort: OrderSort,
        page: Page,
    },
    ClearedOrders {
        filter: ClearedFilter,
        group: ClearedGroup,
        page: Page,
    },
    Statement {
        filter: StatementFilter,
        page: Page,
    },
    /// What each bet in each of the markets matched, price by price.
    Matches(Vec<MarketId>),
    /// Markets with orders of these states.
    MarketsWithOrders(OrderProjection),
    /// What the customer has limited themself to.
    Limits,
    /// What the matched bets of each market would pay.
    ProfitAndLoss {
        markets: Vec<MarketId>,
        /// Bets at the starting price count too.
        with_bsp: bool,
    },
}

#[derive(Debug)]
pub enum AccountView {
    /// `None` before the account is opened. `records` is how many of its records this rests on.
    Funds {
        funds: Funds,
        profile: Option<AccountProfile>,
        records: u64,
    },
    CurrentOrders(CurrentOrders),
    ClearedOrders(ClearedOrders),
    Statement(Statement),
    Matches(Vec<(MarketId, Vec<Match>)>),
    MarketsWithOrders(BTreeSet<MarketId>),
    Limits {
        limits: Vec<LimitView>,
        exclusion: Option<Exclusion>,
    },
    /// Only of markets with a position.
    ProfitAndLoss {
        markets: Vec<(MarketId, ProfitAndLoss)>,
        profile: Option<AccountProfile>,
    },
}

impl AccountView {
    pub(super) fn of(
        account: &Account,
        now: UtcMillis,
        records: u64,
        query: &AccountQuery,
    ) -> AccountView {
        match query {
            AccountQuery::Funds => AccountView::Funds {
                funds: account.funds(),
                profile: account.settings().map(|(_, profile)| profile),
                records,
            },
            AccountQuery::CurrentOrders { filter, sort, page } => {
                AccountView::CurrentOrders(account.current_orders(filter, *sort, *page))
            }
            AccountQuery::ClearedOrders { filter, group, page } => {
                AccountView::ClearedOrders(account.cleared_orders(filter, *group, *page))
            }
            AccountQuery::Statement { filter, page } => {
                AccountView::Statement(account.statement(*filter, *page))
            }
            AccountQuery::Matches(markets) => AccountView::Matches(
                markets.iter().map(|market| (*market, account.matched_bets(*market))).collect(),
            ),
            AccountQuery::MarketsWithOrders(projection) => {
                AccountView::MarketsWithOrders(account.markets_with_orders(*projection))
            }
            AccountQuery::Limits => AccountView::Limits {
                limits: account.limits(now),
                exclusion: account.exclusion(now),
            },
            AccountQuery::ProfitAndLoss { markets, with_bsp } => AccountView::ProfitAndLoss {
                markets: markets
                    .iter()
                    .filter_map(|market| {
                        Some((*market, account.profit_and_loss(*market, *with_bsp)?))
                    })
                    .collect(),
                profile: account.settings().map(|(_, profile)| profile),
            },
        }
    }
}
