//! Child processes with an end.

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server that runs until this value is dropped; its whole process group goes with it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the command in a group of its own, with both outputs in `log`.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let out = File::options().create(true).append(true).open(log).context("open the log of a process")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone().context("share the log")?)
            .stderr(out)
            .process_group(0)
            .spawn()
            .with_context(|| format!("start {:?}", command.get_program()))?;
        Ok(Self { child, log: log.to_path_buf() })
    }
    pub fn id(&self) -> u32 {
        self.child.id()
    }
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
    pub fn signal(&self, signal: Signal) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            _ = kill_process_group(group, signal);
        }
    }
    /// What it holds in memory now, as the system counts it.
    pub fn memory_kib(&self) -> Result<u64> {
        self.status("VmRSS:")
    }
    /// The most that it ever held.
    pub fn peak_memory_kib(&self) -> Result<u64> {
        self.status("VmHWM:")
    }
    fn status(&self, name: &str) -> Result<u64> {
        let text =
            std::fs::read_to_string(format!("/proc/{}/status", self.id())).context("read its status")?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)).context("find the line")?;
        line.split_whitespace().next().and_then(|number| number.parse().ok()).context("read the number")
    }
    /// Processor time that it used, in ticks: a hundredth of a second each.
    pub fn ticks(&self) -> Result<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).context("read its times")?;
        let after = text.rsplit_once(") ").context("find its name's end")?.1;
        let fields: Vec<&str> = after.split(' ').collect();
        let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
        Ok(number(11).context("read its time")? + number(12).context("read its system's time")?)
    }
    /// Polls until `ready` answers yes, for at most `limit`; the log is in the error.
    pub fn wait_until(&mut self, what: &str, limit: Duration, mut ready: impl FnMut() -> bool) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < limit {
            if ready() {
                return Ok(());
            }
            if !self.is_running() {
                bail!("{what}: the process ended early:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("{what}: not ready after {limit:?}:\n{}", self.log())
    }
    /// Asks it to stop and waits; kills it when it does not.
    pub fn stop(&mut self, signal: Signal, limit: Duration) -> bool {
        self.signal(signal);
        let started = Instant::now();
        while started.elapsed() < limit {
            if !self.is_running() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        _ = self.child.wait();
    }
}

/// What a client program left.
#[derive(Clone, Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Finished {
    pub fn ok(self) -> Result<Self> {
        if self.code == Some(0) {
            Ok(self)
        } else {
            bail!("exit {:?}\nout: {}\nerr: {}", self.code, self.out, self.err)
        }
    }
    pub fn both(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

/// Runs a client to its end, for at most `limit`, with `input` on stdin.
pub fn run(command: &mut Command, input: &str, limit: Duration) -> Result<Finished> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .with_context(|| format!("start {:?}", command.get_program()))?;
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let mut stdin = child.stdin.take().context("open stdin")?;
    let text = input.to_owned();
    let feeder = std::thread::spawn(move || {
        _ = stdin.write_all(text.as_bytes());
    });
    let (sender, done) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let output = match done.recv_timeout(limit) {
        Ok(output) => output.context("wait for a client")?,
        Err(_) => {
            if let Some(group) = group {
                _ = kill_process_group(group, Signal::KILL);
            }
            bail!("{:?} did not end within {limit:?}", command.get_program());
        }
    };
    _ = feeder.join();
    Ok(Finished {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
