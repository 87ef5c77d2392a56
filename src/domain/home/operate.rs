//! What an operator's request, or a customer's about their own account, leads to: checked against what home keeps, given its ids, numbered.
//!
//! `operate` reads; it never changes the state that its record will be applied to.

use super::event::CUSTOMER;
use super::operations::Known;
use super::shape::{self, check_shape};
use super::{
    By, Change, FIRST_SELECTION, Home, HomeError, HomeEvent, HomeRequest, MAX_EVENTS, MAX_MARKETS,
    MAX_NAMES, MAX_OPERATOR_TOKENS, MAX_USERS, NewEvent, NewMarket, NewRunner, NewUser, Operated,
    OperatorToken, SentAct, SportEvent, User, check,
};
use crate::act::{AccountAct, AccountChange, AccountProfile, Act, MarketAct, Verdict};
use crate::catalogue::event_type_name;
use crate::definition::{MAX_RUNNERS, MarketDefinition, RunnerDefinition};
use crate::ids::{EntityId, EventTypeId, MarketId, Runner, SelectionId};
use crate::money::Pence;
use crate::time::UtcMillis;
use std::collections::BTreeSet;

pub const MAX_BET_DELAY_S: u16 = 60;
/// 100 % in hundredths of a percent.
const WHOLE: u32 = 10_000;
/// From a day to five years.
const EXCLUSION_DAYS: std::ops::RangeInclusive<u32> = 1..=1_826;

impl Home {
    /// Decides an operator's request at `now`, which must be the time of the record that follows. A repeat
    /// under the same key within a day gets the first answer; a refusal changes nothing and is decided
    /// again when repeated.
    pub fn operate(
        &self,
        now: UtcMillis,
        by: By,
        request: HomeRequest,
    ) -> Result<Operated, HomeError> {
        check_by(&by)?;
        match self.operations.known(now, &by)? {
            Known::New => {}
            Known::Running(operation) => return Ok(Operated::Running { operation }),
            Known::Answered(operation, answer) => {
                return Ok(Operated::Answered { operation, answer: answer.clone() });
            }
        }
        self.operations.room()?;
        let (change, acts) = match request {
            HomeRequest::CreateUser(user) => {
                if self.links.sign_up(now, &user.username).is_some() {
                    return Err(HomeError::UsernameTaken);
                }
                self.create_user(*user)?
            }
            HomeRequest::Deposit { username, amount } => {
                check::amount("amount", amount)?;
                self.account_act(&username, AccountAct::Deposit { amount })?
            }
            HomeRequest::Withdraw { username, amount } => {
                check::amount("amount", amount)?;
                self.account_act(&username, AccountAct::Withdraw { amount })?
            }
            HomeRequest::ChangeUser { username, change } => {
                check_change(&change)?;
                self.account_act(&username, AccountAct::Change(change))?
            }
            HomeRequest::CreateEvent(event) => self.create_event(*event)?,
            HomeRequest::CreateMarket(market) => self.create_market(*market)?,
            HomeRequest::MarketAct { market, act } => self.market_act(market, act)?,
            HomeRequest::Limit { username, change } => {
                self.account_act(&username, AccountAct::Limit(change))?
            }
            HomeRequest::Exclude { username, days } => {
                let until = days.map(|days| exclusion_end(now, days)).transpose()?;
                self.account_act(&username, AccountAct::Exclude { until })?
            }
            HomeRequest::Confirm { token, app_key, partition } => {
                self.create_user(self.confirmed(now, &token, app_key, partition)?)?
            }
            HomeRequest::CreateOperatorToken { token, name, role } => {
                self.create_operator_token(OperatorToken { token, name, role })?
            }
        };
        let operation = self.operations.next();
        Ok(Operated::Begun {
            operation,
            event: HomeEvent::Operated { operation, by, change, acts },
        })
    }

    fn create_user(&self, new: NewUser) -> Result<(Change, Vec<SentAct>), HomeError> {
        check::code("username", &new.username, check::USERNAME_CHARS, "._@+-")?;
        check::password_hash(&new.password_hash)?;
        if let Some(email) = &new.email {
            check::email(email)?;
        }
        check::code("appKey", &new.app_key, 64, "-_")?;
        check_profile(&new.profile)?;
        if let Some(deposit) = new.deposit {
            check::amount("deposit", deposit)?;
        }
        if self.user(&new.username).is_some() {
            return Err(HomeError::UsernameTaken);
        }
        if self.app_keys.contains_key(&new.app_key) {
            return Err(HomeError::invalid("appKey", "is another user's"));
        }
        HomeError::full("users", self.users.len(), MAX_USERS)?;
        let account = self.next.account;
        let opened = AccountAct::Open { currency: new.currency, profile: new.profile };
        let deposit = new.deposit.map(|amount| AccountAct::Deposit { amount });
        let acts = std::iter::once(opened).chain(deposit).map(Act::Account).collect();
        let user = User {
            account,
            partition: new.partition,
            username: new.username,
            password_hash: new.password_hash,
            email: new.email,
            app_key: new.app_key,
        };
        let acts = self.number(EntityId::Account(account), acts)?;
        Ok((Change::UserCreated(Box::new(user)), acts))
    }

    fn account_act(
        &self,
        username: &str,
        act: AccountAct,
    ) -> Result<(Change, Vec<SentAct>), HomeError> {
        let user = self.user(username).ok_or(HomeError::NoSuchUser)?;
        let acts = self.number(EntityId::Account(user.account), vec![Act::Account(act)])?;
        Ok((Change::Nothing, acts))
    }

    fn create_event(&self, new: NewEvent) -> Result<(Change, Vec<SentAct>), HomeError> {
        if event_type_name(new.event_type).is_none() {
            return Err(HomeError::invalid("eventTypeId", "is not a known event type"));
        }
        check::name("name", &new.name, check::NAME_CHARS)?;
        if let Some(country) = &new.country {
            check::country(country)?;
        }
        if let Some(venue) = &new.venue {
            check::name("venue", venue, check::NAME_CHARS)?;
        }
        check::moment("openDate", new.open_date)?;
        check::code("timezone", &new.timezone, 64, "/_+-")?;
        HomeError::full("events", self.events.len(), MAX_EVENTS)?;
        let competition = match new.competition {
            None => None,
            Some(name) => {
                check::name("competition", &name, check::NAME_CHARS)?;
                let key = (new.event_type, name);
                let id = match self.competitions.get(&key) {
                    Some(known) => *known,
                    None => {
                        HomeError::full("competitions", self.competitions.len(), MAX_NAMES)?;
                        self.next.competition
                    }
                };
                Some((id, key.1))
            }
        };
        let event = SportEvent {
            id: self.next.event,
            event_type: new.event_type,
            name: new.name,
            competition,
            country: new.country,
            venue: new.venue,
            open_date: new.open_date,
            timezone: new.timezone,
        };
        Ok((Change::EventCreated(Box::new(event)), Vec::new()))
    }

    fn create_market(&self, new: NewMarket) -> Result<(Change, Vec<SentAct>), HomeError> {
        let event_type = self.event(new.event).ok_or(HomeError::NoSuchEvent)?.event_type;
        check_market(&new)?;
        HomeError::full("markets", self.markets.len(), MAX_MARKETS)?;
        let id = self.next.market;
        let number_of_winners = shape::winners(&new);
        let runners = self.name_runners(event_type, new.runners)?;
        shape::check_sides(new.betting_type, &runners)?;
        let definition = MarketDefinition {
            id,
            partition: new.partition,
            event: new.event,
            event_type,
            runners,
            name: new.name,
            market_type: new.market_type,
            start_time: new.start_time,
            number_of_winners,
            betting_type: new.betting_type,
            each_way_divisor: new.each_way_divisor,
            line: new.line,
            bsp_market: new.bsp_market,
            turn_in_play: new.turn_in_play,
            persistence: new.persistence,
            cross_matching: new.cross_matching,
            complete: new.complete,
            discount_allowed: new.discount_allowed,
            base_rate: new.base_rate,
            bet_delay_s: new.bet_delay_s,
            jurisdiction: new.jurisdiction,
            race_type: new.race_type,
            bet_delay_models: new.bet_delay_models,
        };
        let create = MarketAct::Create { definition: Box::new(definition), open: new.open };
        let acts = self.number(EntityId::Market(id), vec![Act::Market(create)])?;
        Ok((Change::MarketListed(id), acts))
    }

    /// Gives each runner its id: the creator's, that of its name, or the next.
    fn name_runners(
        &self,
        event_type: EventTypeId,
        runners: Vec<NewRunner>,
    ) -> Result<Vec<RunnerDefinition>, HomeError> {
        HomeError::full("names", self.selections.len() + runners.len() - 1, MAX_NAMES)?;
        let mut next = self.next.selection;
        let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
        let mut named: Vec<RunnerDefinition> = Vec::with_capacity(runners.len());
        for (index, new) in (0_u16..).zip(runners) {
            let field = |name: &str| format!("runners[{index}].{name}");
            check::name(&field("name"), &new.name, check::NAME_CHARS)?;
            let factor = new.adjustment_factor.unwrap_or(0);
            check::at_most(&field("adjustmentFactor"), factor, WHOLE, "hundredths of a percent")?;
            // A side of an Asian handicap is named once for each of its lines.
            let same = |known: &&RunnerDefinition| known.name == new.name;
            let same = named.iter().find(same).map(|known| known.runner.selection);
            let key = (event_type, new.name);
            let known = same.or_else(|| self.selections.get(&key).copied());
            let selection = match (new.selection, known) {
                (Some(given), _) if given.0 == 0 || given >= self.next.selection => {
                    let reason = format!("must be 1 to {}", FIRST_SELECTION.0 - 1);
                    return Err(HomeError::invalid(field("selectionId"), reason));
                }
                (Some(given), _) => given,
                (None, Some(known)) => known,
                (None, None) => {
                    next.0 += 1;
                    SelectionId(next.0 - 1)
                }
            };
            // Two runners of one name could not be told apart, whatever their ids.
            if !names.insert((key.1.clone(), new.handicap)) {
                return Err(HomeError::invalid(field("name"), "is another runner's"));
            }
            let runner = Runner { selection, handicap: new.handicap };
            if !ids.insert(runner) {
                return Err(HomeError::invalid(field("selectionId"), "is another runner's"));
            }
            named.push(RunnerDefinition {
                runner,
                name: key.1,
                sort_priority: new.sort_priority.unwrap_or(index + 1),
                adjustment_factor: new.adjustment_factor,
            });
        }
        Ok(named)
    }

    fn market_act(
        &self,
        market: MarketId,
        act: MarketAct,
    ) -> Result<(Change, Vec<SentAct>), HomeError> {
        self.placement(market).ok_or(HomeError::NoSuchMarket)?;
        match &act {
            MarketAct::Create { .. } => {
                return Err(HomeError::invalid("market", "is created under an id of home's"));
            }
            MarketAct::Settle(verdict) => check_verdict(verdict)?,
            MarketAct::TurnInPlay { bet_delay_s: Some(delay) }
            | MarketAct::DelayBets { bet_delay_s: delay } => check_bet_delay(*delay)?,
            MarketAct::Suspend { reason: Some(reason), .. } => {
                check::name("suspendReason", reason, check::NAME_CHARS)?;
            }
            MarketAct::KeyLine { runners } => check_few("keyLine", runners)?,
            _ => {}
        }
        let acts = self.number(EntityId::Market(market), vec![Act::Market(act)])?;
        Ok((Change::Nothing, acts))
    }

    fn create_operator_token(
        &self,
        token: OperatorToken,
    ) -> Result<(Change, Vec<SentAct>), HomeError> {
        check::name("name", &token.name, check::NAME_CHARS)?;
        if token.name.starts_with(CUSTOMER) {
            return Err(HomeError::invalid("name", "would pass for a customer's"));
        }
        if self.operators.contains(&token.name) {
            return Err(HomeError::invalid("name", "is another token's"));
        }
        if self.operator_tokens.contains_key(&token.token) {
            return Err(HomeError::invalid("token", "is in use"));
        }
        HomeError::full("operator tokens", self.operator_tokens.len(), MAX_OPERATOR_TOKENS)?;
        Ok((Change::OperatorTokenCreated(token), Vec::new()))
    }

    fn number(&self, target: EntityId, acts: Vec<Act>) -> Result<Vec<SentAct>, HomeError> {
        let first = self.operations.next_act(target, acts.len())?;
        Ok((first..).zip(acts).map(|(n, act)| SentAct { target, n, act }).collect())
    }
}

fn exclusion_end(now: UtcMillis, days: u32) -> Result<UtcMillis, HomeError> {
    if !EXCLUSION_DAYS.contains(&days) {
        let (least, most) = (EXCLUSION_DAYS.start(), EXCLUSION_DAYS.end());
        return Err(HomeError::invalid("days", format!("must be {least} to {most}")));
    }
    Ok(now.plus_ms(i64::from(days) * 24 * 60 * 60 * 1_000))
}

fn check_by(by: &By) -> Result<(), HomeError> {
    if let Some(reason) = &by.reason {
        check::name("reason", reason, check::REASON_CHARS)?;
    }
    let Some(key) = &by.key else { return Ok(()) };
    if (1..=255).contains(&key.key.len()) && key.key.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    Err(HomeError::invalid("Idempotency-Key", "must have 1 to 255 visible ASCII characters"))
}

fn check_profile(profile: &AccountProfile) -> Result<(), HomeError> {
    check_discount(profile.discount_rate)?;
    check_limit(profile.exposure_limit)
}

fn check_change(change: &AccountChange) -> Result<(), HomeError> {
    check_discount(change.discount_rate.unwrap_or(0))?;
    check_limit(change.exposure_limit.flatten())
}

fn check_discount(rate: u32) -> Result<(), HomeError> {
    check::at_most("discountRate", rate, WHOLE, "hundredths of a percent")
}

fn check_limit(limit: Option<Pence>) -> Result<(), HomeError> {
    match limit {
        Some(limit) if !(Pence::ZERO..=Pence::MAX_ENTERED).contains(&limit) => {
            let reason = format!("must be 0 to {}", Pence::MAX_ENTERED);
            Err(HomeError::invalid("exposureLimit", reason))
        }
        _ => Ok(()),
    }
}

fn check_bet_delay(delay_s: u16) -> Result<(), HomeError> {
    check::at_most("betDelay", u32::from(delay_s), u32::from(MAX_BET_DELAY_S), "seconds")
}

fn check_verdict(verdict: &Verdict) -> Result<(), HomeError> {
    let named =
        [("winners", &verdict.winners), ("placed", &verdict.placed), ("tied", &verdict.tied)];
    named.into_iter().try_for_each(|(field, runners)| check_few(field, runners))
}

fn check_few(field: &'static str, runners: &[Runner]) -> Result<(), HomeError> {
    if runners.len() > MAX_RUNNERS {
        let reason = format!("must name at most {MAX_RUNNERS} runners");
        return Err(HomeError::invalid(field, reason));
    }
    Ok(())
}

fn check_market(new: &NewMarket) -> Result<(), HomeError> {
    check::name("name", &new.name, check::NAME_CHARS)?;
    check::code("marketType", &new.market_type, 50, "_")?;
    check::moment("startTime", new.start_time)?;
    if new.runners.is_empty() || new.runners.len() > MAX_RUNNERS {
        let reason = format!("must be 1 to {MAX_RUNNERS}");
        return Err(HomeError::invalid("runners", reason));
    }
    check_shape(new)?;
    check::at_most("baseRate", new.base_rate, WHOLE, "hundredths of a percent")?;
    check_bet_delay(new.bet_delay_s)?;
    if let Some(jurisdiction) = &new.jurisdiction {
        check::code("jurisdiction", jurisdiction, 32, "-_")?;
    }
    match &new.race_type {
        Some(race_type) => check::name("raceType", race_type, 32),
        None => Ok(()),
    }
}
