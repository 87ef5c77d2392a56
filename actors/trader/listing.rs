//! A trader as an operator: lists its match and leads the markets through it, to the result.

use super::maker::Question;
use super::playbill::Stage;
use super::{ACTS_MAX, Answer, Listed, SOCCER, Trader, TraderMsg, by, told};
use crate::market::MarketView;
use crate::shell::Context;
use domain::act::{MarketAct, Verdict};
use domain::definition::MarketStatus;
use domain::home::{HomeRequest, IdempotencyKey, NewEvent, NewMarket, OperationAnswer};
use domain::ids::{EventId, MarketId};
use domain::time::UtcMillis;
use std::cmp::Ordering;

impl Trader {
    pub(super) fn list_event(&mut self, context: &Context<TraderMsg>) {
        let fixture = &self.game.fixture;
        let event = NewEvent {
            event_type: SOCCER,
            name: fixture.name(),
            competition: Some(fixture.league.name.to_owned()),
            country: Some(fixture.league.country.to_owned()),
            venue: None,
            open_date: self.game.kick_off,
            timezone: fixture.league.timezone.to_owned(),
        };
        self.operate("event", HomeRequest::CreateEvent(Box::new(event)), context);
    }

    pub(super) fn list_market(&mut self, event: EventId, context: &Context<TraderMsg>) {
        let kick_off = self.game.kick_off;
        let fixture = &self.game.fixture;
        let market = match self.next_question() {
            Question::MatchOdds => NewMarket::of(event, "Match Odds", "MATCH_ODDS", kick_off)
                .with_runners(&[fixture.home, fixture.away, "The Draw"]),
            Question::OverUnder => {
                NewMarket::of(event, "Over/Under 2.5 Goals", "OVER_UNDER_25", kick_off)
                    .with_runners(&["Under 2.5 Goals", "Over 2.5 Goals"])
            }
        };
        let key = format!("market-{}", self.listed.len());
        self.operate(&key, HomeRequest::CreateMarket(Box::new(market)), context);
    }

    pub(super) fn next_question(&self) -> Question {
        if self.listed.is_empty() { Question::MatchOdds } else { Question::OverUnder }
    }

    pub(super) fn operated(&mut self, answer: OperationAnswer) -> Result<(), String> {
        match answer {
            OperationAnswer::Event(event) => self.event = Some(event),
            OperationAnswer::Market { market, runners } => {
                let question = self.next_question();
                let runners = runners.into_iter().map(|(runner, _)| runner).collect();
                self.listed.push(Listed { question, market, runners, seen: None });
            }
            // Done or refused: the next view tells.
            OperationAnswer::Act(_) => {}
            other => return Err(format!("{other:?}")),
        }
        Ok(())
    }

    pub(super) fn viewed(&mut self, view: &MarketView) -> Result<(), String> {
        let found = self.listed.iter_mut().find(|listed| view.market == Some(listed.market));
        let listed = found.ok_or("a listed market does not exist")?;
        listed.seen = Some((view.status, view.in_play));
        Ok(())
    }

    /// What must be done to a market's status; nothing for one that an operator has suspended or ended.
    pub(super) fn act(&mut self, stage: Stage, now: UtcMillis) -> Option<(MarketId, MarketAct)> {
        if self.look.acts >= ACTS_MAX {
            return None;
        }
        let ours = self.paused || self.game.was_left_suspended(now);
        for listed in &self.listed {
            let (status, in_play) = listed.seen?;
            let act = match (stage, status) {
                (_, MarketStatus::Closed) => continue,
                (Stage::Over, _) => {
                    let winners = vec![listed.runners[self.winner(listed.question)]];
                    MarketAct::Settle(Verdict::won_by(winners))
                }
                (_, MarketStatus::Inactive) => MarketAct::Open,
                (Stage::InPlay | Stage::Pause, MarketStatus::Open) if !in_play => {
                    MarketAct::TurnInPlay { bet_delay_s: Some(0) }
                }
                (Stage::Pause, MarketStatus::Open) => {
                    self.paused = true;
                    MarketAct::Suspend { lapse: true }
                }
                (Stage::InPlay, MarketStatus::Suspended) if ours => MarketAct::Open,
                _ => continue,
            };
            self.look.acts += 1;
            return Some((listed.market, act));
        }
        if stage == Stage::InPlay {
            self.paused = false;
        }
        None
    }

    pub(super) fn winner(&self, question: Question) -> usize {
        let score = self.book.as_ref().map(|book| book.priced.rests.score).unwrap_or_default();
        match question {
            Question::MatchOdds => match score.home.cmp(&score.away) {
                Ordering::Greater => 0,
                Ordering::Less => 1,
                Ordering::Equal => 2,
            },
            Question::OverUnder => usize::from(score.home.saturating_add(score.away) > 2),
        }
    }

    pub(super) fn operate_market(
        &mut self,
        market: MarketId,
        act: MarketAct,
        context: &Context<TraderMsg>,
    ) {
        for listed in self.listed.iter_mut().filter(|listed| listed.market == market) {
            listed.seen = None;
        }
        let n = self.ask();
        let request = HomeRequest::MarketAct { market, act };
        context.operate(by(None), request, move |answer| told(n, Answer::Operated(answer)));
    }

    pub(super) fn operate(
        &mut self,
        what: &str,
        request: HomeRequest,
        context: &Context<TraderMsg>,
    ) {
        let key = IdempotencyKey {
            key: format!("demo-{}-{}-{what}", self.number, self.game.round),
            request: [0; 32],
        };
        let n = self.ask();
        context.operate(by(Some(key)), request, move |answer| told(n, Answer::Operated(answer)));
    }
}
