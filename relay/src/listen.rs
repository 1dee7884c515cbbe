//! Accepts connections and does nothing else: a handshake never runs here, and one peer's slowness is its own.

use crate::connector::{Connector, House};
use crate::crew::Crew;
use crate::dial::tune;
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

const BACKLOG: i32 = 1024;
/// What is waited after the system had no descriptor left, instead of spinning.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug)]
pub struct ListenLimits {
    pub connections: usize,
    pub per_address: usize,
}

/// Call it inside the runtime.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Serves until it is told to stop, then waits for its connections to end.
pub async fn listen(
    listener: TcpListener,
    connector: Arc<dyn Connector>,
    house: Arc<House>,
    crew: Arc<Crew>,
    limits: ListenLimits,
    mut stopping: watch::Receiver<bool>,
) {
    let room = Arc::new(Room::new(limits));
    let mut connections = JoinSet::new();
    let mut starved = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = connections.join_next(), if !connections.is_empty() => continue,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                starved = false;
                if let Some(place) = Room::enter(&room, peer.ip().to_canonical()) {
                    let attended =
                        attend(Arc::clone(&connector), Arc::clone(&house), stream.into_std(), peer, place);
                    crew.carry(&mut connections, attended);
                }
            }
            Err(fault) if is_of_one_peer(&fault) => {}
            Err(fault) => {
                if !starved {
                    tracing::error!(%fault, "no connection can be accepted; raise the limit of open files");
                }
                starved = true;
                tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn attend(
    connector: Arc<dyn Connector>,
    house: Arc<House>,
    stream: io::Result<std::net::TcpStream>,
    peer: SocketAddr,
    place: Place,
) {
    // The thread that carries it takes the socket over from the one that accepted it.
    match stream.and_then(TcpStream::from_std) {
        Ok(stream) => {
            tune(&stream);
            connector.serve(stream, peer, house).await;
        }
        Err(fault) => tracing::error!(%fault, %peer, "a connection could not be taken over"),
    }
    drop(place);
}

/// The peer went away between its packet and our accept.
fn is_of_one_peer(fault: &io::Error) -> bool {
    matches!(
        fault.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

/// How many connections there are, in all and from each address.
pub struct Room {
    limits: ListenLimits,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
    told: bool,
}

impl Room {
    pub fn new(limits: ListenLimits) -> Self {
        Self { limits, taken: Mutex::default() }
    }
    /// A place, given back when it is dropped. None where the room is full: the connection is closed at once.
    pub fn enter(room: &Arc<Room>, address: IpAddr) -> Option<Place> {
        let mut taken = room.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = taken.by_address.get(&address).copied().unwrap_or(0);
        if taken.all >= room.limits.connections || mine >= room.limits.per_address {
            if !taken.told {
                tracing::warn!(%address, all = taken.all, "connections over the limit are closed; see [limits]");
            }
            taken.told = true;
            return None;
        }
        taken.told = false;
        taken.all += 1;
        *taken.by_address.entry(address).or_insert(0) += 1;
        Some(Place { room: Arc::clone(room), address })
    }
}

/// One connection's place.
#[must_use = "the place is given back when it is dropped"]
pub struct Place {
    room: Arc<Room>,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.room.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        if let Some(mine) = taken.by_address.get_mut(&self.address) {
            *mine = mine.saturating_sub(1);
            if *mine == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_given_back() {
        let room = Arc::new(Room::new(ListenLimits { connections: 2, per_address: 1 }));
        let (one, two): (IpAddr, IpAddr) = ([127, 0, 0, 1].into(), [127, 0, 0, 2].into());
        let first = Room::enter(&room, one).unwrap();
        assert!(Room::enter(&room, one).is_none(), "one address took two places");
        let second = Room::enter(&room, two).unwrap();
        drop(first);
        assert!(Room::enter(&room, one).is_some());
        drop(second);
        assert!(room.taken.lock().unwrap().by_address.is_empty());
    }
}
