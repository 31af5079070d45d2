//! Whom TLS trusts: the system's roots, and for one destination the operator's own authorities beside them.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

use crate::config::Authorities;

/// The system's roots. Reading them blocks, so they are read once, when the process starts, and never while requests are
/// answered: new roots need a restart. Cheap to clone.
#[derive(Clone)]
pub(crate) struct SystemRoots(Result<Arc<RootCertStore>, Arc<str>>);

impl SystemRoots {
    /// Reads the roots the first time. A failure is told to whoever needs them.
    pub(crate) fn read() -> Self {
        static READ: OnceLock<SystemRoots> = OnceLock::new();
        READ.get_or_init(Self::from_system).clone()
    }

    fn from_system() -> Self {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        // Systems hold some that no library takes; the others are as good.
        let _counts = roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let why = found.errors.first().map_or_else(|| "there are none".to_owned(), ToString::to_string);
            return Self(Err(why.into()));
        }
        Self(Ok(Arc::new(roots)))
    }

    /// No roots.
    pub(crate) fn none() -> Self {
        Self(Ok(Arc::new(RootCertStore::empty())))
    }

    /// A client's side that trusts these roots and those authorities. An error says why there are no roots, where nobody else
    /// is trusted either.
    pub(super) fn trusting(&self, own: Option<&Authorities>) -> Result<ClientConfig, String> {
        let roots = match (&self.0, own) {
            (Ok(roots), None) => Arc::clone(roots),
            (Err(why), None) => return Err(why.to_string()),
            (roots, Some(own)) => {
                let mut all =
                    roots.as_ref().map_or_else(|_| RootCertStore::empty(), |roots| RootCertStore::clone(roots));
                // Each was added once, when the configuration was checked.
                let _counts = all.add_parsable_certificates(own.certificates().iter().cloned());
                Arc::new(all)
            }
        };
        Ok(versions()?.with_root_certificates(roots).with_no_client_auth())
    }
}

/// A client's side that trusts nobody, for connections that are never over TLS.
pub(super) fn trusting_none() -> Result<ClientConfig, String> {
    Ok(versions()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn versions() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, String> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let versions = ClientConfig::builder_with_provider(provider.into()).with_safe_default_protocol_versions();
    versions.map_err(|error| error.to_string())
}
