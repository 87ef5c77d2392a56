//! The operator API: what each method and path does, and who may.
//!
//! Owns the table of paths. Reading bodies is in [`super::request`], asking in [`super::ask`], looking in
//! [`super::watch`]; HTTP comes in as plain values and goes out as [`Answer`].

use actors::account::AccountView;
use domain::act::{AccountChange, AccountProfile, AccountStatus, Currency, MarketAct, Verdict};
use domain::catalogue::Catalogue;
use domain::definition::LineDefinition;
use domain::home::{
    By, HomeRequest, IdempotencyKey, NewEvent, NewMarket, NewRunner, NewUser, OperationAnswer, Role,
};
use domain::ids::{EventId, EventTypeId, MarketId, PartitionId, Runner, SelectionId};
use domain::ladder::{LineRange, PRICES_MAX};
use domain::money::Pence;
use domain::time::UtcMillis;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::access::{Credentials, Operator};
use super::json::{self, check_content_type, in_full};
use super::observe::{self, recovery};
use super::problem::Problem;
use super::request::{
    Act, AdvanceClock, ChangeUser, CreateEvent, CreateMarket, CreateToken, CreateUser, KillActor,
    Line, MarketAct as AskedAct, MoveMoney, UserStatus, idempotency_key,
};
use super::trials;
use super::watch::Watch;
use super::{access, ask, ledger, request};
use crate::catalogue;
use crate::password;
use crate::secret;
use crate::telemetry;

/// One request as it came.
pub struct Asked<'a> {
    /// What to do with the path.
    pub method: &'a Method,
    /// Below the listener's root.
    pub path: &'a str,
    /// Behind the `?`.
    pub query: &'a str,
    /// What shows who sent it.
    pub brought: Credentials<'a>,
    /// Of `Content-Type`.
    pub content_type: Option<&'a str>,
    /// Of `Idempotency-Key`.
    pub key: Option<&'a [u8]>,
    /// Whole.
    pub body: &'a [u8],
}

/// A status and its JSON.
pub type Answer = Result<(StatusCode, Value), Problem>;

/// Answers `/v1/operator/...`; `None` when there is no such path.
pub async fn answer(watch: &Watch, asked: Asked<'_>) -> Option<Answer> {
    let path = asked.path.strip_prefix("/v1/operator/")?;
    let segments: Vec<&str> = path.split('/').collect();
    Some(admitted(watch, &asked, &segments).await)
}

async fn admitted(watch: &Watch, asked: &Asked<'_>, segments: &[&str]) -> Answer {
    if !watch.node.is_ready() {
        return Err(ask::unavailable("the node is not ready"));
    }
    let Operator { name, role } = access::who(watch, asked.method, &asked.brought).await?;
    let api = Api { watch, asked, operator: name, role };
    match asked.method {
        &Method::GET => api.look(segments).await,
        &Method::PUT if segments != ["log-level"] => Err(not_allowed()),
        &Method::POST | &Method::PATCH | &Method::PUT => {
            let admin = matches!(segments, ["tokens" | "links" | "log-level"]);
            if role < if admin { Role::Admin } else { Role::Operator } {
                return Err(access::forbidden());
            }
            check_content_type(asked.content_type, asked.body)?;
            let answer = api.act(segments).await;
            if answer.is_ok() {
                api.tell_audit(segments);
            }
            answer
        }
        _ => Err(not_allowed()),
    }
}

fn not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed")
}

struct Api<'a> {
    watch: &'a Watch,
    asked: &'a Asked<'a>,
    operator: String,
    role: Role,
}

impl Api<'_> {
    async fn look(&self, segments: &[&str]) -> Answer {
        let ok = |value| Ok((StatusCode::OK, value));
        if let Some(answer) = observe::look(self.watch, segments, self.asked.query).await {
            return answer;
        }
        if let Some(answer) = trials::look(self.watch, segments, self.asked.query).await {
            return answer;
        }
        match segments {
            ["users", username] => self.user(username).await,
            ["me"] => ok(json!({ "name": self.operator, "role": access::role_word(self.role) })),
            ["log-level"] => ok(json!({ "filter": telemetry::filter() })),
            ["ledger"] => ok(ledger::read(&self.watch.node).await?),
            ["tree"] => ok(json!(self.watch.tree().await.map_err(tree_gone)?)),
            _ => Err(not_found("no such path")),
        }
    }

    async fn act(&self, segments: &[&str]) -> Answer {
        let body = self.asked.body;
        match (self.asked.method.as_str(), segments) {
            ("POST", ["users"]) => self.create_user(CreateUser::read(body)?).await,
            ("POST", ["users", username, way @ ("deposit" | "withdraw")]) => {
                let money = MoveMoney::read(body)?;
                let (username, amount) = ((*username).to_owned(), Pence(money.amount_pence));
                let request = match *way {
                    "deposit" => HomeRequest::Deposit { username, amount },
                    _ => HomeRequest::Withdraw { username, amount },
                };
                self.operate(money.reason, request, StatusCode::OK).await
            }
            ("PATCH", ["users", username]) => {
                let change = ChangeUser::read(body)?;
                let request = HomeRequest::ChangeUser {
                    username: (*username).to_owned(),
                    change: account_change(&change),
                };
                self.operate(change.reason, request, StatusCode::OK).await
            }
            ("POST", ["events"]) => {
                let event = CreateEvent::read(body)?;
                let request = HomeRequest::CreateEvent(Box::new(new_event(&event)?));
                self.operate(event.reason, request, StatusCode::CREATED).await
            }
            ("POST", ["markets"]) => {
                let market = CreateMarket::read(body)?;
                let request = HomeRequest::CreateMarket(Box::new(new_market(&market)?));
                self.operate(market.reason, request, StatusCode::CREATED).await
            }
            ("POST", ["markets", id, act]) => self.market_act(id, act).await,
            ("POST", ["actors", id, "kill"]) => self.kill(id, KillActor::read(body)?).await,
            ("POST", ["actors", id, "retry"]) => self.retry(id).await,
            ("POST", ["tokens"]) => self.create_token(CreateToken::read(body)?).await,
            ("POST", ["links"]) => self.create_link(&CreateToken::read(body)?),
            ("PUT", ["log-level"]) => set_log_level(body),
            ("POST", ["clock"]) => self.advance(&AdvanceClock::read(body)?),
            _ => Err(not_found("no such path")),
        }
    }

    /// What was done stands in the audit. Acts on actors tell of themselves, before they are done.
    fn tell_audit(&self, segments: &[&str]) {
        let (target, kind, act): (String, _, String) = match segments {
            ["actors", ..] => return,
            ["markets", id, act] => (format!("market-{id}"), "market", (*act).to_owned()),
            ["users", name, act] => ((*name).to_owned(), "user", (*act).to_owned()),
            ["users", name] => ((*name).to_owned(), "user", "change".to_owned()),
            ["log-level"] => ("log".to_owned(), "node", "level".to_owned()),
            [what] => ((*what).to_owned(), "node", "create".to_owned()),
            _ => return,
        };
        let body = serde_json::from_slice(self.asked.body).unwrap_or(Value::Null);
        let reason = body["reason"].as_str().unwrap_or_default();
        self.watch.tell_of(&target, kind, &self.operator, act.into(), reason);
    }

    fn query(&self, name: &str) -> Option<&str> {
        let pairs = self.asked.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    fn by(&self, reason: Option<String>) -> Result<By, Problem> {
        let key = idempotency_key(self.asked.key)?;
        let Asked { method, path, body, .. } = self.asked;
        let request = request::fingerprint(method.as_str(), path, body);
        let key = key.map(|key| IdempotencyKey { key, request });
        Ok(By { operator: self.operator.clone(), reason, key })
    }

    async fn operate(
        &self,
        reason: Option<String>,
        request: HomeRequest,
        status: StatusCode,
    ) -> Answer {
        let answer = ask::operate(&self.watch.node, self.by(reason)?, request).await?;
        Ok((status, shown(answer)))
    }

    async fn create_user(&self, user: CreateUser) -> Answer {
        let password_hash = password::hash(user.password).await?;
        let request = HomeRequest::CreateUser(Box::new(NewUser {
            username: user.username,
            password_hash,
            email: user.email,
            app_key: secret::app_key(),
            currency: Currency::Gbp,
            profile: AccountProfile::default(),
            deposit: user.deposit_pence.map(Pence).filter(|amount| !amount.is_zero()),
            partition: PartitionId(0),
        }));
        self.operate(user.reason, request, StatusCode::CREATED).await
    }

    async fn user(&self, username: &str) -> Answer {
        let username = username.to_owned();
        let question = |reply| actors::home::HomeMsg::User { username, reply };
        let user = ask::home(&self.watch.node, question).await?;
        let user = user.ok_or_else(|| not_found("no such user"))?;
        let AccountView::Funds { funds, .. } = ask::funds(&self.watch.node, user.account).await?
        else {
            return Err(ask::unavailable("the account did not tell its funds"));
        };
        let answer = json!({
            "accountId": user.account,
            "username": user.username,
            "balance": funds.balance.to_string(),
            "available": funds.available().to_string(),
            "exposure": funds.exposure.to_string(),
            "status": account_status(funds.status),
        });
        Ok((StatusCode::OK, answer))
    }

    async fn market_act(&self, id: &str, act: &str) -> Answer {
        let market: MarketId =
            id.parse().map_err(|_| not_found("no market has an id of this form"))?;
        let asked =
            AskedAct::read(act, self.asked.body).ok_or_else(|| not_found("no such act"))??;
        let act = match asked.act {
            Act::Open => MarketAct::Open,
            Act::Suspend { lapse, reason } => MarketAct::Suspend { lapse, reason },
            Act::TurnInPlay { bet_delay } => MarketAct::TurnInPlay {
                bet_delay_s: bet_delay.and_then(|seconds| u16::try_from(seconds).ok()),
            },
            Act::BetDelay { bet_delay } => {
                MarketAct::DelayBets { bet_delay_s: u16::try_from(bet_delay).unwrap_or(u16::MAX) }
            }
            Act::KeyLine { key_line } => {
                let runner = |(selection, handicap)| Runner {
                    selection: SelectionId(selection),
                    handicap: i32::try_from(handicap).unwrap_or(i32::MAX),
                };
                MarketAct::KeyLine { runners: key_line.into_iter().map(runner).collect() }
            }
            Act::Void => MarketAct::Void,
            Act::Reopen => MarketAct::Reopen,
            Act::Unsettle => MarketAct::Unsettle,
            Act::ReconcileSp => MarketAct::ReconcileSp,
            Act::RemoveRunner { selection_id, adjustment_factor } => {
                let runner = self.runners(market, &[selection_id]).await?;
                let factor = adjustment_factor.and_then(|factor| u32::try_from(factor).ok());
                let runner = runner.first().copied().ok_or_else(|| not_found("no such runner"))?;
                MarketAct::RemoveRunner { runner, factor }
            }
            Act::Settle { winners, placed, tied, dead_heat, result } => {
                MarketAct::Settle(Verdict {
                    winners: self.runners(market, &winners).await?,
                    placed: self.runners(market, &placed).await?,
                    tied: self.runners(market, &tied).await?,
                    dead_heat,
                    result: result.and_then(|result| i32::try_from(result).ok()),
                })
            }
        };
        let request = HomeRequest::MarketAct { market, act };
        self.operate(asked.reason, request, StatusCode::OK).await
    }

    /// The runners of a market that are named by their selections.
    async fn runners(&self, market: MarketId, selections: &[u64]) -> Result<Vec<Runner>, Problem> {
        let selections: Vec<_> = selections.iter().map(|id| SelectionId(*id)).collect();
        let found = catalogue::ask(&self.watch.node, move |catalogue: &Catalogue| {
            let card = catalogue.card(market)?;
            let runners = &card.definition.runners;
            let of = |selection: &SelectionId| {
                let runner = runners.iter().find(|runner| runner.runner.selection == *selection);
                runner.map_or(Runner::plain(*selection), |runner| runner.runner)
            };
            Some(selections.iter().map(of).collect())
        });
        let found = found.await.ok_or_else(|| ask::unavailable("the catalogue is being read"))?;
        found.ok_or_else(|| not_found("no such market"))
    }

    async fn kill(&self, id: &str, kill: KillActor) -> Answer {
        let radius = self.watch.blast_radius(id).ok_or_else(|| observe::gone(self.watch, id))?;
        if self.query("dryRun") == Some("true") {
            return Ok((StatusCode::OK, json!(radius)));
        }
        tracing::warn!(
            actor = id,
            operator = self.operator,
            reason = kill.reason,
            "asked to end an actor"
        );
        let (mode, operator, reason) = (kill.mode.word(), &self.operator, &kill.reason);
        let before = recovery::before(self.watch, id, mode, operator, reason).await;
        let act_seq = self.watch.tell(id, operator, mode, reason);
        self.watch.recoveries.keep(act_seq, before);
        // The answer goes first, also when it is this door that falls.
        let (watch, id) = (self.watch.clone(), id.to_owned());
        let answer = json!({ "id": id, "mode": mode, "actSeq": act_seq });
        supervision::later(AFTER_THE_ANSWER, async move {
            if let Err(error) = watch.hurt(&id, kill.mode, &kill.reason).await {
                tracing::warn!(actor = id, %error, "the actor was not ended");
            }
        });
        Ok((StatusCode::ACCEPTED, answer))
    }

    async fn retry(&self, id: &str) -> Answer {
        match self.watch.retry(id).await {
            Ok(true) => {
                self.watch.tell(id, &self.operator, "retry", "");
                Ok((StatusCode::ACCEPTED, json!({ "id": id })))
            }
            Ok(false) => Err(observe::gone(self.watch, id)),
            Err(error) => {
                Err(Problem::new(StatusCode::CONFLICT, "not_retried").reason(error.to_string()))
            }
        }
    }

    /// With a key, the same request is given the same token: it is derived from what only its operator
    /// knows, since the node keeps no token that it could show again.
    async fn create_token(&self, asked: CreateToken) -> Answer {
        let by = self.by(asked.reason)?;
        let token = match (&by.key, self.asked.brought.authorization) {
            (Some(key), Some(own)) => secret::derived_token(own, &key.key, self.asked.body),
            _ => secret::token(),
        };
        let request = HomeRequest::CreateOperatorToken {
            token: secret::hash(&token),
            name: asked.name,
            role: role(asked.role),
        };
        ask::operate(&self.watch.node, by, request).await?;
        Ok((StatusCode::CREATED, json!({ "token": token })))
    }

    /// A link that signs one browser in to the console, once.
    fn create_link(&self, asked: &CreateToken) -> Answer {
        let host = self.asked.brought.host;
        let link = self.watch.console.link(host, &asked.name, role(asked.role));
        tracing::info!(operator = self.operator, name = asked.name, "console link made");
        let answer = json!({ "url": link.url, "expiresAtMs": link.expires_at_ms });
        Ok((StatusCode::CREATED, answer))
    }

    fn advance(&self, asked: &AdvanceClock) -> Answer {
        let partitions = self.watch.node.partitions();
        if !partitions.iter().all(|partition| partition.advance(asked.advance_ms)) {
            return Err(Problem::new(StatusCode::CONFLICT, "system_clock")
                .reason("only a node started with --clock manual can be advanced"));
        }
        let now = partitions.iter().filter_map(|partition| partition.now()).max();
        Ok((StatusCode::OK, json!({ "nowMs": now })))
    }
}

fn set_log_level(body: &[u8]) -> Answer {
    let filter = json::read(body, |members| {
        let filter = members.text("filter")?;
        members.must("filter", filter)
    })?;
    telemetry::change_filter(&filter).map_err(|why| Problem::field("bad_filter", "filter", why))?;
    tracing::warn!(filter, "log level changed by an operator");
    Ok((StatusCode::OK, json!({ "filter": filter })))
}

/// How long the answer to a kill is given to leave.
const AFTER_THE_ANSWER: std::time::Duration = std::time::Duration::from_millis(20);

fn role(asked: request::Role) -> Role {
    match asked {
        request::Role::Provider => Role::Provider,
        request::Role::Viewer => Role::Viewer,
        request::Role::Operator => Role::Operator,
        request::Role::Admin => Role::Admin,
    }
}

fn shown(answer: OperationAnswer) -> Value {
    use domain::act::ActAnswer;
    match answer {
        OperationAnswer::User { account, username, app_key } => {
            json!({ "accountId": account, "username": username, "appKey": app_key })
        }
        OperationAnswer::Event(event) => json!({ "eventId": event.to_string() }),
        OperationAnswer::Market { market, runners } => json!({
            "marketId": market.to_string(),
            "runners": runners.iter().map(|(runner, name)| {
                match runner.handicap {
                    0 => json!({ "selectionId": runner.selection, "name": name }),
                    handicap => json!({
                        "selectionId": runner.selection,
                        "name": name,
                        "handicap": in_full(i64::from(handicap)),
                    }),
                }
            }).collect::<Vec<_>>(),
        }),
        OperationAnswer::Act(ActAnswer::Market { status, version }) => {
            json!({ "status": format!("{status:?}").to_uppercase(), "version": version })
        }
        OperationAnswer::Act(ActAnswer::Account(funds)) => json!({
            "balance": funds.balance.to_string(),
            "available": funds.available().to_string(),
            "exposure": funds.exposure.to_string(),
        }),
        OperationAnswer::Act(ActAnswer::Refused(error)) => json!({ "refused": error.to_string() }),
        OperationAnswer::OperatorToken => json!({}),
    }
}

fn account_status(status: AccountStatus) -> &'static str {
    match status {
        AccountStatus::Active => "ACTIVE",
        AccountStatus::Suspended => "SUSPENDED",
        AccountStatus::Closed => "CLOSED",
    }
}

fn account_change(asked: &ChangeUser) -> AccountChange {
    AccountChange {
        status: asked.status.map(|status| match status {
            UserStatus::Active => AccountStatus::Active,
            UserStatus::Suspended => AccountStatus::Suspended,
            UserStatus::Closed => AccountStatus::Closed,
        }),
        discount_rate: asked.discount_rate.and_then(|rate| u32::try_from(rate).ok()),
        exposure_limit: asked.exposure_limit_pence.map(|limit| Some(Pence(limit))),
        best_execution: asked.best_execution,
        self_match: asked.self_match,
        minimum_stakes: None,
    }
}

fn new_event(asked: &CreateEvent) -> Result<NewEvent, Problem> {
    let event_type = u32::try_from(asked.event_type_id)
        .map_err(|_| Problem::field("bad_id", "eventTypeId", "is no event type"))?;
    Ok(NewEvent {
        event_type: EventTypeId(event_type),
        name: asked.name.clone(),
        competition: asked.competition.clone(),
        country: asked.country_code.clone(),
        venue: asked.venue.clone(),
        open_date: UtcMillis(asked.open_date_ms),
        timezone: asked.timezone.clone(),
    })
}

fn new_market(asked: &CreateMarket) -> Result<NewMarket, Problem> {
    let runner = |at: usize| move |name: &str| format!("runners[{at}].{name}");
    let mut runners = Vec::with_capacity(asked.runners.len());
    for (at, asked) in asked.runners.iter().enumerate() {
        let field = runner(at);
        let bad = |name: &str| Problem::field("bad_number", field(name), "is out of range");
        runners.push(NewRunner {
            name: asked.name.clone(),
            selection: asked.selection_id.map(SelectionId),
            handicap: i32::try_from(asked.handicap.unwrap_or(0)).map_err(|_| bad("handicap"))?,
            sort_priority: asked
                .sort_priority
                .map(u16::try_from)
                .transpose()
                .map_err(|_| bad("sortPriority"))?,
            adjustment_factor: asked
                .adjustment_factor
                .and_then(|factor| u32::try_from(factor).ok()),
        });
    }
    let small = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
    Ok(NewMarket {
        event: EventId(asked.event_id),
        name: asked.name.clone(),
        market_type: asked.market_type.clone(),
        start_time: UtcMillis(asked.start_time_ms),
        runners,
        number_of_winners: small(asked.number_of_winners),
        betting_type: asked.betting_type,
        each_way_divisor: asked.each_way_divisor.and_then(|divisor| u32::try_from(divisor).ok()),
        line: asked.line.as_ref().map(line).transpose()?,
        bsp_market: asked.bsp_market,
        turn_in_play: asked.turn_in_play,
        persistence: asked.persistence,
        cross_matching: asked.cross_matching,
        complete: asked.complete,
        discount_allowed: asked.discount_allowed,
        base_rate: u32::try_from(asked.base_rate).unwrap_or(u32::MAX),
        bet_delay_s: small(asked.bet_delay),
        jurisdiction: asked.jurisdiction.clone(),
        race_type: asked.race_type.clone(),
        bet_delay_models: asked.bet_delay_models.clone(),
        partition: PartitionId(0),
        open: asked.open,
    })
}

fn line(asked: &Line) -> Result<LineDefinition, Problem> {
    let hundredths = |number: i64| u32::try_from(number).ok();
    let (min, max, interval) =
        (hundredths(asked.min), hundredths(asked.max), hundredths(asked.interval));
    let range = match (min, max, interval) {
        (Some(min), Some(max), Some(interval)) => LineRange::new(min, max, interval),
        _ => None,
    };
    let reason = format!("leaves no lines, or more than {PRICES_MAX}");
    let range = range.ok_or_else(|| Problem::field("bad_number", "line.interval", reason))?;
    Ok(LineDefinition { unit: asked.unit.clone(), range })
}

fn not_found(why: &'static str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found").reason(why)
}

fn tree_gone(error: supervision::AdminError) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable").reason(error.to_string())
}
