//! What a replay asks of others, one thing at a time, and what it makes of a listing's answer.

use super::mirror::{Request, Resting};
use super::{Answer, Replay, ReplayMsg};
use crate::account::AccountQuery;
use crate::session::SessionRequest;
use crate::shell::{Context, Fault};
use domain::account::{CurrentOrder, OrderFilter, OrderProjection, OrderSort, Page};
use domain::act::{ActAnswer, MarketAct};
use domain::home::{By, HomeRequest, IdempotencyKey, OperationAnswer};
use domain::ids::{AccountId, MarketId, SessionId};
use domain::request::{CancelScope, CustomerRequest, RequestBody};
use std::collections::BTreeSet;
use std::time::Instant;

impl Replay {
    pub(super) fn log_in(&mut self, context: &Context<ReplayMsg>) -> Result<(), Fault> {
        let (session, token) = (self.play.secrets)();
        let login = self.play.customer.login(session, token);
        let n = self.ask();
        context.open_session(login, move |answer| told(n, Answer::LoggedIn(session, answer)));
        Ok(())
    }

    /// Under a key, so that a new incarnation finds what an earlier one listed.
    pub(super) fn operate(
        &mut self,
        what: &str,
        request: HomeRequest,
        context: &Context<ReplayMsg>,
    ) -> Result<(), Fault> {
        let key = format!("replay-{}-{what}", self.play.run);
        let n = self.ask();
        let by = by(Some(IdempotencyKey { key, request: [0; 32] }));
        context.operate(by, request, move |answer| told(n, Answer::Operated(answer)));
        Ok(())
    }

    pub(super) fn operate_market(
        &mut self,
        market: MarketId,
        act: MarketAct,
        context: &Context<ReplayMsg>,
    ) -> Result<(), Fault> {
        let n = self.ask();
        let request = HomeRequest::MarketAct { market, act };
        context.operate(by(None), request, move |answer| told(n, Answer::Operated(answer)));
        Ok(())
    }

    pub(super) fn operated(&mut self, answer: OperationAnswer) -> Result<(), Fault> {
        match answer {
            OperationAnswer::Event(event) => self.event = Some(event),
            OperationAnswer::Market { market, .. } => {
                self.market = Some(market);
                if self.report.market.is_none() {
                    self.report.status = self.life.status();
                }
                self.report.market = Some(market);
                self.play.report.send_replace(self.report.clone());
            }
            OperationAnswer::Act(ActAnswer::Refused(error)) => {
                self.report.notes.push(format!("an act was refused: {error}"));
            }
            OperationAnswer::Act(_) => {}
            other => return Err(Fault(format!("{other:?}"))),
        }
        Ok(())
    }

    pub(super) fn request(
        &mut self,
        session: SessionId,
        market: MarketId,
        request: Request,
        context: &mut Context<ReplayMsg>,
    ) -> Result<(), Fault> {
        let request = match request {
            Request::Place(tickets) => SessionRequest::Place {
                market,
                tickets,
                customer_ref: None,
                strategy_ref: None,
                market_version: None,
            },
            Request::Cancel(orders) => SessionRequest::Plain(CustomerRequest {
                customer_ref: None,
                body: RequestBody::Cancel(CancelScope::Bets { market, orders }),
            }),
        };
        let n = self.ask();
        context.request(session, request, move |answer| told(n, Answer::Done(answer)));
        Ok(())
    }

    pub(super) fn read_back(
        &mut self,
        account: AccountId,
        market: MarketId,
        context: &Context<ReplayMsg>,
    ) -> Result<(), Fault> {
        let filter = OrderFilter {
            markets: Some(BTreeSet::from([market])),
            projection: OrderProjection::Executable,
            ..OrderFilter::default()
        };
        let page = Page { from: self.read_back.len() as u32, count: 0 };
        let query = AccountQuery::CurrentOrders { filter, sort: OrderSort::default(), page };
        let n = self.ask();
        context.query(account, query, move |view| told(n, Answer::Orders(view)));
        Ok(())
    }

    pub(super) fn ask(&mut self) -> u64 {
        self.questions += 1;
        self.asked = Some((self.questions, Instant::now()));
        self.questions
    }
}

pub(super) fn told(n: u64, answer: Answer) -> ReplayMsg {
    ReplayMsg::Answer { n, answer }
}

fn by(key: Option<IdempotencyKey>) -> By {
    By { operator: "replay".to_owned(), reason: None, key }
}

pub(super) fn resting(order: &CurrentOrder) -> Resting {
    Resting {
        bet: order.bet,
        runner: order.runner,
        side: order.side,
        price: order.price,
        remaining: order.remaining,
    }
}
