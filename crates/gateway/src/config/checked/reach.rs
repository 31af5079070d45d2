//! How a destination is reached: its address, its proxy, whom to trust there, and the secrets for it.

use std::path::{Path, PathBuf};

use http::Uri;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::super::typed::At;
use super::super::{Authorities, Proxy, Secret, read_file};
use super::{Environment, Finder};
use crate::address::{Host, Inside};

/// A query in bytes: an API's version and the like.
const QUERY_BYTES_MAX: usize = 512;
/// Names of arguments in which secrets are sent; addresses are kept by proxies and balancers, so no secret may stand in one.
const SECRET_WORDS: [&str; 6] = ["key", "token", "secret", "password", "sig", "auth"];

/// The address below which a destination is asked. It may hold a secret by mistake, so it is not repeated in messages.
pub(super) fn base_url(typed: &At<String>, private: bool, mistakes: &mut Finder<'_>) -> Option<Uri> {
    let value = typed.value.as_str();
    let judged = value.trim_end_matches('/').parse::<Uri>().map_err(|_| "is not a URL".to_owned()).and_then(|url| {
        let authority = url.authority().map_or("", |authority| authority.as_str());
        match url.scheme_str() {
            Some("http" | "https") => {}
            Some(_) | None => return Err("must begin with `http://` or `https://`".to_owned()),
        }
        if authority.contains('@') {
            return Err("must not hold a user or password: use `key = \"env:GWANMUN_…\"`".to_owned());
        }
        if url.query().is_some() || value.contains('#') {
            return Err("must not have a query or fragment: a version goes into `query = \"…\"`".to_owned());
        }
        let host = Host::of(&url).map_err(|bad| bad.to_string())?;
        let Host::Address(address) = host else { return Ok(url) };
        match (host.opens(private).admits(address), Inside::Private.admits(address)) {
            (Ok(()), _) => Ok(url),
            (Err(told), Ok(())) => Err(format!("has an address that is {}: add `private = true`", told.network.name)),
            (Err(told), Err(_)) => Err(format!("has an address that is {}, where nothing is asked", told.network.name)),
        }
    });
    judged.map_err(|what| mistakes.add(typed.at, format!("`destination.base_url` {what}"))).ok()
}

/// What stands behind the `?`.
pub(super) fn query(typed: &At<String>, mistakes: &mut Finder<'_>) -> Option<std::sync::Arc<str>> {
    let value = typed.value.as_str();
    let proper = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%=&+:,".contains(&byte);
    let is_pair = |pair: &str| pair.split_once('=').is_some_and(|(name, _)| !name.is_empty());
    if value.len() > QUERY_BYTES_MAX || !value.bytes().all(proper) || !value.split('&').all(is_pair) {
        let what = "must be like `api-version=2025-04-01`, without `?`; other characters are written as `%20`";
        // It may hold a secret by mistake.
        mistakes.add(typed.at, format!("`destination.query` {what}"));
        return None;
    }
    let names = value.split('&').filter_map(|pair| Some(pair.split_once('=')?.0.to_ascii_lowercase()));
    if let Some(name) = names.into_iter().find(|name| SECRET_WORDS.iter().any(|word| name.contains(word))) {
        let what = "secrets are never sent in addresses: use `key`, and `auth` where its header is another";
        mistakes.add(typed.at, format!("`destination.query` has `{name}`, and {what}"));
        return None;
    }
    Some(value.into())
}

/// A proxy, written down or in the environment, where it may have user and password.
pub(super) fn proxy(typed: &At<String>, environment: Environment<'_>, mistakes: &mut Finder<'_>) -> Option<Proxy> {
    let secret = if typed.value.starts_with("env:") || typed.value.starts_with("file:") {
        Some(secret("destination.proxy", typed, environment, mistakes)?)
    } else {
        None
    };
    let value = secret.as_ref().map_or(typed.value.as_str(), Secret::reveal);
    match read_proxy(value, secret.as_ref()) {
        Ok(proxy) => Some(proxy),
        Err(what) => {
            mistakes.add(typed.at, format!("`destination.proxy` {what}"));
            None
        }
    }
}

fn read_proxy(value: &str, secret: Option<&Secret>) -> Result<Proxy, String> {
    let url: Uri = value.parse().map_err(|_| "is not a URL".to_owned())?;
    let (Some(scheme @ ("http" | "socks5")), Some(authority)) = (url.scheme_str(), url.authority()) else {
        return Err("must begin with `http://` or `socks5://`, such as `http://proxy.example:3128`".to_owned());
    };
    if !matches!(url.path(), "" | "/") || url.query().is_some() || value.contains('#') {
        return Err("must end after its host and port".to_owned());
    }
    let (login, place) = match authority.as_str().rsplit_once('@') {
        None => (None, authority.as_str()),
        Some((login, place)) => {
            let Some(secret) = secret else {
                let how = "put the whole URL into an environment variable, and write `proxy = \"env:GWANMUN_…\"`";
                return Err(format!("must not hold a user or password: {how}"));
            };
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            let decoded = |text: &str| unescaped(text).ok_or("has a user or password with a broken `%` in it");
            let (user, password) = (decoded(user)?, decoded(password)?);
            if user.len() > 255 || password.len() > 255 {
                return Err("has a user or password longer than 255 bytes".to_owned());
            }
            (Some((secret.part(user), secret.part(password))), place)
        }
    };
    let url: Uri = format!("{scheme}://{place}/").parse().map_err(|_| "is not a URL".to_owned())?;
    let host = Host::of(&url).map_err(|bad| bad.to_string())?;
    if let Host::Address(address) = host
        && let Err(told) = Inside::Private.admits(address)
    {
        return Err(format!("has an address that is {}", told.network.name));
    }
    Ok(Proxy::new(url, login))
}

/// A text whose `%20` and the like are put back.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        if *first == b'%' {
            let [high, low, more @ ..] = more else { return None };
            let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            bytes.push(digit(high)? * 16 + digit(low)?);
            rest = more;
        } else {
            bytes.push(*first);
            rest = more;
        }
    }
    String::from_utf8(bytes).ok()
}

/// Reads a file of certificates, which lies beside the configuration if it is not named from the root.
pub(super) fn authorities(typed: &At<String>, url: Option<&Uri>, mistakes: &mut Finder<'_>) -> Option<Authorities> {
    let folder = Path::new(mistakes.file()).parent().map_or_else(PathBuf::new, Path::to_path_buf);
    let path = folder.join(&typed.value);
    if url.is_some_and(|url| url.scheme_str() == Some("http")) {
        mistakes.add(typed.at, "`destination.ca` is for `https` alone: take it out, or write `https://` in `base_url`");
        return None;
    }
    let certificates = read_certificates(&path);
    certificates
        .map_err(|what| mistakes.add(typed.at, format!("`destination.ca` is `{}`, which {what}", path.display())))
        .map(|certificates| Authorities::new(path, certificates.into()))
        .ok()
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = read_file(path).map_err(|error| format!("cannot be read: {error}"))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(text.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("is damaged: {error}; it must be PEM, `-----BEGIN CERTIFICATE-----`"))?;
    if certificates.is_empty() {
        return Err("has no certificate: it must be PEM, `-----BEGIN CERTIFICATE-----`".to_owned());
    }
    for (number, certificate) in certificates.iter().enumerate() {
        let added = RootCertStore::empty().add(certificate.clone());
        added.map_err(|error| format!("has a certificate (number {}) that is not taken: {error}", number + 1))?;
    }
    Ok(certificates)
}

/// Secrets come from the environment or from files of their own, so that a configuration can be shown and kept with other files.
pub(super) fn secret(
    setting: &str,
    typed: &At<String>,
    environment: Environment<'_>,
    mistakes: &mut Finder<'_>,
) -> Option<Secret> {
    let found = if let Some(path) = typed.value.strip_prefix("file:").filter(|path| !path.is_empty()) {
        let folder = Path::new(mistakes.file()).parent().map_or_else(PathBuf::new, Path::to_path_buf);
        secret_of_file(&folder.join(path))
    } else if let Some(variable) = typed.value.strip_prefix("env:").filter(|name| is_ours(name)) {
        let key = setting.rsplit('.').next().unwrap_or(setting);
        secret_of_environment(variable, key, environment)
    } else {
        // What was typed may be the secret itself: it is not repeated.
        let what = "put the secret into an environment variable of that name, or into a file of its own";
        Err(format!("`{setting}` must be `env:GWANMUN_…` or `file:…`: {what}"))
    };
    found.map_err(|what| mistakes.add(typed.at, what)).ok()
}

/// Whether a variable of the environment is one that we read.
fn is_ours(name: &str) -> bool {
    name.strip_prefix("GWANMUN_").is_some_and(|rest| !rest.is_empty())
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Whether a header can hold it.
fn is_proper(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic())
}

fn secret_of_environment(variable: &str, key: &str, environment: Environment<'_>) -> Result<Secret, String> {
    match environment(variable) {
        Some(value) if is_proper(&value) => Ok(Secret::new(value)),
        Some(_) => {
            let what = "is empty, or holds blanks or characters that a header cannot hold";
            Err(format!("the environment variable `{variable}` {what}: set it to the key alone"))
        }
        None => {
            let what =
                format!("set it where the process is started, or take `{key}` out if the destination needs none");
            Err(format!("the environment variable `{variable}` is not set: {what}"))
        }
    }
}

/// One line; the end of the line is no part of it.
fn secret_of_file(path: &Path) -> Result<Secret, String> {
    let told = path.display();
    let text = read_file(path).map_err(|error| format!("the secret `{told}` cannot be read: {error}"))?;
    let value = text.trim_end_matches(['\r', '\n']);
    if !is_proper(value) {
        let what = "is empty, or holds blanks or characters that a header cannot hold";
        return Err(format!("the secret `{told}` {what}: write the key into it, alone"));
    }
    Ok(Secret::of_file(value, path))
}
