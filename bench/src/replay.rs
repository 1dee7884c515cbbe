//! The replay server: it stands in front of a real one and passes everything on, but what a statement marked with
//! [`MARK`] brought the first time it sends from memory ever after. So a peer can log in and read the catalog as
//! always, and a large result comes as fast as it can be taken: the server's own work hides nothing.

use anyhow::{Context, Result};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// Statements with this in them are remembered.
pub const MARK: &str = "/*replay*/";

/// How much is sent at once: as much as PostgreSQL does.
const WRITE_BYTES: usize = 8 * 1024;
/// Between transactions, after a statement by itself.
const READY: &[u8] = b"Z\0\0\0\x05I";

#[derive(Default)]
struct Tape {
    known: HashMap<Vec<u8>, Arc<Vec<u8>>>,
}

type Shared = Arc<Mutex<Tape>>;
/// The statement whose answer is being written down, and what has come of it.
type Writing = Arc<Mutex<Option<(Vec<u8>, Vec<u8>)>>>;

pub fn run(listen: u16, target: u16) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", listen)).context("listen")?;
    let tape = Shared::default();
    loop {
        let (client, _) = listener.accept().context("accept")?;
        let tape = Arc::clone(&tape);
        std::thread::spawn(move || {
            // Whoever leaves first ends both; there is nobody to tell.
            _ = carry(client, target, &tape);
        });
    }
}

fn carry(mut client: TcpStream, target: u16, tape: &Shared) -> Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", target)).context("connect")?;
    client.set_nodelay(true).context("send at once")?;
    server.set_nodelay(true).context("send at once")?;
    let writing = Writing::default();
    let back = (server.try_clone()?, client.try_clone()?, Arc::clone(tape), Arc::clone(&writing));
    let answers = std::thread::spawn(move || {
        let (mut server, mut client, tape, writing) = back;
        let result = pass_answers(&mut server, &mut client, &tape, &writing);
        _ = client.shutdown(std::net::Shutdown::Both);
        result
    });
    let asked = pass_asks(&mut client, &mut server, tape, &writing);
    _ = server.shutdown(std::net::Shutdown::Both);
    _ = answers.join();
    asked
}

fn pass_asks(client: &mut TcpStream, server: &mut TcpStream, tape: &Shared, writing: &Writing) -> Result<()> {
    // The startup has no tag.
    let mut startup = [0u8; 4];
    client.read_exact(&mut startup)?;
    let mut rest = vec![0; length_of(startup)?.checked_sub(4).context("read a length")?];
    client.read_exact(&mut rest)?;
    server.write_all(&[&startup[..], &rest].concat())?;
    loop {
        let mut head = [0u8; 5];
        client.read_exact(&mut head)?;
        let [tag, length @ ..] = head;
        let mut message = head.to_vec();
        message.resize(length_of(length)? + 1, 0);
        client.read_exact(message.get_mut(5..).context("read a message")?)?;
        let is_marked = message.windows(MARK.len()).any(|window| window == MARK.as_bytes());
        if tag == b'Q' && is_marked {
            let known = lock(tape).known.get(&message).cloned();
            if let Some(answer) = known {
                for chunk in answer.chunks(WRITE_BYTES) {
                    client.write_all(chunk)?;
                }
                continue;
            }
            *lock(writing) = Some((message.clone(), Vec::new()));
        }
        server.write_all(&message)?;
    }
}

fn pass_answers(
    server: &mut TcpStream,
    client: &mut TcpStream,
    tape: &Shared,
    writing: &Writing,
) -> Result<()> {
    let mut buffer = vec![0u8; 64 * 1024];
    loop {
        let count = server.read(&mut buffer)?;
        let chunk = buffer.get(..count).filter(|chunk| !chunk.is_empty()).context("the server left")?;
        {
            let mut writing = lock(writing);
            if let Some((_, answer)) = writing.as_mut() {
                answer.extend_from_slice(chunk);
                if answer.ends_with(READY)
                    && let Some((statement, answer)) = writing.take()
                {
                    lock(tape).known.insert(statement, Arc::new(answer));
                }
            }
        }
        client.write_all(chunk)?;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn length_of(bytes: [u8; 4]) -> Result<usize> {
    usize::try_from(u32::from_be_bytes(bytes)).context("read a length")
}
