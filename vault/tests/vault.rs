//! The vault from outside: what opens, what does not, and what it says then.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use sallyport_core::{Secret, TargetName};
use sallyport_vault::{MAX_SECRET_BYTES, Sealed, Vault, VaultFault, target_context};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const CANARY: &str = "canary-password-7f3a";

fn vault() -> (tempfile::TempDir, Vault) {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::open(folder.path().join("vault.key")).unwrap();
    (folder, vault)
}

fn context() -> String {
    target_context(&TargetName::new("orders"), "password")
}

fn private(path: &Path, text: &[u8]) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
fn what_was_sealed_opens_after_a_restart() {
    let (folder, vault) = vault();
    let sealed = vault.seal(&context(), &Secret::new(CANARY)).unwrap();
    let stored = sealed.as_str().to_owned();
    drop(vault);
    let again = Vault::open(folder.path().join("vault.key")).unwrap();
    let opened = again.unseal(&context(), &Sealed::from_text(stored).unwrap()).unwrap();
    assert_eq!(opened.expose_str(), Some(CANARY));
}

#[test]
fn the_first_key_file_and_sealed_text_still_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.key");
    private(&path, &std::fs::read(fixture("keys_v1.txt")).unwrap());
    let vault = Vault::open(&path).unwrap();
    let sealed =
        Sealed::from_text(std::fs::read_to_string(fixture("sealed_v1.txt")).unwrap().trim()).unwrap();
    assert_eq!(vault.unseal(&context(), &sealed).unwrap().expose_str(), Some("a password of the fixture"));
    let derived: String = vault.derive("masks").iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(derived, std::fs::read_to_string(fixture("derived_v1.txt")).unwrap().trim());
}

#[test]
fn a_sealed_secret_moved_to_another_target_or_field_does_not_open() {
    let (_folder, vault) = vault();
    let sealed = vault.seal(&context(), &Secret::new(CANARY)).unwrap();
    for other in [
        target_context(&TargetName::new("orders2"), "password"),
        target_context(&TargetName::new("orders"), "client_key"),
        String::new(),
    ] {
        assert!(matches!(vault.unseal(&other, &sealed), Err(VaultFault::NotOpened)), "{other}");
    }
}

#[test]
fn contexts_cannot_be_spelled_into_each_other() {
    let split = target_context(&TargetName::new("a field b"), "c");
    let other = target_context(&TargetName::new("a"), "b field c");
    assert_ne!(split, other);
}

#[test]
fn no_single_changed_character_opens() {
    let (_folder, vault) = vault();
    let sealed = vault.seal(&context(), &Secret::new(CANARY)).unwrap();
    for position in 0..sealed.as_str().len() {
        for replacement in ['A', 'B', '0', ':', 'é'] {
            let mut text: Vec<char> = sealed.as_str().chars().collect();
            if text[position] == replacement {
                continue;
            }
            text[position] = replacement;
            let text: String = text.into_iter().collect();
            let opened = Sealed::from_text(text).and_then(|changed| vault.unseal(&context(), &changed));
            assert!(opened.is_err(), "position {position} as {replacement}");
        }
    }
}

#[test]
fn no_shortened_text_opens() {
    let (_folder, vault) = vault();
    let sealed = vault.seal(&context(), &Secret::new(CANARY)).unwrap();
    for length in 0..sealed.as_str().len() {
        let opened =
            Sealed::from_text(&sealed.as_str()[..length]).and_then(|cut| vault.unseal(&context(), &cut));
        assert!(opened.is_err(), "cut at {length}");
    }
}

#[test]
fn the_halves_of_two_sealed_secrets_do_not_join() {
    let (_folder, vault) = vault();
    let first = vault.seal(&context(), &Secret::new("one")).unwrap();
    let second = vault.seal(&context(), &Secret::new("two")).unwrap();
    let front = first.as_str().rsplit_once(':').unwrap().0;
    let back = second.as_str().rsplit_once(':').unwrap().1;
    let joined = Sealed::from_text(format!("{front}:{back}")).unwrap();
    assert!(matches!(vault.unseal(&context(), &joined), Err(VaultFault::NotOpened)));
}

#[test]
fn the_same_secret_never_seals_to_the_same_text() {
    let (_folder, vault) = vault();
    let seal = || vault.seal(&context(), &Secret::new(CANARY)).unwrap();
    assert_ne!(seal(), seal());
}

#[test]
fn rotation_seals_with_the_new_key_and_still_opens_the_old() {
    let (folder, vault) = vault();
    let old = vault.seal(&context(), &Secret::new(CANARY)).unwrap();
    let derived = vault.derive("masks");
    let key = vault.rotate().unwrap();
    assert!(vault.seal(&context(), &Secret::new("x")).unwrap().as_str().contains(key.as_str()));
    assert_eq!(vault.unseal(&context(), &old).unwrap().expose_str(), Some(CANARY));
    assert_eq!(vault.derive("masks"), derived);

    let rewrapped = vault.rewrap(&context(), &old).unwrap();
    vault.forget_older_keys().unwrap();
    let again = Vault::open(folder.path().join("vault.key")).unwrap();
    assert_eq!(again.unseal(&context(), &rewrapped).unwrap().expose_str(), Some(CANARY));
    assert!(matches!(again.unseal(&context(), &old), Err(VaultFault::KeyLost { .. })));
    assert_eq!(again.derive("masks"), derived);
    assert_eq!(again.rewrap(&context(), &rewrapped).unwrap(), rewrapped);
}

#[test]
fn rotation_never_drops_a_key_that_a_secret_may_need() {
    let (folder, vault) = vault();
    let oldest = vault.seal(&context(), &Secret::new(CANARY)).unwrap();
    let full = std::iter::repeat_with(|| vault.rotate()).find_map(Result::err).unwrap();
    assert!(matches!(full, VaultFault::TooManyKeys));
    let again = Vault::open(folder.path().join("vault.key")).unwrap();
    assert_eq!(again.unseal(&context(), &oldest).unwrap().expose_str(), Some(CANARY));
    again.forget_older_keys().unwrap();
    assert!(again.rotate().is_ok());
}

#[test]
fn rewrap_refuses_what_does_not_belong_to_the_context() {
    let (_folder, vault) = vault();
    let sealed = vault.seal(&context(), &Secret::new(CANARY)).unwrap();
    vault.rotate().unwrap();
    assert!(matches!(vault.rewrap("elsewhere", &sealed), Err(VaultFault::NotOpened)));
}

#[test]
fn derived_keys_differ_by_purpose_and_by_installation() {
    let (_folder, vault) = vault();
    let (_other_folder, other) = self::vault();
    assert_ne!(vault.derive("masks"), vault.derive("cursors"));
    assert_ne!(vault.derive("masks"), other.derive("masks"));
}

#[test]
fn a_key_file_made_anew_explains_the_loss() {
    let (folder, vault) = vault();
    let sealed = vault.seal(&context(), &Secret::new(CANARY)).unwrap();
    std::fs::remove_file(folder.path().join("vault.key")).unwrap();
    let anew = Vault::open(folder.path().join("vault.key")).unwrap();
    let said = anew.unseal(&context(), &sealed).unwrap_err().to_string();
    assert!(said.contains("restore it from a backup"), "{said}");
    assert!(!said.contains(CANARY));
}

#[test]
fn the_key_file_is_made_for_its_owner_alone() {
    let (folder, _vault) = vault();
    let mode = std::fs::metadata(folder.path().join("vault.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["vault.key"], "no draft stays behind");
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let (folder, _vault) = vault();
    let path = folder.path().join("vault.key");
    for mode in [0o640, 0o604, 0o660, 0o644, 0o601] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let said = Vault::open(&path).unwrap_err().to_string();
        assert!(said.contains("chmod 600"), "{said}");
    }
}

#[test]
fn a_damaged_key_file_is_refused_and_never_replaced() {
    let (folder, _vault) = vault();
    let path = folder.path().join("vault.key");
    let whole = std::fs::read_to_string(&path).unwrap();
    for damaged in [
        String::new(),
        whole[..whole.len() / 2].to_owned(),
        whole.replace("root ", "roof "),
        whole.replacen("key ", "key 0", 1),
        format!("{whole}{whole}"),
        "x".repeat(20_000),
    ] {
        private(&path, damaged.as_bytes());
        let fault = Vault::open(&path).unwrap_err();
        assert!(matches!(fault, VaultFault::Damaged { .. }), "{fault}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged);
    }
    private(&path, whole.replace("keys v1", "keys v2").as_bytes());
    assert!(matches!(Vault::open(&path), Err(VaultFault::Newer { .. })));
}

#[test]
fn many_first_starts_at_once_agree_on_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/vault.key");
    let keys: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> =
            (0..8).map(|_| scope.spawn(|| Vault::open(&path).unwrap().derive("x"))).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert!(keys.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn only_a_check_never_makes_a_key_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.key");
    assert!(Vault::open_existing(&path).is_err());
    assert!(!path.exists());
}

#[test]
fn nothing_prints_a_key_or_a_secret() {
    let (folder, vault) = vault();
    let sealed = vault.seal(&context(), &Secret::new(CANARY)).unwrap();
    let keys = std::fs::read_to_string(folder.path().join("vault.key")).unwrap();
    let faults = [
        vault.unseal("elsewhere", &sealed).unwrap_err(),
        vault.unseal(&context(), &Sealed::from_text("spv1:short").unwrap()).unwrap_err(),
        Sealed::from_text(CANARY).unwrap_err(),
    ];
    let mut printed = format!("{vault:?} {sealed:?} {faults:?}");
    printed.extend(faults.iter().map(ToString::to_string));
    assert!(!printed.contains(CANARY));
    for word in keys.split_whitespace().filter(|word| word.len() > 40) {
        assert!(!printed.contains(word));
    }
}

#[test]
fn a_secret_over_the_limit_is_refused() {
    let (_folder, vault) = vault();
    let largest = Secret::new(vec![7; MAX_SECRET_BYTES]);
    let sealed = vault.seal(&context(), &largest).unwrap();
    assert_eq!(vault.unseal(&context(), &sealed).unwrap().expose(), largest.expose());
    let over = vault.seal(&context(), &Secret::new(vec![7; MAX_SECRET_BYTES + 1]));
    assert!(matches!(over, Err(VaultFault::TooLong { .. })));
}

proptest! {
    #[test]
    fn any_secret_in_any_context_comes_back(secret: Vec<u8>, context: String, other: String) {
        let (_folder, vault) = vault();
        let sealed = vault.seal(&context, &Secret::new(secret.clone())).unwrap();
        let opened = vault.unseal(&context, &sealed).unwrap();
        prop_assert_eq!(opened.expose(), &secret[..]);
        if other != context {
            prop_assert!(vault.unseal(&other, &sealed).is_err());
        }
    }

    #[test]
    fn any_text_at_all_is_refused_calmly(text: String) {
        let (_folder, vault) = vault();
        let opened = Sealed::from_text(format!("spv1:{text}")).and_then(|sealed| vault.unseal("c", &sealed));
        prop_assert!(opened.is_err());
    }
}
