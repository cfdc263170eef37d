//! How requests come in: plain behind a proxy or on this machine, or by TLS with the operator's
//! certificate, read again when its files change (certificates are renewed every few weeks).

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use axum::Router;
use tokio::net::TcpListener;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto::ring};

use super::connections;

/// The files are looked at so often.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub struct Client(pub SocketAddr);

/// What is wrong with a certificate or its key.
#[derive(Debug, thiserror::Error)]
pub enum CertificateFault {
    #[error("{}: {why}; expected PEM, the certificate first, then its chain", file.display())]
    Certificate { file: PathBuf, why: String },
    #[error("{}: {why}; expected the private key as PEM", file.display())]
    Key { file: PathBuf, why: String },
    #[error("{} does not fit {}: {why}", key.display(), certificate.display())]
    Pair { certificate: PathBuf, key: PathBuf, why: String },
}

/// A certificate and its key, as their files are.
#[derive(Debug)]
pub struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    now: RwLock<(Changed, Arc<ServerConfig>)>,
}

type Changed = [Option<SystemTime>; 2];

impl Certificate {
    /// Reads both files.
    ///
    /// # Errors
    /// A file cannot be read, is no PEM, or the key is another certificate's.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, CertificateFault> {
        let changed = changed(certificate, key);
        let config = Arc::new(read(certificate, key)?);
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        Ok(Self { certificate, key, now: RwLock::new((changed, config)) })
    }

    /// Reads the files again if they changed. `true` if there is a new certificate.
    ///
    /// # Errors
    /// As [`Certificate::load`]; the former certificate stays in use, and is told once.
    pub fn refresh(&self) -> Result<bool, CertificateFault> {
        let changed = changed(&self.certificate, &self.key);
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        if now.0 == changed {
            return Ok(false);
        }
        now.0 = changed;
        now.1 = Arc::new(read(&self.certificate, &self.key)?);
        Ok(true)
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).1.clone()
    }
}

fn changed(certificate: &Path, key: &Path) -> Changed {
    [certificate, key].map(|file| std::fs::metadata(file).and_then(|about| about.modified()).ok())
}

fn read(certificate: &Path, key: &Path) -> Result<ServerConfig, CertificateFault> {
    let fault = |why: String| CertificateFault::Certificate { file: certificate.to_owned(), why };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(|all| all.collect::<Result<Vec<_>, _>>())
        .map_err(|error| fault(error.to_string()))?;
    if chain.is_empty() {
        return Err(fault("no certificate in it".into()));
    }
    let secret = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| CertificateFault::Key { file: key.to_owned(), why: error.to_string() })?;
    let pair = |why: String| CertificateFault::Pair {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        why,
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(|error| pair(error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Serves until `shutdown` resolves and running requests are done; with `certificate` by TLS.
pub async fn serve(
    listener: TcpListener,
    certificate: Option<Arc<Certificate>>,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let looking = certificate.clone().map(|certificate| tokio::spawn(look(certificate)));
    connections::serve(listener, certificate, router, shutdown).await;
    if let Some(looking) = looking {
        looking.abort();
    }
}

async fn look(certificate: Arc<Certificate>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        match certificate.refresh() {
            Ok(true) => tracing::info!("the web's certificate was read again"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the web's former certificate stays in use"),
        }
    }
}

#[cfg(test)]
mod tests;
