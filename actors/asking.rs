//! How an actor asks another and goes on: the answer comes back as one of its own messages.
//!
//! Handlers never wait. A question carries a reply end; a short wait, which the tree runs, turns what comes out
//! of the other end into a message. An answer that never comes (whoever was asked has died) is `None`.

use crate::catalogue::CatalogueMsg;
use crate::fixture::{FixtureMsg, View, Watcher};
use crate::football::question;
use crate::home::{HomeMsg, NewLogin, OperateError};
use crate::market::{MarketMsg, MarketView, ViewRequest};
use crate::node::Child;
use crate::partition::deliver;
use crate::session::{RequestError, SessionMsg, SessionRequest};
use crate::shell::Context;
use crate::{account::AccountMsg, account::AccountQuery, account::AccountView, registry::Address};
use domain::catalogue::Catalogue;
use domain::football::almanac::{Almanac, FixtureId};
use domain::home::{By, HomeError, HomeRequest, Login, OperationAnswer};
use domain::ids::{AccountId, EntityId, MarketId, PartitionId, SessionId};
use domain::request::Outcome;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// One node alone runs one partition.
const PARTITION: PartitionId = PartitionId(0);
/// A session that was told to start, or has fallen, is there again well before.
const SESSION_UP_WITHIN: Duration = Duration::from_secs(2);

impl<M: Send + 'static> Context<M> {
    /// Sends the actor a message when the answer is there, or will never be.
    pub fn when<T: Send + 'static>(
        &self,
        answer: oneshot::Receiver<T>,
        message: impl FnOnce(Option<T>) -> M + Send + 'static,
    ) {
        let me = self.me.clone();
        self.node.nursery().attend(Box::pin(async move {
            // An actor that has died meanwhile wants no answer.
            let _ = me.send(message(answer.await.ok()));
        }));
    }

    pub fn operate(
        &self,
        by: By,
        request: HomeRequest,
        message: impl FnOnce(Option<Result<OperationAnswer, OperateError>>) -> M + Send + 'static,
    ) {
        let (reply, answer) = oneshot::channel();
        let operate = HomeMsg::Operate { by, request, reply };
        deliver(&self.node, PARTITION, EntityId::Home, operate);
        self.when(answer, message);
    }

    pub fn open_session(
        &self,
        login: NewLogin,
        message: impl FnOnce(Option<Result<Login, HomeError>>) -> M + Send + 'static,
    ) {
        let (reply, answer) = oneshot::channel();
        deliver(&self.node, PARTITION, EntityId::Home, HomeMsg::OpenSession { login, reply });
        self.when(answer, message);
    }

    /// Asks a session, which may just be on its way up: then it is waited for. `None` when it did not come in
    /// time, or went before it answered.
    pub fn request(
        &self,
        session: SessionId,
        request: SessionRequest,
        message: impl FnOnce(Option<Result<Outcome, RequestError>>) -> M + Send + 'static,
    ) {
        let address = Address::Session(session);
        let (reply, answer) = oneshot::channel();
        let question = SessionMsg::Request { request, reply: reply.into() };
        let (question, gone) = match self.node.registry.find::<SessionMsg>(address) {
            Some(way) => match way.send(question) {
                Ok(()) => return self.when(answer, message),
                Err(question) => (question, Some(way.incarnation())),
            },
            None => (question, None),
        };
        let (me, registry) = (self.me.clone(), self.node.registry.clone());
        self.node.nursery().attend(Box::pin(async move {
            let way = registry.arrival::<SessionMsg>(address, gone, SESSION_UP_WITHIN).await;
            let answer = match way.is_some_and(|way| way.send(question).is_ok()) {
                true => answer.await.ok(),
                false => None,
            };
            // An actor that has died meanwhile wants no answer.
            let _ = me.send(message(answer));
        }));
    }

    pub fn view(
        &self,
        market: MarketId,
        request: ViewRequest,
        message: impl FnOnce(Option<MarketView>) -> M + Send + 'static,
    ) {
        let (reply, answer) = oneshot::channel();
        let view = MarketMsg::View { request, reply };
        deliver(&self.node, PARTITION, EntityId::Market(market), view);
        self.when(answer, message);
    }

    /// Asks for a match's book; its actor is started when it does not run. `watch` is told to one that is not
    /// the incarnation `watched` already. The answer comes with who gave it.
    pub fn book(
        &self,
        fixture: FixtureId,
        watched: Option<u64>,
        watch: Watcher,
        message: impl FnOnce(Option<(u64, Arc<View>)>) -> M + Send + 'static,
    ) {
        let address = Address::Fixture(fixture);
        if self.node.registry.find::<FixtureMsg>(address).is_none() {
            self.node.nursery().start(Child::Fixture(fixture));
        }
        let (me, registry) = (self.me.clone(), self.node.registry.clone());
        self.node.nursery().attend(Box::pin(async move {
            let ask = async {
                let way = registry.arrival::<FixtureMsg>(address, None, SESSION_UP_WITHIN).await?;
                if watched != Some(way.incarnation()) {
                    way.send(FixtureMsg::Watch(watch)).ok()?;
                }
                let (reply, answer) = oneshot::channel();
                way.send(FixtureMsg::View { reply }).ok()?;
                Some((way.incarnation(), answer.await.ok()??))
            };
            let answer = ask.await;
            // An actor that has died meanwhile wants no answer.
            let _ = me.send(message(answer));
        }));
    }

    /// Asks the catalogue.
    pub fn catalogue<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Catalogue) -> T + Send + 'static,
        message: impl FnOnce(Option<T>) -> M + Send + 'static,
    ) {
        let (reply, answer) = oneshot::channel();
        let ask = CatalogueMsg::Ask(Box::new(move |catalogue| drop(reply.send(read(catalogue)))));
        if let Some(way) = self.node.registry.find::<CatalogueMsg>(Address::Catalogue) {
            // One that is gone drops the question, and with it the reply.
            let _ = way.send(ask);
        }
        self.when(answer, message);
    }

    /// Asks football.
    pub fn football<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Almanac) -> T + Send + 'static,
        message: impl FnOnce(Option<T>) -> M + Send + 'static,
    ) {
        let (reply, answer) = oneshot::channel();
        deliver(&self.node, PARTITION, EntityId::Football, question(read, reply));
        self.when(answer, message);
    }

    pub fn query(
        &self,
        account: AccountId,
        query: AccountQuery,
        message: impl FnOnce(Option<AccountView>) -> M + Send + 'static,
    ) {
        let (reply, answer) = oneshot::channel();
        let query = AccountMsg::Query { query, reply };
        deliver(&self.node, PARTITION, EntityId::Account(account), query);
        self.when(answer, message);
    }
}
