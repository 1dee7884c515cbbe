//! The bare proxy: tokio's own copy in both directions and nothing else, in a process of its own. What it costs is what
//! any proxy on this runtime costs before it reads a byte.

use anyhow::{Context, Result};
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpStream};

/// Large: with the default of 8 KiB a large result takes nearly twice the processor, which would be too easy a peer.
const BUFFER_BYTES: usize = 64 * 1024;

pub fn run(listen: u16, target: u16) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("start the runtime")?;
    runtime.block_on(async move {
        let listener = TcpListener::bind(("127.0.0.1", listen)).await.context("listen")?;
        loop {
            let (client, _) = listener.accept().await.context("accept")?;
            tokio::spawn(async move {
                // Whoever leaves first ends both; there is nobody to tell.
                _ = carry(client, target).await;
            });
        }
    })
}

async fn carry(mut client: TcpStream, target: u16) -> Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", target)).await.context("connect")?;
    client.set_nodelay(true).context("send at once")?;
    server.set_nodelay(true).context("send at once")?;
    copy_bidirectional_with_sizes(&mut client, &mut server, BUFFER_BYTES, BUFFER_BYTES)
        .await
        .context("copy")?;
    Ok(())
}
