//! What the node is told about customers, and about mail to them.

use std::path::PathBuf;
use std::time::Duration;

use domain::money::Pence;

use super::{Customers, Layers, MailSettings};
use crate::mail::{Server, ServerTls, Way};
use crate::operator::json::hundredths;

impl Layers {
    pub(super) fn read_customers(&mut self, session_ms: Option<u64>) -> Option<Customers> {
        let sign_up = self.read("accounts.sign_up", |word| switch(word, "on", "off"));
        let play_money = self.read("accounts.play_money", |value| match value {
            "off" => Ok(None),
            amount => match hundredths(amount) {
                Some(pence) if (1..=Pence::MAX_ENTERED.0).contains(&pence) => {
                    Ok(Some(Pence(pence)))
                }
                _ => Err("is neither an amount in pounds such as 1000.00 nor off".to_owned()),
            },
        });
        let behind_tls = self.read("accounts.behind_tls", |word| switch(word, "yes", "no"));
        Some(Customers {
            sign_up: sign_up?,
            play_money: play_money?,
            behind_tls: behind_tls?,
            session: Duration::from_millis(session_ms?),
        })
    }

    pub(super) fn read_mail(&mut self) -> Option<MailSettings> {
        let from = self.read("mail.from", |value| {
            value
                .parse()
                .map_err(|_| "is not an address such as Laybook <no-reply@host>".to_owned())
        });
        let public_url = self.read("accounts.public_url", |value| match value {
            "" => Ok(None),
            url if url.starts_with("http://") || url.starts_with("https://") => {
                let plain = url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
                plain.then(|| Some(url.to_owned())).ok_or_else(|| "is not plain text".to_owned())
            }
            _ => Err("begins with neither http:// nor https://".to_owned()),
        });
        let retry = self.number("mail.retry_ms", 1, 3_600_000);
        let timeout = self.number("mail.timeout_ms", 1, 600_000);
        let path = |value: &str| Ok::<_, String>((!value.is_empty()).then(|| PathBuf::from(value)));
        let directory = self.read("mail.directory", path);
        let authority = self.read("mail.authority", path);
        let password_file = self.read("mail.password_file", path);
        let username = self.read("mail.username", |value| {
            Ok::<_, String>((!value.is_empty()).then(|| value.to_owned()))
        });
        let server = self.read("mail.server", |value| {
            let parts = value.rsplit_once(':').and_then(|(host, port)| {
                let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
                (!host.is_empty()).then(|| (host.to_owned(), port))
            });
            parts.ok_or_else(|| "is not a name and a port such as localhost:587".to_owned())
        });
        let tls = self.read("mail.tls", |word| match word {
            "starttls" => Ok(ServerTls::Starttls),
            "tls" => Ok(ServerTls::Tls),
            "off" => Ok(ServerTls::Off),
            _ => Err("is not one of starttls, tls, off".to_owned()),
        });
        let transport = self.read("mail.transport", |word| match word {
            "file" | "smtp" | "off" => Ok(word.to_owned()),
            _ => Err("is not one of file, smtp, off".to_owned()),
        });
        let (host, port) = server?;
        let server = Server {
            host,
            port,
            tls: tls?,
            authority: authority?,
            username: username?,
            password_file: password_file?,
            timeout: Duration::from_millis(timeout?),
        };
        let directory = directory?;
        let way = match transport?.as_str() {
            "smtp" => Way::Smtp(server),
            "file" => Way::File(directory),
            _ => Way::Off,
        };
        Some(MailSettings {
            way,
            from: from?,
            public_url: public_url?,
            retry: Duration::from_millis(retry?),
        })
    }
}

fn switch(word: &str, on: &str, off: &str) -> Result<bool, String> {
    match word {
        word if word == on => Ok(true),
        word if word == off => Ok(false),
        _ => Err(format!("is neither {on} nor {off}")),
    }
}
