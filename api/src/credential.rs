//! A target's credential between the caller, the vault and the store: fields by name, each sealed for its own place.
//!
//! Nothing here goes into an answer; a target's view only names the fields that are set.

use crate::error::{Answer, Problem};
use crate::take::SecretText;
use sallyport_core::{Secret, TargetName};
use sallyport_store::StoredTarget;
use sallyport_vault::{Sealed, Vault, VaultFault, target_context};
use std::collections::BTreeMap;

/// What any target may be given besides its connector's secret settings.
pub const COMMON_FIELDS: [&str; 3] = ["password", "certificate", "key"];

#[derive(Debug, thiserror::Error)]
pub enum CredentialFault {
    #[error(transparent)]
    Vault(#[from] VaultFault),
    #[error("the stored credential is not readable; set the target's credential again")]
    Unreadable,
}

/// The text that the store keeps. What `before` holds and `fields` does not name stays; an empty value takes a field away.
pub(crate) fn seal(
    vault: &Vault,
    target: &TargetName,
    before: Option<&str>,
    fields: &BTreeMap<String, SecretText>,
) -> Answer<Option<String>> {
    let failed = |fault: &dyn std::fmt::Display| Problem::ours("seal the credential", fault);
    let mut sealed = match before {
        Some(text) => parse(text).map_err(|fault| failed(&fault))?,
        None => BTreeMap::new(),
    };
    for (field, secret) in fields {
        if secret.is_empty() {
            sealed.remove(field);
            continue;
        }
        let context = target_context(target, field);
        let text = vault.seal(&context, secret.as_secret()).map_err(|fault| failed(&fault))?;
        sealed.insert(field.clone(), text);
    }
    serde_json::to_string(&sealed).map(Some).map_err(|fault| failed(&fault))
}

/// For whoever holds a grant, and for a probe.
pub fn unseal(
    vault: &Vault,
    target: &TargetName,
    stored: &str,
) -> Result<BTreeMap<String, Secret>, CredentialFault> {
    let opened = parse(stored)?.into_iter().map(|(field, sealed)| {
        let secret = vault.unseal(&target_context(target, &field), &sealed)?;
        Ok((field, secret))
    });
    opened.collect()
}

/// What a target's probe or reading needs; nothing where none is stored.
pub(crate) fn opened(vault: &Vault, stored: &StoredTarget) -> Answer<BTreeMap<String, Secret>> {
    match stored.credential.as_deref() {
        None => Ok(BTreeMap::new()),
        Some(text) => unseal(vault, &stored.target.name, text)
            .map_err(|fault| Problem::ours("open the credential", &fault)),
    }
}

/// The same fields, each under the vault's newest key. The text that the store keeps instead of `stored`.
pub fn rewrap(vault: &Vault, target: &TargetName, stored: &str) -> Result<String, CredentialFault> {
    let moved = parse(stored)?.into_iter().map(|(field, sealed)| {
        let sealed = vault.rewrap(&target_context(target, &field), &sealed)?;
        Ok((field, sealed))
    });
    let moved: BTreeMap<String, Sealed> = moved.collect::<Result<_, CredentialFault>>()?;
    serde_json::to_string(&moved).map_err(|_| CredentialFault::Unreadable)
}

/// Whether nothing in it needs an older key.
pub fn is_under_newest(vault: &Vault, stored: &str) -> Result<bool, CredentialFault> {
    let newest = vault.newest_key()?;
    Ok(parse(stored)?.values().all(|sealed| sealed.is_under(&newest)))
}

pub(crate) fn fields(stored: Option<&str>) -> Vec<String> {
    let sealed = stored.map(parse).and_then(Result::ok).unwrap_or_default();
    sealed.into_keys().collect()
}

fn parse(stored: &str) -> Result<BTreeMap<String, Sealed>, CredentialFault> {
    serde_json::from_str(stored).map_err(|_| CredentialFault::Unreadable)
}
