//! The certificate of the stream's TLS listener.
//!
//! Owns     `stream.crt` and `stream.key` in the data directory: made at the first start, self-signed for this
//!          machine's own names, unless the configuration names files of the operator's.
//! Never    weakens TLS: 1.2 and 1.3, as the library has them.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Whom the node's own certificate is for.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Where an operator keeps certificate chain and key, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, its own first.
    pub chain: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// What makes TLS connections of sockets.
pub fn acceptor(
    files: Option<&CertificateFiles>,
    data_directory: &Path,
) -> anyhow::Result<TlsAcceptor> {
    let own = CertificateFiles {
        chain: data_directory.join("stream.crt"),
        key: data_directory.join("stream.key"),
    };
    let files = match files {
        Some(files) => files,
        None => {
            if !(own.chain.exists() && own.key.exists()) {
                make(&own).context("a certificate for the stream could not be made")?;
            }
            &own
        }
    };
    let path = files.chain.display();
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.chain)
        .and_then(Iterator::collect)
        .with_context(|| format!("certificate {path}"))?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .with_context(|| format!("key {}", files.key.display()))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .with_context(|| format!("certificate {path} and its key"))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn make(files: &CertificateFiles) -> anyhow::Result<()> {
    let names: Vec<String> = OWN_NAMES.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names)?;
    // The key first: a certificate without one is made again.
    write(&files.key, 0o600, &made.signing_key.serialize_pem())?;
    write(&files.chain, 0o644, &made.cert.pem())
}

/// Complete, or not there.
fn write(path: &Path, mode: u32, text: &str) -> anyhow::Result<()> {
    let part = path.with_extension("part");
    let mut open = std::fs::OpenOptions::new();
    let mut file = open.write(true).create(true).truncate(true).mode(mode).open(&part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(part, path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_once_and_its_key_is_the_owners_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        acceptor(None, directory.path()).unwrap();
        let key = directory.path().join("stream.key");
        let first = std::fs::read(&key).unwrap();
        assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        acceptor(None, directory.path()).unwrap();
        assert_eq!(std::fs::read(&key).unwrap(), first);
    }

    #[test]
    fn files_that_are_no_certificate_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let chain = directory.path().join("mine.crt");
        std::fs::write(&chain, "no PEM").unwrap();
        let files = CertificateFiles { chain, key: directory.path().join("mine.key") };
        let error = acceptor(Some(&files), directory.path()).err().unwrap();
        assert!(format!("{error:#}").contains("mine.crt"), "{error:#}");
    }
}
