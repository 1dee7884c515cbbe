//! The pump of an admitted session: one task, both directions, no lock.
//!
//! Invariants: nothing leaves for a peer that the gate did not clear; every message that was forwarded has an entry in
//! the queue of awaited answers, so that the next answer belongs to the next question whatever was refused between.

mod answers;
mod asks;
mod awaited;
mod bound;
mod context;
mod copy_plan;
mod copying;
mod extended;
mod guarding;
mod holding;
mod inbox;
mod lengthy;
mod meanings;
mod names;
mod opinion;
mod plans;
mod query;
mod refusing;
mod said;
mod tokens;
mod turn;

use crate::cancel::{Cancels, Registered};
use crate::catalog::{Catalog, Snapshot};
use crate::reading::{Reading, Readings};
use crate::refusal;
use crate::seam::{ClientSide, Stream, TargetSide};
use crate::wire::write;
use awaited::Queue;
use context::{Learned, Question};
use inbox::Inbox;
use names::Names;
use opinion::Opinion;
use plans::Plans;
use sallyport_core::approvals::BoxFuture;
use sallyport_core::event::{Answer, Frame};
use sallyport_core::{Cell, CommandNo, Epoch, Fault, Gate, Hold};
use sallyport_relay::{Credentials, Outbox, Route, Session};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;

/// Where this much waits to leave for one side, the other is not read.
const MOST_WAITING: usize = 256 * 1024;
/// A session that has so much to carry gives way to its neighbours.
const TURN_BYTES: usize = 256 * 1024;
/// A statement, with its parameters, is judged whole.
const MOST_STATEMENT: usize = 64 * 1024 * 1024;
/// An answer that has to be read whole.
const MOST_ANSWER: usize = 256 * 1024 * 1024;
/// A session that does nothing for so long gives its memory back.
const IDLE: Duration = Duration::from_millis(500);
/// How long last words may take.
const GOODBYE: Duration = Duration::from_secs(3);
/// How long a catalog is waited for where the session itself may be in the way.
const OWN_LOCKS: Duration = Duration::from_millis(300);

/// What all sessions of the connector share.
pub struct Shared {
    pub cancels: Cancels,
    pub catalogs: crate::catalog::Catalogs,
    pub readings: Arc<sallyport_sql::Cache>,
}

/// What to do after a message was looked at.
enum Step {
    /// It is dealt with.
    Done,
    /// Look at it again when the target has answered more.
    Stall,
    /// Look at it again under a catalog read from now on.
    Refresh,
    /// It waits for people.
    Hold(Box<Hold>, Progress),
    /// The session is over, as agreed.
    Over,
}

/// How far a message of several statements was judged before one of them had to wait.
#[derive(Default)]
struct Progress {
    at: u64,
    first: Option<CommandNo>,
    /// The edition of the rules that judged the first.
    epoch: Option<Epoch>,
    resumed: Option<Box<Hold>>,
    /// What to ask of the target about the statement that waits, and what it said when the wait was over.
    question: Option<Box<Question>>,
    context: Option<String>,
}

/// COPY data on its way.
enum Copying {
    None,
    /// The target waits for data of this command.
    In(CommandNo),
    Out(Box<copying::CopyOut>),
}

/// Space that is used again for every message.
#[derive(Default)]
struct Scratch {
    cells: Vec<Cell>,
    binary: Vec<bool>,
    results: Vec<bool>,
}

struct Serving {
    gate: Gate,
    client: Stream,
    target: Stream,
    from_client: Inbox,
    from_target: Inbox,
    to_client: Outbox,
    to_target: Outbox,
    queue: Queue,
    names: Names,
    readings: Readings,
    plans: Plans,
    catalog: Arc<Catalog>,
    snapshot: Arc<Snapshot>,
    credentials: Arc<dyn Credentials>,
    scratch: Scratch,
    copying: Copying,
    /// What the rows of a COPY may not hold, and its table.
    watch: Option<(String, sallyport_core::mask::watch::Watch)>,
    /// Why the gateway failed a COPY, in place of what the target says of it.
    refused_copy: Option<Vec<u8>>,
    /// The rest of a message that is forwarded in pieces: bytes left.
    passing_in: usize,
    /// Those bytes go nowhere: their COPY failed before they began.
    dropping: bool,
    /// It sent a FATAL error, which the client has.
    target_said_why: bool,
    passing_out: Option<(CommandNo, usize)>,
    /// Everything up to the client's next Sync is ignored, as the protocol wants it after an error.
    discarding: bool,
    /// Something was forwarded since the last Sync: a transaction may be open without a word of it.
    unsynced: bool,
    status: u8,
    utf8: bool,
    opinion: Opinion,
    /// A definition changed: names are looked up again before the next use.
    stale: bool,
    /// One changed in a transaction that others, the gateway among them, cannot see yet.
    stale_inside: bool,
    /// The catalog was read for the message that comes next.
    just_read: bool,
    /// What the target said when it was asked in what a held command would run.
    learned: Option<Learned>,
    stalled: bool,
    rested: bool,
    /// The target was told not to wait for a Sync, and has not answered since.
    hurried: bool,
    /// The portal that does not exist, whose execution fails in place of a refused command.
    stand_in: String,
    over: bool,
    busy: bool,
    turns: u32,
    /// Bytes read since others on this thread could have run.
    carried: usize,
    ending: BoxFuture<'static, String>,
    idle: Pin<Box<tokio::time::Sleep>>,
}

/// Serves one session to its end. What is needed only at its beginning is given back before it goes on.
pub async fn run(client: ClientSide, target: TargetSide, session: Session, shared: &Shared) {
    if let Some((serving, parameters, registered)) = Box::pin(begin(client, target, session, shared)).await {
        Box::pin(serving.serve(parameters, registered)).await;
    }
}

type Begun = (Serving, Vec<(String, String)>, Registered);

/// None: it could not begin, and the client knows.
async fn begin(client: ClientSide, target: TargetSide, session: Session, shared: &Shared) -> Option<Begun> {
    let Session { mut gate, credentials, mut ending } = session;
    let ClientSide { mut stream, leftover, protocol_minor, parameters: _, peer: _ } = client;
    let catalog = shared.catalogs.of(gate.grant());
    let snapshot = match catalog.current() {
        Some(snapshot) if snapshot.taken.elapsed() < crate::catalog::MAX_AGE => Ok(snapshot),
        _ => catalog.since(Instant::now(), gate.grant(), credentials.as_ref()).await,
    };
    let route = Route::of(gate.grant());
    let ready = snapshot.and_then(|snapshot| {
        let registered = shared.cancels.register(protocol_minor, route, target.backend_key.clone());
        let random = registered.and_then(|registered| Ok((registered, refusing::stand_in()?)));
        random
            .map(|(registered, stand_in)| (snapshot, registered, stand_in))
            .map_err(|fault| Fault::ours("the gateway has no randomness", fault))
    });
    let (snapshot, registered, stand_in) = match ready {
        Ok(ready) => ready,
        Err(fault) => {
            tracing::warn!(session = %gate.grant().session(), %fault, "the session could not begin");
            last_words(&mut stream, &refusal::fatal(&fault)).await;
            close(gate, &fault.public());
            return None;
        }
    };
    let opinion = Opinion::new(&mut gate, &target.parameters);
    let utf8 = target.parameters.iter().any(|(name, value)| name == "client_encoding" && value == "UTF8");
    let serving = Serving {
        gate,
        client: stream,
        target: target.stream,
        from_client: Inbox::with(&leftover),
        from_target: Inbox::with(&target.leftover),
        to_client: Outbox::new(),
        to_target: Outbox::new(),
        queue: Queue::default(),
        names: Names::default(),
        readings: Readings::new(Arc::clone(&shared.readings)),
        plans: Plans::default(),
        catalog,
        snapshot,
        credentials,
        scratch: Scratch::default(),
        copying: Copying::None,
        watch: None,
        refused_copy: None,
        passing_in: 0,
        dropping: false,
        target_said_why: false,
        passing_out: None,
        discarding: false,
        unsynced: false,
        status: b'I',
        utf8,
        opinion,
        stale: false,
        stale_inside: false,
        just_read: false,
        learned: None,
        stalled: false,
        rested: false,
        hurried: false,
        stand_in,
        over: false,
        busy: true,
        turns: 0,
        carried: 0,
        ending: Box::pin(async move { ending.wait().await }),
        idle: Box::pin(tokio::time::sleep(IDLE)),
    };
    Some((serving, target.parameters, registered))
}

fn close(gate: Gate, reason: &str) {
    let session = gate.grant().session().clone();
    if let Err(fault) = gate.close(reason) {
        tracing::error!(%session, %fault, "the recording could not be closed");
    }
}

/// Text of the gateway alone, on a connection that ends with it: it says why, even where nothing can be recorded any
/// more. No byte of the target or of another client can be in it.
async fn last_words(stream: &mut Stream, words: &[u8]) {
    let say = async {
        stream.write_all(words).await?;
        stream.flush().await?;
        stream.shutdown().await
    };
    _ = tokio::time::timeout(GOODBYE, say).await;
}

enum End {
    /// As agreed, or because a side left.
    Left(&'static str),
    /// From outside: the reason is for the client.
    Ended(String),
    Fault(Fault),
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        End::Fault(fault)
    }
}

impl Serving {
    async fn serve(mut self, parameters: Vec<(String, String)>, registered: Registered) {
        let greeted = self.note_opinion().and_then(|()| self.greet(&parameters, &registered));
        drop(parameters);
        let end = match greeted {
            Ok(()) => match self.pump(&registered).await {
                Ok(end) | Err(end) => end,
            },
            Err(fault) => End::Fault(fault),
        };
        if let Err(fault) = self.note_cancels(&registered) {
            tracing::warn!(session = %self.gate.grant().session(), %fault, "a cancel could not be noted");
        }
        let (words, reason) = match end {
            End::Left(reason) => (None, reason.to_owned()),
            End::Ended(reason) => (Some(refusal::ended(&reason)), reason),
            End::Fault(fault) => {
                tracing::info!(session = %self.gate.grant().session(), %fault, "the session ended early");
                (Some(refusal::fatal(&fault)), fault.public())
            }
        };
        // What was cleared for the client goes first, unless the client does not read.
        let finish = self.to_client.send_answer(&mut self.client);
        let flushed = matches!(tokio::time::timeout(GOODBYE, finish).await, Ok(Ok(())));
        if flushed && self.passing_out.is_none() {
            last_words(&mut self.client, &words.unwrap_or_default()).await;
        }
        _ = tokio::time::timeout(GOODBYE, self.target.shutdown()).await;
        close(self.gate, &reason);
    }

    /// The answer to the password message: all that the client needs to begin.
    fn greet(&mut self, parameters: &[(String, String)], registered: &Registered) -> Result<(), Fault> {
        let mut out = Vec::with_capacity(512);
        write::authentication_ok(&mut out);
        for (name, value) in parameters {
            write::parameter_status(&mut out, name, value);
        }
        write::backend_key(&mut out, registered.pid, registered.key());
        write::ready(&mut out, b'I');
        self.say(&out, "greeting")
    }

    /// Our own words, or a message of the list of those that carry nothing to judge.
    fn say(&mut self, bytes: &[u8], what: &'static str) -> Result<(), Fault> {
        let cleared = self.gate.answer(Frame { bytes, event: Answer::Housekeeping(what) })?;
        self.to_client.put(&cleared);
        Ok(())
    }

    async fn pump(&mut self, registered: &Registered) -> Result<End, End> {
        loop {
            self.note_cancels(registered)?;
            self.take_answers().await?;
            self.take_asks(registered).await?;
            if self.over {
                self.leave().await?;
                return Ok(End::Left("the client left"));
            }
            if self.from_target.ended && self.to_client.waiting() < MOST_WAITING {
                if self.target_said_why {
                    return Ok(End::Left("the target ended the session"));
                }
                return Err(Fault::Target("the target closed the connection").into());
            }
            if self.from_client.ended {
                return Ok(End::Left("the client closed the connection"));
            }
            match self.turn(false).await? {
                turn::Woke::Moved => self.let_others().await,
                turn::Woke::Ended(reason) => return Ok(End::Ended(reason)),
                turn::Woke::Idle => self.rest()?,
            }
        }
    }

    /// A session with much to carry has its neighbours on the thread served in between.
    async fn let_others(&mut self) {
        if self.carried >= TURN_BYTES {
            self.carried = 0;
            tokio::task::yield_now().await;
        }
    }

    /// Whoever holds the session's key may end what it runs: that it was done stands before what came of it.
    fn note_cancels(&mut self, registered: &Registered) -> Result<(), Fault> {
        match registered.entry.passed() {
            0 => Ok(()),
            1 => Ok(self.gate.note("a request to cancel was passed on to the target")?),
            count => {
                Ok(self.gate.note(&format!("{count} requests to cancel were passed on to the target"))?)
            }
        }
    }

    /// Sends what is left for the target, the goodbye at its end.
    async fn leave(&mut self) -> Result<(), Fault> {
        let settled = self.gate.settle().await?;
        let sent = self.to_target.send_ask(&mut self.target, &settled);
        _ = tokio::time::timeout(GOODBYE, sent).await;
        Ok(())
    }

    fn rest(&mut self) -> Result<(), Fault> {
        self.gate.rest()?;
        self.from_client.rest();
        self.from_target.rest();
        self.to_client.rest();
        self.to_target.rest();
        self.queue.rest();
        self.readings.rest();
        self.plans.rest();
        self.scratch = Scratch::default();
        Ok(())
    }

    async fn refresh(&mut self) -> Result<(), Fault> {
        let read = self.catalog.since(Instant::now(), self.gate.grant(), self.credentials.as_ref());
        if self.stale_inside {
            // The session's own transaction may hold the very locks that the reading waits for. What it changed is seen
            // by nobody else before it ends, and then the catalog is read again.
            if let Ok(read) = tokio::time::timeout(OWN_LOCKS, read).await {
                self.snapshot = read?;
            }
        } else {
            self.snapshot = read.await?;
        }
        self.stale = false;
        self.just_read = true;
        Ok(())
    }

    /// Whether the text calls a function that may be younger than what is known of the catalog. Never twice on end.
    fn calls_what_is_new(&mut self, reading: &Reading) -> bool {
        let just_read = std::mem::take(&mut self.just_read);
        reading.unlisted && !just_read && self.snapshot.taken.elapsed() > answers::NEWS_AFTER
    }

    /// Takes a newer snapshot that somebody read, and has an old one replaced.
    fn look_at_catalog(&mut self) {
        if self.snapshot.taken.elapsed() > crate::catalog::MAX_AGE {
            self.catalog.refresh_behind(self.gate.grant(), &self.credentials);
        }
        if let Some(now) = self.catalog.current().filter(|now| now.version() > self.snapshot.version()) {
            self.snapshot = now;
        }
    }
}
