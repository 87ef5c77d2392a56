//! What home is asked about customers themselves: sign-ups, passwords, sessions, keys, mail.
//!
//! Decides nothing: `domain::home` does. What was decided is recorded, and answered behind its record.

use super::{Home, answer};
use crate::entity::Desk;
use crate::shell::{Fault, Named};
use domain::home::{
    ApiKey, Drawn, HomeError, HomeEvent, Login, MailWish, NewApiKey, SecretHash, User,
};
use domain::ids::{AccountId, SessionId};
use domain::time::UtcMillis;
use tokio::sync::oneshot;

type Reply<T> = oneshot::Sender<Result<T, HomeError>>;

#[derive(Debug)]
pub enum PeopleMsg {
    /// Answered the same whoever has the address.
    SignUp {
        username: String,
        email: String,
        password_hash: String,
        drawn: Drawn,
        reply: Reply<()>,
    },
    /// The link of a sign-up once more; answered the same whoever has the address.
    RenewSignUp {
        email: String,
        drawn: Drawn,
        reply: Reply<()>,
    },
    /// A way to a new password; answered the same whoever has the address.
    AskReset {
        email: String,
        drawn: Drawn,
        reply: Reply<()>,
    },
    /// Answered with the sessions that it ended.
    ResetPassword {
        token: SecretHash,
        password_hash: String,
        reply: Reply<Vec<SessionId>>,
    },
    /// Answered with the sessions that it ended.
    ChangePassword {
        account: AccountId,
        password_hash: String,
        kept: Option<SessionId>,
        reply: Reply<Vec<SessionId>>,
    },
    Sessions {
        account: AccountId,
        reply: oneshot::Sender<Vec<(SessionId, Login)>>,
    },
    EndSession {
        account: AccountId,
        session: SessionId,
        reply: Reply<()>,
    },
    CreateApiKey {
        account: AccountId,
        key: NewApiKey,
        reply: Reply<ApiKey>,
    },
    /// Answered with the session that carried its orders.
    RevokeApiKey {
        account: AccountId,
        id: u64,
        reply: Reply<SessionId>,
    },
    ApiKeys {
        account: AccountId,
        reply: oneshot::Sender<Vec<ApiKey>>,
    },
    /// The owner of a key that is used now.
    UseApiKey {
        token: SecretHash,
        reply: oneshot::Sender<Option<(User, ApiKey)>>,
    },
    UserOf {
        account: AccountId,
        reply: oneshot::Sender<Option<(User, bool)>>,
    },
    /// Mail at every change of a bet, or none.
    WishMail {
        account: AccountId,
        bets: bool,
        reply: Reply<()>,
    },
    /// Everybody who is mailed about bets.
    MailWishes {
        reply: oneshot::Sender<Vec<MailWish>>,
    },
}

impl Named for PeopleMsg {
    fn name(&self) -> &'static str {
        match self {
            PeopleMsg::SignUp { .. } => "sign up",
            PeopleMsg::RenewSignUp { .. } => "renew sign-up",
            PeopleMsg::AskReset { .. } => "ask reset",
            PeopleMsg::ResetPassword { .. } => "reset password",
            PeopleMsg::ChangePassword { .. } => "change password",
            PeopleMsg::Sessions { .. } => "sessions",
            PeopleMsg::EndSession { .. } => "end session",
            PeopleMsg::CreateApiKey { .. } => "create API key",
            PeopleMsg::RevokeApiKey { .. } => "revoke API key",
            PeopleMsg::ApiKeys { .. } => "API keys",
            PeopleMsg::UseApiKey { .. } => "use API key",
            PeopleMsg::UserOf { .. } => "user of",
            PeopleMsg::WishMail { .. } => "wish mail",
            PeopleMsg::MailWishes { .. } => "mail wishes",
        }
    }
}

impl Home {
    pub(super) fn people(&mut self, message: PeopleMsg, desk: &mut Desk) -> Result<(), Fault> {
        let now = desk.now();
        match message {
            PeopleMsg::SignUp { username, email, password_hash, drawn, reply } => {
                let decided = self.admitted(desk).and_then(|()| {
                    self.state.sign_up(now, &username, &email, &password_hash, drawn)
                });
                self.decided(now, decided.map(|event| (event, ())), reply, desk)
            }
            PeopleMsg::RenewSignUp { email, drawn, reply } => {
                let decided = self.admitted(desk);
                let decided = decided.and_then(|()| self.state.renew_sign_up(now, &email, drawn));
                self.decided(now, decided.map(|event| (event, ())), reply, desk)
            }
            PeopleMsg::AskReset { email, drawn, reply } => {
                let decided = self.admitted(desk);
                let decided = decided.and_then(|()| self.state.ask_reset(now, &email, drawn));
                self.decided(now, decided.map(|event| (event, ())), reply, desk)
            }
            PeopleMsg::ResetPassword { token, password_hash, reply } => {
                let decided = self.state.reset_password(now, &token, &password_hash);
                self.password(now, decided, reply, desk)
            }
            PeopleMsg::ChangePassword { account, password_hash, kept, reply } => {
                let decided = self.state.change_password(account, &password_hash, kept);
                self.password(now, decided, reply, desk)
            }
            PeopleMsg::Sessions { account, reply } => {
                let sessions = self.state.sessions_of(now, account).into_iter();
                let sessions = sessions.map(|(session, login)| (session, login.clone())).collect();
                answer(desk, move || drop(reply.send(sessions)))
            }
            PeopleMsg::EndSession { account, session, reply } => {
                let decided = self.state.end_session(now, account, session);
                self.decided(now, decided.map(|event| (Some(event), ())), reply, desk)
            }
            PeopleMsg::CreateApiKey { account, key, reply } => {
                let decided = self.admitted(desk);
                let decided = decided.and_then(|()| self.state.create_api_key(now, account, key));
                let made = |event| match &event {
                    HomeEvent::ApiKeyCreated { key, .. } => {
                        let key = (**key).clone();
                        Ok((Some(event), key))
                    }
                    _ => Err(HomeError::NoSuchKey),
                };
                self.decided(now, decided.and_then(made), reply, desk)
            }
            PeopleMsg::RevokeApiKey { account, id, reply } => {
                let keys = self.state.api_keys(now, account);
                let session = keys.iter().find(|key| key.id == id).map(|key| key.session());
                let decided = self.state.revoke_api_key(now, account, id);
                let decided = decided
                    .and_then(|event| Ok((Some(event), session.ok_or(HomeError::NoSuchKey)?)));
                self.decided(now, decided, reply, desk)
            }
            PeopleMsg::ApiKeys { account, reply } => {
                let keys = self.state.api_keys(now, account).into_iter().cloned().collect();
                answer(desk, move || drop(reply.send(keys)))
            }
            PeopleMsg::UseApiKey { token, reply } => self.use_api_key(now, &token, reply, desk),
            PeopleMsg::UserOf { account, reply } => {
                let user = self.state.user_of(account).cloned();
                let user = user.map(|user| (user, self.state.is_mailed(account)));
                answer(desk, move || drop(reply.send(user)))
            }
            PeopleMsg::WishMail { account, bets, reply } => {
                let decided = self.state.wish_mail(account, bets);
                self.decided(now, decided.map(|event| (event, ())), reply, desk)
            }
            PeopleMsg::MailWishes { reply } => {
                let wishes = self.state.mail_wishes();
                answer(desk, move || drop(reply.send(wishes)))
            }
        }
    }

    /// What strangers may ask for is refused while too much waits for the journal.
    fn admitted(&self, desk: &Desk) -> Result<(), HomeError> {
        let admitted = desk.partition.admits(&desk.node.settings);
        admitted.map_err(|_| HomeError::Busy)
    }

    fn use_api_key(
        &mut self,
        now: UtcMillis,
        token: &SecretHash,
        reply: oneshot::Sender<Option<(User, ApiKey)>>,
        desk: &mut Desk,
    ) -> Result<(), Fault> {
        let used = self.state.use_api_key(now, token);
        let used = used.map(|(account, key, event)| (account, key.clone(), event));
        let mut found = None;
        if let Some((account, key, event)) = used {
            found = self.state.user_of(account).cloned().map(|user| (user, key));
            // A note may be left out: the journal has more to do.
            if let Some(event) = event
                && self.admitted(desk).is_ok()
            {
                self.state.apply(now, &event);
                self.record(now, event, desk);
            }
        }
        answer(desk, move || drop(reply.send(found)))
    }

    /// The sessions that end are those that are there before and not after.
    fn password(
        &mut self,
        now: UtcMillis,
        decided: Result<HomeEvent, HomeError>,
        reply: Reply<Vec<SessionId>>,
        desk: &mut Desk,
    ) -> Result<(), Fault> {
        let ended = decided.map(|event| {
            let HomeEvent::PasswordChanged { account, kept, .. } = &event else {
                return (Some(event), Vec::new());
            };
            let sessions = self.state.sessions_of(now, *account).into_iter();
            let ended = sessions.map(|(session, _)| session).filter(|it| Some(*it) != *kept);
            let ended = ended.collect();
            (Some(event), ended)
        });
        self.decided(now, ended, reply, desk)
    }

    fn decided<T: Send + 'static>(
        &mut self,
        now: UtcMillis,
        decided: Result<(Option<HomeEvent>, T), HomeError>,
        reply: Reply<T>,
        desk: &mut Desk,
    ) -> Result<(), Fault> {
        let (event, result) = match decided {
            Ok((event, result)) => (event, Ok(result)),
            Err(error) => (None, Err(error)),
        };
        if let Some(event) = event {
            self.state.apply(now, &event);
            self.record(now, event, desk);
        }
        answer(desk, move || drop(reply.send(result)))
    }

    /// Links that nobody followed go, so that nothing of who did not confirm stays here.
    pub(super) fn sweep(&mut self, desk: &mut Desk) {
        let now = desk.now();
        if let Some(event) = self.state.due(now) {
            self.state.apply(now, &event);
            self.record(now, event, desk);
        }
    }
}
