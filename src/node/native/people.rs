//! Sign-up, passwords, sessions and keys of the native API.
//!
//! Never    tells a stranger who is here: what is asked about a mail address is answered the same whoever
//!          has it, and a wrong password as an unknown name.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use actors::home::{HomeMsg, PeopleMsg};
use actors::node::Child;
use domain::home::{ApiKey, By, HomeError, HomeRequest, NewApiKey, OperationAnswer, Scope};
use domain::ids::{PartitionId, SessionId};
use domain::time::UtcMillis;
use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::account::moment;
use super::api::{Call, Done, Refused};
use super::who::{KEY_PREFIX, set_cookie};
use crate::betfair::handler::Exchange;
use crate::betfair::login::{LoginError, LoginForm};
use crate::operator::ask;
use crate::operator::problem::Problem;
use crate::{password, secret};

type Handled = Result<Done, Refused>;

const PASSWORD_MIN: usize = 8;
/// The longest pause behind wrong passwords.
const PAUSE: Duration = Duration::from_secs(60);

/// A question about people, refused as home's refusals are.
async fn people<T>(
    call: &Call<'_>,
    question: impl FnOnce(oneshot::Sender<Result<T, HomeError>>) -> PeopleMsg,
) -> Result<T, Problem> {
    let answer = ask::home(&call.api.node, |reply| HomeMsg::People(question(reply))).await?;
    answer.map_err(ask::refused_by_home)
}

/// Long enough; what is too long was refused as it was read.
async fn hashed(call: &Call<'_>) -> Result<String, Problem> {
    let password = call.values.must_text("password");
    if password.len() < PASSWORD_MIN {
        let reason = format!("has fewer than {PASSWORD_MIN} bytes");
        return Err(Problem::field("bad_password", "password", reason));
    }
    Ok(password::hash(password).await?)
}

pub(super) async fn sign_up(call: Call<'_>) -> Handled {
    if !call.api.customers.sign_up {
        let problem = Problem::new(StatusCode::FORBIDDEN, "sign_up_closed");
        return Err(problem.reason("accounts are made by the operator here").into());
    }
    call.mails()?;
    let password_hash = hashed(&call).await?;
    let drawn = call.api.link_key.draw();
    let (username, email) = (call.values.must_text("username"), call.values.must_text("email"));
    let sign_up = |reply| PeopleMsg::SignUp { username, email, password_hash, drawn, reply };
    people(&call, sign_up).await?;
    Ok(Done::nothing())
}

pub(super) async fn renew_sign_up(call: Call<'_>) -> Handled {
    call.mails()?;
    let (email, drawn) = (call.values.must_text("email"), call.api.link_key.draw());
    people(&call, |reply| PeopleMsg::RenewSignUp { email, drawn, reply }).await?;
    Ok(Done::nothing())
}

pub(super) async fn confirm(call: Call<'_>) -> Handled {
    call.guess()?;
    let request = HomeRequest::Confirm {
        token: secret::hash(&call.values.must_text("token")),
        app_key: secret::app_key(),
        partition: PartitionId(0),
    };
    let by = By { operator: "sign-up".to_owned(), reason: None, key: None };
    match ask::operate(&call.api.node, by, request).await {
        Ok(OperationAnswer::User { username, app_key, .. }) => {
            Ok(Done::json(json!({ "username": username, "appKey": app_key })))
        }
        Ok(_) => Err(ask::unavailable("home answered something else").into()),
        Err(problem) => {
            if problem.status == StatusCode::GONE {
                call.guessed_wrong();
            }
            Err(problem.into())
        }
    }
}

pub(super) async fn log_in(call: Call<'_>) -> Handled {
    call.guess()?;
    let username = call.values.must_text("username");
    let form =
        LoginForm { username: username.clone(), password: call.values.must_text("password") };
    let user = ask::home(&call.api.node, |reply| HomeMsg::User { username, reply }).await?;
    // Nobody's key is refused behind the password only, so it tells nothing.
    let app_key = user.map_or_else(String::new, |user| user.app_key);
    match call.api.exchange.login(&app_key, form).await {
        Ok(token) => {
            let lasts = call.api.customers.session;
            let cookie = set_cookie(Some(&token), call.api.customers.behind_tls, lasts.as_secs());
            let body = json!({ "token": token, "appKey": app_key, "expiresInS": lasts.as_secs() });
            Ok(Done { headers: vec![("set-cookie", cookie)], ..Done::json(body) })
        }
        Err(error) => Err(refused_login(&call, error)),
    }
}

fn refused_login(call: &Call<'_>, error: LoginError) -> Refused {
    let problem = |status, code, reason| Problem::new(status, code).reason(reason);
    match error {
        LoginError::TemporaryBanTooManyRequests => Refused::too_often(PAUSE),
        LoginError::Suspended => {
            problem(StatusCode::FORBIDDEN, "suspended", "the account is suspended").into()
        }
        LoginError::Closed => {
            problem(StatusCode::FORBIDDEN, "closed", "the account is closed").into()
        }
        LoginError::InternalError => ask::unavailable("logins are busy, try again").into(),
        _ => {
            call.guessed_wrong();
            let reason = "no such user with this password";
            problem(StatusCode::UNAUTHORIZED, "wrong_credentials", reason).into()
        }
    }
}

pub(super) async fn log_out(call: Call<'_>) -> Handled {
    let who = call.who()?;
    // One that has just ended elsewhere is as good as ended here.
    let _ = call.api.exchange.keep_alive(&who.token, true).await;
    let cookie = set_cookie(None, call.api.customers.behind_tls, 0);
    Ok(Done { headers: vec![("set-cookie", cookie)], ..Done::nothing() })
}

pub(super) async fn forgot_password(call: Call<'_>) -> Handled {
    call.mails()?;
    let (email, drawn) = (call.values.must_text("email"), call.api.link_key.draw());
    people(&call, |reply| PeopleMsg::AskReset { email, drawn, reply }).await?;
    Ok(Done::nothing())
}

pub(super) async fn reset_password(call: Call<'_>) -> Handled {
    call.guess()?;
    let token = secret::hash(&call.values.must_text("token"));
    let password_hash = hashed(&call).await?;
    let reset = |reply| PeopleMsg::ResetPassword { token, password_hash, reply };
    match people(&call, reset).await {
        Ok(ended) => {
            end_actors(&call, &ended);
            Ok(Done::nothing())
        }
        Err(problem) => {
            call.guessed_wrong();
            Err(problem.into())
        }
    }
}

pub(super) async fn change_password(call: Call<'_>) -> Handled {
    let who = call.who()?;
    let wrong = &call.api.rates.wrong_current;
    wrong.look(&who.account, Instant::now()).map_err(Refused::too_often)?;
    let username = who.username.clone();
    let user = ask::home(&call.api.node, |reply| HomeMsg::User { username, reply }).await?;
    let hash = user.map(|user| user.password_hash);
    let right = password::verify(call.values.must_text("current"), hash).await;
    if !right.map_err(Problem::from)? {
        // It is looked at before the next try.
        let _ = wrong.take(who.account, Instant::now());
        return Err(Problem::field("wrong_password", "current", "is not the password").into());
    }
    let password_hash = hashed(&call).await?;
    let (account, kept) = (who.account, Some(who.session));
    let change = |reply| PeopleMsg::ChangePassword { account, password_hash, kept, reply };
    let ended = people(&call, change).await?;
    end_actors(&call, &ended);
    Ok(Done::nothing())
}

pub(super) async fn sessions(call: Call<'_>) -> Handled {
    let who = call.who()?;
    let account = who.account;
    let question = |reply| HomeMsg::People(PeopleMsg::Sessions { account, reply });
    let sessions = ask::home(&call.api.node, question).await?;
    let shown = |(session, login): &(SessionId, domain::home::Login)| {
        json!({
            "id": session_name(*session),
            "expires": moment(login.expires),
            "appKey": login.app_key,
            "current": *session == who.session,
        })
    };
    let sessions: Vec<Value> = sessions.iter().map(shown).collect();
    Ok(Done::json(json!({ "sessions": sessions })))
}

pub(super) async fn end_session(call: Call<'_>) -> Handled {
    let account = call.who()?.account;
    let gone = || Problem::new(StatusCode::NOT_FOUND, "not_found").reason("no such session");
    let number = (call.name().len() == 16).then(|| u64::from_str_radix(call.name(), 16).ok());
    let session = SessionId(number.flatten().ok_or_else(gone)?);
    people(&call, |reply| PeopleMsg::EndSession { account, session, reply }).await?;
    end_actors(&call, &[session]);
    Ok(Done::nothing())
}

/// What carried their orders ends with them; home would let them do nothing more anyway.
fn end_actors(call: &Call<'_>, sessions: &[SessionId]) {
    for session in sessions {
        call.api.node.nursery().stop(Child::Session(*session));
    }
}

fn session_name(session: SessionId) -> String {
    format!("{:016x}", session.0)
}

pub(super) async fn api_keys(call: Call<'_>) -> Handled {
    let account = call.who()?.account;
    let question = |reply| HomeMsg::People(PeopleMsg::ApiKeys { account, reply });
    let keys = ask::home(&call.api.node, question).await?;
    let keys: Vec<Value> = keys.iter().map(shown_key).collect();
    Ok(Done::json(json!({ "apiKeys": keys })))
}

pub(super) async fn create_api_key(call: Call<'_>) -> Handled {
    let account = call.who()?.account;
    let shown = format!("{KEY_PREFIX}{}", secret::token().trim_end_matches('='));
    let scope = |word: &&'static str| match *word {
        "bet" => Scope::Bet,
        "account" => Scope::Account,
        _ => Scope::Read,
    };
    let scopes: BTreeSet<Scope> = call.values.words("scopes").iter().map(scope).collect();
    let key = NewApiKey {
        name: call.values.must_text("name"),
        token: secret::hash(&shown),
        scopes,
        expires: call.values.number("expires").map(UtcMillis),
    };
    let made = people(&call, |reply| PeopleMsg::CreateApiKey { account, key, reply }).await?;
    let mut answer = shown_key(&made);
    answer["key"] = json!(shown);
    Ok(Done::json(answer))
}

fn shown_key(key: &ApiKey) -> Value {
    let word = |scope: &Scope| match scope {
        Scope::Read => "read",
        Scope::Bet => "bet",
        Scope::Account => "account",
    };
    json!({
        "id": key.id.to_string(),
        "name": key.name,
        "scopes": key.scopes.iter().map(word).collect::<Vec<_>>(),
        "created": moment(key.created),
        "expires": key.expires.map(moment),
        "lastUsed": key.last_used.map(moment),
    })
}

pub(super) async fn revoke_api_key(call: Call<'_>) -> Handled {
    let account = call.who()?.account;
    let gone = || Problem::new(StatusCode::NOT_FOUND, "not_found").reason("no such API key");
    let id = call.name().parse().map_err(|_| gone())?;
    let session = people(&call, |reply| PeopleMsg::RevokeApiKey { account, id, reply }).await?;
    end_actors(&call, &[session]);
    Ok(Done::nothing())
}
