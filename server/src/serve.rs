//! Starts the gateway, in the order in which each part needs the one before, and stops it in the other order.

use crate::clock::WallClock;
use crate::config::{Config, Listener, TlsRule};
use crate::credentials::SealedCredentials;
use crate::door::FrontDoor;
use crate::live::Live;
use crate::protocols::Registry;
use crate::{certificates, connectors, first_start, keys, logging, plane, rules};
use anyhow::{Context, Result};
use sallyport_api::{AdminJournal, RoleGroups};
use sallyport_core::mask::forms::MaskKey;
use sallyport_core::{Clock, SessionId};
use sallyport_identity::{Algorithm, Issuer, IssuerSettings, Verifier};
use sallyport_policy::RuleBook;
use sallyport_record::{Options, Recorder};
use sallyport_relay::listen::{ListenLimits, bind, listen};
use sallyport_relay::tls::Shown;
use sallyport_relay::{Crew, House};
use sallyport_store::{Desk, DeskTerms, SessionFilter, Store};
use sallyport_vault::Vault;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The audience of the embedded issuer's tokens.
const AUDIENCE: &str = "sallyport";
const DEFAULT_MAX_TOKEN_SECONDS: i64 = 24 * 60 * 60;
/// How often keys that are old enough are rotated, and approvals that are due expire.
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(5);

pub fn run(file: Option<&Path>) -> Result<ExitCode> {
    let config = Config::read(file)?;
    logging::start(&config.log)?;
    take_descriptors(config.limits.connections);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    runtime.block_on(serve(config))?;
    runtime.shutdown_timeout(Duration::from_secs(5));
    Ok(ExitCode::SUCCESS)
}

/// Each session has two sockets and a file. The soft limit of most systems is for programs that hold few; up to the hard
/// one it is ours to raise.
fn take_descriptors(connections: usize) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(fault) =
        setrlimit(Resource::Nofile, rustix::process::Rlimit { current: limit.maximum, ..limit })
    {
        tracing::warn!(%fault, "the limit of open files could not be raised");
    }
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_mul(3);
    if limit.maximum.is_some_and(|most| most < wanted) {
        tracing::info!(
            open_files = limit.maximum,
            connections,
            "fewer files can be open than the connections that [limits] allows would need"
        );
    }
}

/// Everything that sessions and the control plane share.
struct Parts {
    store: Store,
    vault: Arc<Vault>,
    recorder: Arc<Recorder>,
    rules: Arc<RuleBook>,
    issuer: Arc<Issuer>,
    verifier: Arc<Verifier>,
    desk: Arc<Desk>,
    live: Arc<Live>,
    registry: Arc<Registry>,
    journal: Arc<AdminJournal>,
}

async fn serve(config: Config) -> Result<()> {
    first_start::data_folder(&config)?;
    let parts = open(&config).await?;
    let outcome = attend(&config, &parts).await;
    // Also where the start failed: its reason is the caller's to tell, and no recording is left open by it.
    if let Err(fault) = parts.journal.close() {
        tracing::error!(%fault, "the recording of changes was not closed");
    }
    parts.store.close().await;
    outcome
}

/// From the first listener to the last session.
async fn attend(config: &Config, parts: &Parts) -> Result<()> {
    if let Some(file) = first_start::operator(config, &parts.store).await? {
        tracing::info!(
            "made the first person, {:?}; the password is in {} (sallyport login --user {} --password-file {})",
            first_start::OPERATOR,
            file.display(),
            first_start::OPERATOR,
            file.display()
        );
    }
    let (stop, stopping) = watch::channel(false);
    let door = Arc::new(FrontDoor {
        verifier: Arc::clone(&parts.verifier),
        rules: Arc::clone(&parts.rules),
        store: parts.store.clone(),
        recorder: Arc::clone(&parts.recorder),
        approvals: Arc::clone(&parts.desk) as _,
        credentials: Arc::new(SealedCredentials {
            store: parts.store.clone(),
            vault: Arc::clone(&parts.vault),
        }),
        live: Arc::clone(&parts.live),
        mask_key: MaskKey::new(parts.vault.derive("masks")),
        local_issuer: config.public_url(),
    });
    let mut tasks = JoinSet::new();
    let certificate = certificates::open(config)?;
    let crew = Arc::new(Crew::start().context("start the threads that carry connections")?);
    for listener in &config.listener {
        let ground =
            Ground { config, registry: &parts.registry, door: &door, crew: &crew, certificate: &certificate };
        start_listener(&mut tasks, listener, &ground, &stopping)?;
    }
    let plane =
        bind(config.api.listen).with_context(|| format!("api: cannot listen on {}", config.api.listen))?;
    let router = sallyport_api::router(api_house(config, parts));
    let tls =
        config.tls.certificate.is_some().then(|| certificate.server_config(&[b"http/1.1"])).transpose()?;
    tasks.spawn(plane::serve(plane, router, tls, stopping));
    tokio::spawn(certificates::follow(config.clone(), certificate));
    tokio::spawn(Arc::clone(&parts.live).sweep(Arc::clone(&parts.rules)));
    tokio::spawn(housekeeping(parts.store.clone(), Arc::clone(&parts.issuer)));
    match &config.policy.directory {
        Some(folder) => tokio::spawn(rules::follow_folder(folder.clone(), Arc::clone(&parts.rules))),
        None => tokio::spawn(rules::follow_store(parts.store.clone(), Arc::clone(&parts.rules))),
    };
    tracing::info!(api = %config.public_url(), rules = parts.rules.len(), "Sallyport is up");

    let told = until_told().await?;
    tracing::info!(signal = told, sessions = parts.live.len(), "stopping");
    _ = stop.send(true);
    parts.live.end_all("The gateway is stopping.");
    let drained = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(Duration::from_secs(config.limits.drain_seconds), drained).await.is_err() {
        tracing::warn!("some connections did not end in time and were cut");
    }
    tasks.abort_all();
    Ok(())
}

async fn open(config: &Config) -> Result<Parts> {
    let clock: Arc<dyn Clock> = Arc::new(WallClock);
    let vault = Arc::new(Vault::open(config.data_dir.join("vault.key")).context("open the vault")?);
    let store = Store::open(&config.store_url()).await.context("open the store")?;
    let key = keys::signing(config)?;
    let recorder =
        Recorder::open(&config.recordings(), key, Options::default()).context("open the recordings")?;
    let recovery = recorder.recover().context("look after the recordings of the last run")?;
    if !recovery.sessions.is_empty() {
        tracing::warn!(
            sessions = recovery.sessions.len(),
            "closed the recordings of sessions that the last run left open"
        );
    }
    let recorder = Arc::new(recorder);
    index_left_open(&store, &recorder).await?;
    let rules = Arc::new(rules::load(config.policy.directory.as_deref(), &store).await?);
    let settings = IssuerSettings {
        issuer: config.public_url(),
        audience: AUDIENCE.to_owned(),
        max_lifetime_seconds: max_token_seconds(config),
        algorithm: Algorithm::EdDsa,
    };
    let issuer = Issuer::open(config.data_dir.join("issuer"), settings, clock.now())
        .context("open the issuer's keys")?;
    let issuer = Arc::new(issuer);
    let verifier = Verifier::new(config.identity.issuer.clone(), Some(Arc::clone(&issuer)))
        .context("identity.issuer")?;
    let terms = DeskTerms { link_base: config.public_url(), ..DeskTerms::default() };
    let desk = Arc::new(Desk::new(store.clone(), Arc::clone(&clock), terms));
    let journal = recorder.house_journal().context("open the recording of changes")?;
    Ok(Parts {
        vault,
        rules,
        issuer,
        verifier: Arc::new(verifier),
        desk,
        live: Arc::new(Live::default()),
        registry: Arc::new(Registry(connectors::all())),
        journal: Arc::new(AdminJournal::new(journal, clock)),
        store,
        recorder,
    })
}

fn max_token_seconds(config: &Config) -> i64 {
    config.identity.max_token_seconds.map_or(DEFAULT_MAX_TOKEN_SECONDS, i64::from)
}

/// A crash leaves sessions open in the index; their recordings are closed by now.
async fn index_left_open(store: &Store, recorder: &Arc<Recorder>) -> Result<()> {
    let filter =
        SessionFilter { open_only: true, limit: sallyport_store::MAX_PAGE, ..SessionFilter::default() };
    loop {
        let open = store.sessions(&filter).await.context("look for sessions that the last run left open")?;
        for row in &open {
            crate::index::write(store, recorder, &SessionId::new(row.id.clone())).await;
        }
        if open.len() < usize::try_from(sallyport_store::MAX_PAGE).unwrap_or(usize::MAX) {
            return Ok(());
        }
    }
}

fn api_house(config: &Config, parts: &Parts) -> sallyport_api::House {
    let one = |name: &str| vec![name.to_owned()];
    sallyport_api::House {
        store: parts.store.clone(),
        desk: Arc::clone(&parts.desk),
        vault: Arc::clone(&parts.vault),
        rules: Arc::clone(&parts.rules),
        verifier: Arc::clone(&parts.verifier),
        issuer: Arc::clone(&parts.issuer),
        recorder: Arc::clone(&parts.recorder),
        live: Arc::clone(&parts.live) as _,
        protocols: Arc::clone(&parts.registry) as _,
        journal: Arc::clone(&parts.journal),
        clock: Arc::new(WallClock),
        roles: RoleGroups { admin: one("admins"), auditor: one("auditors"), approver: one("approvers") },
        public_url: config.public_url(),
        max_token_seconds: max_token_seconds(config),
        rules_on_disk: config.policy.directory.is_some(),
        sign_ins: sallyport_api::SignIns::new(&parts.issuer, &config.public_url()),
    }
}

/// What every listener stands on.
struct Ground<'a> {
    config: &'a Config,
    registry: &'a Registry,
    door: &'a Arc<FrontDoor>,
    crew: &'a Arc<Crew>,
    certificate: &'a Arc<Shown>,
}

fn start_listener(
    tasks: &mut JoinSet<()>,
    listener: &Listener,
    ground: &Ground<'_>,
    stopping: &watch::Receiver<bool>,
) -> Result<()> {
    let Ground { config, registry, door, crew, certificate } = ground;
    let connector = registry.find(&listener.protocol).context("find the connector")?;
    let house = Arc::new(House {
        door: Arc::clone(door) as _,
        tls: Some(certificate.server_config(connector.alpn()).context("tls")?),
        require_tls: listener.tls == TlsRule::Required,
    });
    let limits = ListenLimits {
        connections: config.limits.connections,
        per_address: config.limits.connections_per_address,
    };
    for address in &listener.listen {
        let bound = bind(*address)
            .with_context(|| format!("listener {}: cannot listen on {address}", listener.protocol))?;
        tracing::info!(protocol = listener.protocol, %address, tls = ?listener.tls, "listening");
        let (connector, house, crew) = (Arc::clone(connector), Arc::clone(&house), Arc::clone(crew));
        tasks.spawn(listen(bound, connector, house, crew, limits, stopping.clone()));
    }
    Ok(())
}

async fn housekeeping(store: Store, issuer: Arc<Issuer>) {
    let mut tick = tokio::time::interval(HOUSEKEEPING_EVERY);
    loop {
        tick.tick().await;
        let now = WallClock.now();
        if let Err(fault) = store.expire_due(now).await {
            tracing::warn!(%fault, "approvals that are due did not expire");
        }
        match issuer.rotate_if_due(now) {
            Ok(true) => tracing::info!("the issuer's keys were rotated"),
            Ok(false) => {}
            Err(fault) => tracing::error!(%fault, "the issuer's keys were not rotated"),
        }
    }
}

async fn until_told() -> Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for signals")?;
    Ok(tokio::select! {
        _ = terminate.recv() => "terminate",
        _ = interrupt.recv() => "interrupt",
    })
}
