//! Users that a command of the node makes for itself, and the directory that it lives in for a while.

use std::path::{Path, PathBuf};

use actors::assignment::Customer;
use actors::node::Node;
use anyhow::{Context as _, anyhow};
use domain::act::{AccountProfile, Currency};
use domain::home::{By, HomeRequest, NewUser, OperationAnswer, SecretHash};
use domain::ids::{PartitionId, SessionId};
use domain::money::Pence;

use crate::operator::ask;
use crate::{password, secret};

/// What a resident is like.
#[derive(Debug, Clone, Copy)]
pub struct Resident<'a> {
    /// Also the beginning of the application key.
    pub username: &'a str,
    /// `None`: nobody logs in with a password.
    pub password: Option<&'a str>,
    /// What they are given to play with.
    pub deposit: Pence,
    /// Mirrors and makers may bet less than customers must.
    pub minimum_stakes: bool,
}

/// Makes users, all in one command's name.
#[derive(Debug)]
pub struct Residents<'a> {
    node: &'a Node,
    operator: &'static str,
    /// Of a password that nobody knows.
    locked: String,
}

impl Residents<'_> {
    /// `operator` is who the journal says made them.
    pub async fn new<'a>(node: &'a Node, operator: &'static str) -> anyhow::Result<Residents<'a>> {
        let locked = password::hash(secret::token()).await?;
        Ok(Residents { node, operator, locked })
    }

    /// A user with an account and money in it.
    pub async fn create(&self, resident: Resident<'_>) -> anyhow::Result<Customer> {
        let password_hash = match resident.password {
            Some(password) => password::hash(password.to_owned()).await?,
            None => self.locked.clone(),
        };
        let request = HomeRequest::CreateUser(Box::new(NewUser {
            username: resident.username.to_owned(),
            password_hash,
            email: None,
            app_key: format!("{}-key", resident.username),
            currency: Currency::Gbp,
            profile: AccountProfile {
                minimum_stakes: resident.minimum_stakes,
                ..AccountProfile::default()
            },
            deposit: Some(resident.deposit),
            partition: PartitionId(0),
        }));
        let by = By { operator: self.operator.to_owned(), reason: None, key: None };
        match ask::operate(self.node, by, request).await {
            Ok(OperationAnswer::User { username, app_key, .. }) => {
                Ok(Customer { username, app_key })
            }
            other => Err(anyhow!("user {} was not made: {other:?}", resident.username)),
        }
    }
}

/// A session's number and the hash of its token, for actors that log in by themselves.
pub fn session_secrets() -> (SessionId, SecretHash) {
    (SessionId(secret::number()), secret::hash(&secret::token()))
}

/// A new directory for this process only; gone when dropped.
#[derive(Debug)]
pub struct TemporaryDirectory(PathBuf);

impl TemporaryDirectory {
    /// `name` is the beginning of its own.
    pub fn new(name: &str) -> anyhow::Result<TemporaryDirectory> {
        use std::os::unix::fs::DirBuilderExt;
        let path = std::env::temp_dir().join(format!("{name}-{:016x}", secret::number()));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(TemporaryDirectory(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        // What cannot be removed is left to the system that made it temporary.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_directory_goes_with_what_is_in_it() {
        let directory = TemporaryDirectory::new("laybook-test").unwrap();
        let path = directory.path().to_owned();
        std::fs::write(path.join("file"), "text").unwrap();
        drop(directory);
        assert!(!path.exists());
    }
}
