//! Passwords: hashed with Argon2id, one at a time.
//!
//! One hash takes 19 MiB and some ten milliseconds, so `AT_ONCE` runs and `WAITING` may wait: more are
//! refused early, and a flood of logins cannot starve the node. An unknown user costs the same as a wrong
//! password.

use std::sync::{LazyLock, OnceLock};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use hyper::StatusCode;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::operator::problem::Problem;

const AT_ONCE: usize = 1;
const WAITING: usize = 256;

static RUNNING: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(AT_ONCE));
static ADMITTED: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(WAITING));

/// Too many passwords are being checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked, try again")]
pub struct Crowded;

impl From<Crowded> for Problem {
    fn from(crowded: Crowded) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy").reason(crowded.to_string())
    }
}

/// A hash in PHC form, with its own salt.
pub async fn hash(password: String) -> Result<String, Crowded> {
    apart(move || hash_here(&password)).await
}

/// Whether the password is the one of the hash. Without a hash (an unknown user) the same work is done and
/// the answer is no.
pub async fn verify(password: String, hash: Option<String>) -> Result<bool, Crowded> {
    apart(move || {
        let known = hash.is_some();
        let hash = hash.as_deref().unwrap_or_else(|| nobodys());
        let right = PasswordHash::new(hash).is_ok_and(|hash| {
            Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
        });
        right && known
    })
    .await
}

async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Crowded> {
    let _admitted = ADMITTED.try_acquire().map_err(|_| Crowded)?;
    let _running: SemaphorePermit<'_> = RUNNING.acquire().await.map_err(|_| Crowded)?;
    supervision::blocking(work).await.map_err(|_| Crowded)
}

fn hash_here(password: &str) -> String {
    let hashed = Argon2::default().hash_password(password.as_bytes());
    hashed.expect("the default parameters are good and randomness is there").to_string()
}

/// The hash that an unknown user's password is held against.
fn nobodys() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| hash_here("nobody's"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_is_right() {
        let hash = hash("correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert_eq!(verify("correct horse".into(), Some(hash.clone())).await, Ok(true));
        assert_eq!(verify("wrong".into(), Some(hash)).await, Ok(false));
        assert_eq!(verify("nobody's".into(), None).await, Ok(false));
    }
}
