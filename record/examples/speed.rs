//! Entries per second on one core: `cargo run --release --example speed`. Each round is what a small statement writes:
//! the command, its columns, one row and its outcome, and one flush.
#![allow(clippy::print_stdout, reason = "this is a program that reports")]

use sallyport_core::journal::Event;
use sallyport_core::{Action, Cell, CommandNo, Effect, Moment, Object, ObjectKind, RuleId, SessionId};
use sallyport_record::{Options, Recorder, signing_key};
use std::error::Error;
use std::time::Instant;

const ROUNDS: u64 = 300_000;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args().nth(1).ok_or("say in which folder to write")?;
    let dir = std::path::Path::new(&dir);
    std::fs::create_dir_all(dir)?;
    let recorder = Recorder::open(dir, signing_key(&dir.join("key.pem"))?, Options::default())?;
    for each in [1, 16, u64::MAX] {
        run(&recorder, each)?;
    }
    idle(&recorder)
}

fn run(recorder: &Recorder, flush_each: u64) -> Result<(), Box<dyn Error>> {
    let session = SessionId::new(format!("speed-{flush_each}-{}", std::process::id()));
    let mut journal = recorder.begin(&session, false)?;
    let effects = [Effect::new(Action::Read, Object::new(ObjectKind::Table, ["public", "pgbench_accounts"]))];
    let rules = [RuleId::new("agents-read-only")];
    let (started, cpu) = (Instant::now(), on_cpu()?);
    for no in 1..=ROUNDS {
        let at = Moment(1_700_000_000_000_000 + i64::try_from(no)?);
        let of = CommandNo(no);
        let command = Event::Command {
            no: of,
            kind: "statement".into(),
            text: "SELECT abalance FROM pgbench_accounts WHERE aid = 4711;".into(),
            parameters: Vec::new(),
            effects: (&effects[..]).into(),
            verdict: "allow".into(),
            rules: (&rules[..]).into(),
            message: None,
            digest: None,
        };
        journal.append(at, &command)?;
        let columns = Event::Columns { of, names: vec!["abalance".into()], masked: vec![None] };
        journal.append(at, &columns)?;
        journal.append_row(at, of, b"-12345", &[Cell::new(0, 6)], &[false])?;
        let done = Event::Done {
            of,
            tag: "SELECT 1".into(),
            rows: 1,
            bytes_out: 20,
            bytes_in: 60,
            duration_us: 80,
            error: None,
            masked: 0,
        };
        journal.append(at, &done)?;
        if no % flush_each == 0 {
            drop(journal.flush()?);
        }
    }
    drop(journal.flush()?);
    let seconds = started.elapsed().as_secs_f64();
    let entries = f64::from(u32::try_from(ROUNDS * 4)?);
    let each = if flush_each > ROUNDS { "256 KiB".to_owned() } else { format!("{flush_each} statements") };
    let cpu = std::time::Duration::from_nanos(on_cpu()? - cpu).as_secs_f64();
    println!(
        "a write each {each}: {:.0} entries/s by the clock, {:.0} by the processor, {:.2} µs of it a statement",
        entries / seconds,
        entries / cpu,
        cpu * 4e6 / entries
    );
    Ok(())
}

/// What a session costs that has written and waits.
fn idle(recorder: &Recorder) -> Result<(), Box<dyn Error>> {
    recorder.caught_up()?;
    let before = resident()?;
    let mut sessions = Vec::new();
    for no in 0..900 {
        let session = SessionId::new(format!("idle-{no}-{}", std::process::id()));
        let mut journal = recorder.begin(&session, false)?;
        journal.append(Moment(no), &Event::Notice { text: "x".repeat(3000).into() })?;
        drop(journal.flush()?);
        sessions.push(journal);
    }
    recorder.caught_up()?;
    println!("an idle session: {} bytes", resident()?.saturating_sub(before) / 900);
    Ok(())
}

/// Nanoseconds that this thread has run.
fn on_cpu() -> Result<u64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split(' ').next().ok_or("no time")?.parse()?)
}

fn resident() -> Result<u64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = text.split(' ').nth(1).ok_or("no resident pages")?.parse()?;
    Ok(pages * 4096)
}
