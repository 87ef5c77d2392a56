//! An account's statement, its applications and keys, and its dead man's switch.

use std::collections::BTreeMap;

use actors::account::{AccountMsg, AccountQuery, AccountView};
use actors::home::{HomeMsg, NewApp};
use actors::partition::deliver;
use domain::account::{
    HeartbeatAction, Page, StatementFilter, StatementItem as Item, StatementKind, StatementRow,
};
use domain::catalogue::event_type_name;
use domain::home::{DeveloperApp as App, HomeError};
use domain::ids::{EntityId, MarketId};
use domain::order::Side;
use tokio::sync::oneshot;

use super::history::{Described, describe, range};
use super::translate::{average, date, money, selection};
use super::{ANSWER_WITHIN, Customer, NodeExchange, PARTITION, busy, unexpected};
use crate::betfair::dates::Date;
use crate::betfair::decimal::Hundredths;
use crate::betfair::exception::{Exception, ExceptionWord};
use crate::betfair::request::GetAccountStatement;
use crate::betfair::response::apps::{
    CurrencyRate, DeveloperApp, DeveloperAppVersion, HeartbeatReport,
};
use crate::betfair::response::statement::{AccountStatement, LegacyData, StatementItem};
use crate::betfair::words::IncludeItem;
use crate::secret;

/// The only currency that accounts are kept in.
const CURRENCY: &str = "GBP";
/// What Betfair writes for "no date here": the first day of the year 1.
const NO_DATE: Date = Date(-62_135_596_800_000);

pub(super) async fn statement(
    exchange: &NodeExchange,
    customer: &Customer,
    request: GetAccountStatement,
) -> Result<AccountStatement, Exception> {
    let kind = match request.include {
        IncludeItem::All => StatementKind::All,
        IncludeItem::Exchange => StatementKind::Bets,
        IncludeItem::DepositsWithdrawals => StatementKind::Payments,
        IncludeItem::PokerRoom => {
            return Ok(AccountStatement { account_statement: Vec::new(), more_available: false });
        }
    };
    let filter = StatementFilter { range: range(request.range), kind };
    let page = Page { from: request.from_record, count: request.record_count };
    let query = AccountQuery::Statement { filter, page };
    let AccountView::Statement(statement) = exchange.account(customer, query).await? else {
        return Err(unexpected());
    };
    let of = |row: &StatementRow| row.line.item.resolution().map(|(market, _)| market);
    let markets = describe(exchange, statement.rows.iter().filter_map(of).collect()).await?;
    Ok(AccountStatement {
        account_statement: statement.rows.iter().map(|row| item(row, &markets)).collect(),
        more_available: statement.more,
    })
}

fn item(row: &StatementRow, markets: &BTreeMap<MarketId, Described>) -> StatementItem {
    let line = &row.line;
    let market = line.item.resolution().and_then(|(market, _)| markets.get(&market));
    let bet = match line.item {
        Item::Bet { bet, .. } | Item::BetReversed { bet, .. } => Some(bet),
        _ => None,
    };
    let amount = line.amount.0;
    let taken_from = match line.item {
        Item::Commission { .. } | Item::CommissionReversed { .. } => row.net,
        _ => None,
    };
    let legacy = LegacyData {
        avg_price: row.bet.map_or(0.0, |bet| average(bet.matched_times_price, bet.matched)),
        bet_category_type: if bet.is_some() { "E" } else { "NONE" },
        bet_size: row.bet.map_or(Hundredths(0), |bet| money(bet.matched)),
        bet_type: match row.bet.map(|bet| bet.side) {
            Some(Side::Lay) => "L",
            Some(Side::Back) | None => "B",
        },
        event_id: market.map_or(0, |market| number(market.event.0)),
        event_type_id: market.map_or(0, |market| i64::from(market.event_type.0)),
        full_market_name: full_name(line.item, market),
        gross_bet_amount: taken_from.map_or(Hundredths(0), money),
        market_name: market.map(|market| market.market_name.clone()),
        market_type: if bet.is_some() { "O" } else { "NOT_APPLICABLE" },
        placed_date: row.bet.map_or(date(line.at), |bet| date(bet.placed_at)),
        selection_id: row.bet.map_or(0, |bet| selection(bet.runner)),
        selection_name: row
            .bet
            .zip(market)
            .and_then(|(bet, market)| market.runners.get(&bet.runner).cloned()),
        start_date: market.map_or(NO_DATE, |market| date(market.start)),
        transaction_id: number(line.number),
        transaction_type: if amount < 0 { "ACCOUNT_DEBIT" } else { "ACCOUNT_CREDIT" },
        win_lose: win_lose(row),
    };
    let named = bet.map_or_else(|| line.number.to_string(), |bet| bet.to_string());
    StatementItem::new(named, date(line.at), money(line.amount), money(line.balance), legacy)
}

/// A result that a later line takes back is an error, and that line its correction.
fn win_lose(row: &StatementRow) -> &'static str {
    match row.line.item {
        Item::Bet { .. } | Item::Commission { .. } if row.taken_back => "RESULT_ERR",
        Item::Bet { .. } if row.line.amount.0 > 0 => "RESULT_WON",
        Item::Bet { .. } if row.line.amount.0 < 0 => "RESULT_LOST",
        Item::BetReversed { .. } => "RESULT_FIX",
        Item::CommissionReversed { .. } => "COMMISSION_REVERSAL",
        Item::Bet { .. } | Item::Commission { .. } | Item::Deposit | Item::Withdrawal => {
            "RESULT_NOT_APPLICABLE"
        }
    }
}

fn full_name(item: Item, market: Option<&Described>) -> String {
    match (item, market) {
        (Item::Deposit, _) => "Deposit".to_owned(),
        (Item::Withdrawal, _) => "Withdrawal".to_owned(),
        (_, Some(market)) => {
            let sport = event_type_name(market.event_type).unwrap_or("Other");
            format!("{sport} / {} / {}", market.event_name, market.market_name)
        }
        (item, None) => item.resolution().map_or(String::new(), |(market, _)| market.to_string()),
    }
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Every account is kept in pounds, so there is nothing to convert.
pub(super) fn currency_rates(from: Option<&str>) -> Result<Vec<CurrencyRate>, Exception> {
    match from.unwrap_or(CURRENCY) {
        CURRENCY => Ok(vec![CurrencyRate { currency_code: CURRENCY, rate: Hundredths(100) }]),
        _ => {
            let details = "fromCurrency: this exchange is in GBP only";
            Err(Exception::new(ExceptionWord::InvalidInputData, details))
        }
    }
}

pub(super) fn no_transfer() -> Exception {
    let details = "from, to: an account has one wallet, UK, and nothing to transfer to";
    Exception::new(ExceptionWord::WalletTransferError, details)
}

pub(super) async fn create_app(
    exchange: &NodeExchange,
    customer: &Customer,
    name: String,
) -> Result<DeveloperApp, Exception> {
    let account = customer.login.account;
    let [live_key, delayed_key] = [secret::app_key(), secret::app_key()];
    let app = NewApp { account, name, live_key, delayed_key };
    let created = home(exchange, |reply| HomeMsg::CreateApp { app, reply }).await?;
    let refused = |error: HomeError| {
        let word = match &error {
            HomeError::AppNameTaken => ExceptionWord::DuplicateAppName,
            HomeError::Full { .. } => ExceptionWord::AppCreationFailed,
            HomeError::Invalid { field, .. } if field == "appName" => {
                ExceptionWord::InvalidInputData
            }
            _ => ExceptionWord::AppKeyCreationFailed,
        };
        Exception::new(word, error.to_string())
    };
    created.map(|app| developer_app(customer, &app)).map_err(refused)
}

pub(super) async fn apps(
    exchange: &NodeExchange,
    customer: &Customer,
) -> Result<Vec<DeveloperApp>, Exception> {
    let account = customer.login.account;
    let apps = home(exchange, |reply| HomeMsg::Apps { account, reply }).await?;
    Ok(apps.iter().map(|app| developer_app(customer, app)).collect())
}

fn developer_app(customer: &Customer, app: &App) -> DeveloperApp {
    let version = |place: i64, version, key: &String| DeveloperAppVersion {
        owner: customer.login.username.clone(),
        version_id: number(app.id).saturating_mul(2).saturating_add(place),
        version,
        application_key: key.clone(),
        delay_data: version == "1.0-DELAY",
        subscription_required: false,
        owner_managed: false,
        active: true,
    };
    let delayed = app.delayed_key.as_ref().map(|key| version(0, "1.0-DELAY", key));
    DeveloperApp {
        app_name: app.name.clone(),
        app_id: number(app.id),
        app_versions: delayed.into_iter().chain([version(1, "1.0", &app.live_key)]).collect(),
    }
}

async fn home<T>(
    exchange: &NodeExchange,
    question: impl FnOnce(oneshot::Sender<T>) -> HomeMsg,
) -> Result<T, Exception> {
    let (reply, answer) = oneshot::channel();
    deliver(&exchange.node, PARTITION, EntityId::Home, question(reply));
    match tokio::time::timeout(ANSWER_WITHIN, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) | Err(_) => Err(busy("the users are being read, try again")),
    }
}

/// A timeout above what fits is the longest one.
pub(super) async fn heartbeat(
    exchange: &NodeExchange,
    customer: &Customer,
    wanted_s: i64,
) -> Result<HeartbeatReport, Exception> {
    let wanted_s = u32::try_from(wanted_s).unwrap_or(u32::MAX);
    let (reply, answer) = oneshot::channel();
    let to = EntityId::Account(customer.login.account);
    deliver(&exchange.node, PARTITION, to, AccountMsg::Heartbeat { wanted_s, reply });
    let Ok(Ok(answer)) = tokio::time::timeout(ANSWER_WITHIN, answer).await else {
        return Err(busy("the heartbeat was not taken down, try again at once"));
    };
    Ok(HeartbeatReport {
        action_performed: match answer.action {
            HeartbeatAction::Nothing => "NONE",
            HeartbeatAction::Cancelling => "CANCELLATION_REQUEST_SUBMITTED",
            HeartbeatAction::AllCancelled => "ALL_BETS_CANCELLED",
            HeartbeatAction::SomeLeft => "SOME_BETS_NOT_CANCELLED",
        },
        actual_timeout_seconds: answer.timeout_s,
    })
}
