//! New keys for the log and for the vault of a gateway that was stopped: what was signed and sealed before stays good.

use crate::shop::{ALLOW_ALL, LIMIT, Shop};
use anyhow::Result;
use rustix::process::Signal;
use sallyport_testkit::process::Finished;
use sallyport_testkit::{Version, gateway, process};
use std::process::Command;

fn rotate(shop: &Shop, what: &str) -> Result<Finished> {
    let mut rotate = Command::new(gateway::executable());
    rotate.args(["keys", "rotate", what, "--config"]).arg(shop.gateway.config());
    process::run(&mut rotate, "", LIMIT)
}

fn verified(shop: &Shop, key: &std::path::Path) -> Result<Finished> {
    let mut verify = Command::new(gateway::executable());
    verify.arg("verify").arg(shop.gateway.data()).arg("--key").arg(key);
    process::run(&mut verify, "", LIMIT)
}

#[test]
fn keys_change_and_everything_from_before_stays_good() -> Result<()> {
    let mut shop = Shop::open(Version::Distribution)?;
    shop.gateway.put_policy(ALLOW_ALL)?;
    assert_eq!(shop.rows("SELECT 'before'")?, "before\n");
    let data = shop.gateway.data();
    let kept = shop.gateway.folder().join("kept-key");
    std::fs::copy(data.join("recordings/log/public-key"), &kept)?;
    let (log_key, vault_key) = (std::fs::read(data.join("log.key"))?, std::fs::read(data.join("vault.key"))?);

    for what in ["log", "vault"] {
        let refused = rotate(&shop, what)?;
        assert_ne!(refused.code, Some(0));
        assert!(refused.err.contains("stop it, rotate, start it again"), "{}", refused.both());
    }
    assert_eq!(std::fs::read(data.join("log.key"))?, log_key, "a refused rotation changed a key");
    assert_eq!(std::fs::read(data.join("vault.key"))?, vault_key, "a refused rotation changed a key");

    assert!(shop.gateway.process()?.stop(Signal::TERM, LIMIT), "the gateway does not stop");
    rotate(&shop, "log")?.ok()?;
    rotate(&shop, "vault")?.ok()?;
    assert_ne!(std::fs::read(data.join("log.key"))?, log_key);
    assert_ne!(std::fs::read(data.join("vault.key"))?, vault_key);

    shop.gateway.launch()?;
    assert_eq!(shop.rows("SELECT 'after'")?, "after\n", "the target's password opens under the new key");
    assert!(shop.gateway.process()?.stop(Signal::TERM, LIMIT), "the gateway does not stop");
    for key in [kept, data.join("recordings/log/public-key")] {
        let report = verified(&shop, &key)?.ok()?;
        assert!(report.out.contains("2 keys signed it"), "{}", report.out);
    }
    std::fs::write(data.join("vault.key"), vault_key)?;
    shop.gateway.launch()?;
    let lost = shop.psql("SELECT 1")?;
    assert_ne!(lost.code, Some(0), "the old key still opens what was put under the new one");
    Ok(())
}
