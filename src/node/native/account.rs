//! The customer's account in the native API: money, statement, limits, exclusion.

use actors::account::{AccountMsg, AccountQuery, AccountView};
use actors::home::{HomeMsg, PeopleMsg};
use actors::partition::deliver;
use domain::account::{
    DateRange, Exclusion, LimitView, Page, STATEMENT_PAGE_MAX, Statement, StatementFilter,
    StatementItem, StatementKind, StatementRow,
};
use domain::act::{AccountStatus, ActAnswer, Funds, LimitChange, LimitKind, Window};
use domain::home::{HomeRequest, OperationAnswer};
use domain::ids::{EntityId, PartitionId};
use domain::money::Pence;
use domain::time::UtcMillis;
use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::api::{Body, Call, Done, Refused};
use crate::operator::ask;
use crate::operator::problem::Problem;

type Handled = Result<Done, Refused>;

/// Lines of one table.
const CSV_LINES: u32 = 10_000;
const ANSWER_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);

/// As RFC 3339 has it.
pub(super) fn moment(at: UtcMillis) -> String {
    let timestamp = jiff::Timestamp::from_millisecond(at.0);
    timestamp.map(|it| it.to_string()).unwrap_or_default()
}

/// A question to the customer's account.
pub(super) async fn look(call: &Call<'_>, query: AccountQuery) -> Result<AccountView, Problem> {
    let account = EntityId::Account(call.who()?.account);
    let (reply, answer) = oneshot::channel();
    deliver(&call.api.node, PartitionId(0), account, AccountMsg::Query { query, reply });
    match tokio::time::timeout(ANSWER_WITHIN, answer).await {
        Ok(Ok(view)) => Ok(view),
        Ok(Err(_)) | Err(_) => Err(ask::unavailable("the account is being restarted, try again")),
    }
}

fn unexpected() -> Problem {
    ask::unavailable("the account answered something else")
}

fn shown_funds(funds: &Funds) -> Value {
    json!({
        "balance": funds.balance.to_string(),
        "available": funds.available().to_string(),
        "exposure": funds.exposure.to_string(),
        "status": match funds.status {
            AccountStatus::Active => "active",
            AccountStatus::Suspended => "suspended",
            AccountStatus::Closed => "closed",
        },
    })
}

pub(super) async fn account(call: Call<'_>) -> Handled {
    let who = call.who()?;
    let account = who.account;
    let question = |reply| HomeMsg::People(PeopleMsg::UserOf { account, reply });
    let known = ask::home(&call.api.node, question).await?;
    let (user, mailed) = known.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "not_found"))?;
    let AccountView::Funds { funds, .. } = look(&call, AccountQuery::Funds).await? else {
        return Err(unexpected().into());
    };
    let mut shown = shown_funds(&funds);
    shown["accountId"] = json!(account);
    shown["username"] = json!(user.username);
    shown["email"] = json!(user.email);
    shown["mailAboutBets"] = json!(mailed);
    shown["playMoney"] = json!(call.api.customers.play_money.map(|most| most.to_string()));
    Ok(Done::json(shown))
}

pub(super) async fn change_mail(call: Call<'_>) -> Handled {
    let account = call.who()?.account;
    let bets = call.values.truth("mailAboutBets").unwrap_or(false);
    let wish = |reply| HomeMsg::People(PeopleMsg::WishMail { account, bets, reply });
    let wished = ask::home(&call.api.node, wish).await?;
    wished.map_err(ask::refused_by_home)?;
    Ok(Done::nothing())
}

/// An operation of the customer's own; what the account made of it.
async fn operate(call: &Call<'_>, request: HomeRequest) -> Result<Funds, Problem> {
    match ask::operate(&call.api.node, call.by()?, request).await? {
        OperationAnswer::Act(ActAnswer::Account(funds)) => Ok(funds),
        _ => Err(unexpected()),
    }
}

pub(super) async fn deposit(call: Call<'_>) -> Handled {
    let username = call.who()?.username.clone();
    let amount = Pence(call.values.number("amount").unwrap_or_default());
    let Some(most) = call.api.customers.play_money else {
        let problem = Problem::new(StatusCode::NOT_FOUND, "no_play_money");
        return Err(problem.reason("this node has no play money; ask its operator").into());
    };
    if amount > most {
        let reason = format!("is more than {most} at once");
        return Err(Problem::field("bad_amount", "amount", reason).into());
    }
    let funds = operate(&call, HomeRequest::Deposit { username, amount }).await?;
    Ok(Done::json(shown_funds(&funds)))
}

fn statement_filter(call: &Call<'_>) -> StatementFilter {
    StatementFilter {
        range: DateRange {
            from: call.values.number("from").map(UtcMillis),
            to: call.values.number("to").map(UtcMillis),
        },
        kind: match call.values.text("kind") {
            Some("payments") => StatementKind::Payments,
            Some("bets") => StatementKind::Bets,
            _ => StatementKind::All,
        },
    }
}

async fn page(call: &Call<'_>, from: u32, count: u32) -> Result<Statement, Problem> {
    let page = Page { from, count };
    let query = AccountQuery::Statement { filter: statement_filter(call), page };
    match look(call, query).await? {
        AccountView::Statement(statement) => Ok(statement),
        _ => Err(unexpected()),
    }
}

/// The words of a line: what it is, its market and its bet.
fn words(item: StatementItem) -> (&'static str, String, String) {
    let market = || item.resolution().map_or(String::new(), |(id, _)| id.to_string());
    match item {
        StatementItem::Deposit => ("deposit", String::new(), String::new()),
        StatementItem::Withdrawal => ("withdrawal", String::new(), String::new()),
        StatementItem::Bet { bet, .. } => ("bet", market(), bet.to_string()),
        StatementItem::BetReversed { bet, .. } => ("bet reversed", market(), bet.to_string()),
        StatementItem::Commission { .. } => ("commission", market(), String::new()),
        StatementItem::CommissionReversed { .. } => {
            ("commission reversed", market(), String::new())
        }
    }
}

fn shown_row(row: &StatementRow) -> Value {
    let (kind, market, bet) = words(row.line.item);
    json!({
        "number": row.line.number,
        "at": moment(row.line.at),
        "kind": kind,
        "marketId": (!market.is_empty()).then_some(market),
        "betId": (!bet.is_empty()).then_some(bet),
        "amount": row.line.amount.to_string(),
        "balance": row.line.balance.to_string(),
        "takenBack": row.taken_back,
    })
}

pub(super) async fn statement(call: Call<'_>) -> Handled {
    let number = |name, other: u32| {
        call.values.number(name).and_then(|it| u32::try_from(it).ok()).unwrap_or(other)
    };
    let statement = page(&call, number("skip", 0), number("count", STATEMENT_PAGE_MAX)).await?;
    let rows: Vec<Value> = statement.rows.iter().map(shown_row).collect();
    Ok(Done::json(json!({ "lines": rows, "more": statement.more })))
}

/// Every cell is a number, a time or a word of ours: no spreadsheet takes one for a formula but a negative
/// amount, which is one.
pub(super) async fn statement_csv(call: Call<'_>) -> Handled {
    let mut table = String::from("number,at,kind,market,bet,amount,balance\r\n");
    let mut from = 0;
    while from < CSV_LINES {
        let statement = page(&call, from, STATEMENT_PAGE_MAX).await?;
        for row in &statement.rows {
            let (kind, market, bet) = words(row.line.item);
            let (number, at) = (row.line.number, moment(row.line.at));
            let (amount, balance) = (row.line.amount, row.line.balance);
            table += &format!("{number},{at},{kind},{market},{bet},{amount},{balance}\r\n");
        }
        if !statement.more {
            break;
        }
        from += STATEMENT_PAGE_MAX;
    }
    let name = "attachment; filename=\"statement.csv\"".to_owned();
    Ok(Done { body: Some(Body::Csv(table)), headers: vec![("content-disposition", name)] })
}

async fn binding(call: &Call<'_>) -> Result<(Vec<LimitView>, Option<Exclusion>), Problem> {
    match look(call, AccountQuery::Limits).await? {
        AccountView::Limits { limits, exclusion } => Ok((limits, exclusion)),
        _ => Err(unexpected()),
    }
}

pub(super) async fn limits(call: Call<'_>) -> Handled {
    let (limits, _) = binding(&call).await?;
    let limits: Vec<Value> = limits.iter().map(shown_limit).collect();
    Ok(Done::json(json!({ "limits": limits })))
}

fn shown_limit(limit: &LimitView) -> Value {
    let text = |amount: Pence| amount.to_string();
    let next = limit
        .next
        .map(|(from, amount)| json!({ "from": moment(from), "amount": amount.map(text) }));
    json!({
        "kind": match limit.kind {
            LimitKind::Deposit => "deposit",
            LimitKind::Loss => "loss",
        },
        "window": match limit.window {
            Window::Day => "day",
            Window::Week => "week",
            Window::Month => "month",
        },
        "amount": limit.amount.map(text),
        "used": limit.used.to_string(),
        "next": next,
    })
}

pub(super) async fn set_limit(call: Call<'_>) -> Handled {
    let username = call.who()?.username.clone();
    let change = LimitChange {
        kind: match call.values.text("kind") {
            Some("loss") => LimitKind::Loss,
            _ => LimitKind::Deposit,
        },
        window: match call.values.text("window") {
            Some("week") => Window::Week,
            Some("month") => Window::Month,
            _ => Window::Day,
        },
        amount: call.values.number("amount").map(Pence),
    };
    operate(&call, HomeRequest::Limit { username, change }).await?;
    limits(call).await
}

pub(super) async fn exclusion(call: Call<'_>) -> Handled {
    let (_, exclusion) = binding(&call).await?;
    Ok(Done::json(json!({
        "excluded": exclusion.is_some(),
        "since": exclusion.map(|it| moment(it.since)),
        "until": exclusion.and_then(|it| it.until).map(moment),
    })))
}

pub(super) async fn exclude(call: Call<'_>) -> Handled {
    let username = call.who()?.username.clone();
    let days = call.values.number("days").and_then(|days| u32::try_from(days).ok());
    operate(&call, HomeRequest::Exclude { username, days }).await?;
    exclusion(call).await
}
