//! How a letter leaves: into a folder, or to a mail server.
//!
//! Never    waits for a server beyond its time, or speaks to it in the clear when it was told not to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use domain::mail::{Ended, LetterId};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::{Server, ServerTls};

/// The way out of the node.
pub(super) enum Transport {
    Folder(PathBuf),
    Server { smtp: Box<AsyncSmtpTransport<Tokio1Executor>>, within: Duration },
}

impl Transport {
    pub(super) fn folder(path: &Path) -> anyhow::Result<Transport> {
        std::fs::create_dir_all(path)
            .with_context(|| format!("mail.directory {} cannot be made", path.display()))?;
        Ok(Transport::Folder(path.to_owned()))
    }

    pub(super) fn server(server: &Server) -> anyhow::Result<Transport> {
        let tls = match server.tls {
            ServerTls::Off => Tls::None,
            ServerTls::Starttls => Tls::Required(parameters(server)?),
            ServerTls::Tls => Tls::Wrapper(parameters(server)?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
            .port(server.port)
            .tls(tls)
            .timeout(Some(server.timeout));
        if let (Some(username), Some(path)) = (&server.username, &server.password_file) {
            let password = std::fs::read_to_string(path)
                .with_context(|| format!("mail.password_file {}", path.display()))?;
            let password = password.trim_end_matches(['\r', '\n']).to_owned();
            builder = builder.credentials(Credentials::new(username.clone(), password));
        }
        Ok(Transport::Server { smtp: Box::new(builder.build()), within: server.timeout })
    }

    /// Tries once. The same letter in the same folder is the same file.
    pub(super) async fn send(&self, letter: LetterId, id: &str, message: Message) -> Ended {
        match self {
            Transport::Folder(folder) => {
                let name = id.trim_matches(['<', '>']).split('@').next().unwrap_or_default();
                let path = folder.join(format!("{name}.eml"));
                let written = supervision::blocking(move || write(&path, &message.formatted()));
                match written.await {
                    Ok(Ok(())) => Ended::Sent,
                    Ok(Err(error)) => {
                        tracing::warn!(%letter, %error, "a letter cannot be written to its file");
                        Ended::Later
                    }
                    Err(_) => Ended::Later,
                }
            }
            Transport::Server { smtp, within } => {
                // The library's own time ends with the connecting: a server that falls silent behind it would
                // hold every letter for ever. Each try has a connection of its own, which ends with the try.
                match tokio::time::timeout(*within, smtp.send(message)).await {
                    Ok(Ok(_)) => Ended::Sent,
                    Ok(Err(error)) if error.is_permanent() => {
                        tracing::warn!(%letter, %error, "the mail server refuses a letter");
                        Ended::Never
                    }
                    // 4xx, nobody there, a certificate that is being renewed.
                    Ok(Err(error)) => {
                        tracing::info!(%letter, %error, "the mail server takes no letter now");
                        Ended::Later
                    }
                    Err(_) => {
                        tracing::warn!(%letter, ?within, "the mail server does not answer");
                        Ended::Later
                    }
                }
            }
        }
    }
}

/// Complete or not there.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let part = path.with_extension("part");
    std::fs::write(&part, bytes)?;
    std::fs::rename(part, path)
}

fn parameters(server: &Server) -> anyhow::Result<TlsParameters> {
    let mut builder = TlsParameters::builder(server.host.clone());
    if let Some(path) = &server.authority {
        let pem =
            std::fs::read(path).with_context(|| format!("mail.authority {}", path.display()))?;
        let certificate = Certificate::from_pem(&pem)
            .with_context(|| format!("mail.authority {} is no certificate", path.display()))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().context("TLS to the mail server")
}
