//! A TCP proxy in front of a server that loses, swallows or forges what passes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};

/// What happens to bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// They pass.
    Pass,
    /// They vanish, and nobody is told: a cable is cut, a firewall forgot the connection.
    Swallow,
    /// Connections are closed.
    Close,
}

/// The proxy. It ends with the test's runtime.
pub struct Proxy {
    address: String,
    mood: watch::Sender<Mood>,
    shared: Arc<Shared>,
}

struct Shared {
    /// How many bytes may still go to the server before the connection is cut.
    budget: AtomicI64,
    /// What begins the bytes that are counted, and how many of them pass; for plain streams.
    trap: std::sync::Mutex<Option<(String, usize)>>,
    /// Where the newest connection's client is written to.
    client: Mutex<Option<OwnedWriteHalf>>,
}

impl Proxy {
    /// Starts it in front of a server.
    pub async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared =
            Arc::new(Shared { budget: AtomicI64::new(i64::MAX), trap: Default::default(), client: Mutex::default() });
        let mood = watch::Sender::new(Mood::Pass);
        tokio::spawn(accept(listener, server.to_owned(), mood.subscribe(), shared.clone()));
        Self { address, mood, shared }
    }

    /// Where clients connect to.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Changes what happens to bytes, of the connections that there are too.
    pub fn be(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// Cuts the connection once so many more bytes went to the server.
    pub fn cut_after(&self, bytes: u32) {
        self.shared.budget.store(i64::from(bytes), Relaxed);
    }

    /// Cuts the connection once so many bytes from the next occurrence of a text on went to the server; on a plain stream.
    pub fn cut_in(&self, text: &str, bytes: usize) {
        *self.shared.trap.lock().unwrap() = Some((text.to_owned(), bytes));
    }

    /// Whether the text was seen.
    pub fn has_cut(&self) -> bool {
        self.shared.trap.lock().unwrap().is_none()
    }

    /// Writes to the client as if the server had; only sensible on a plain stream.
    pub async fn inject(&self, text: &str) {
        let mut client = self.shared.client.lock().await;
        // The client may hang up on what it gets before it has all of it.
        let _ = client.as_mut().expect("nobody is connected").write_all(text.as_bytes()).await;
    }
}

impl Shared {
    /// How many bytes may still pass when these hold the text that is waited for.
    fn sprung(&self, bytes: &[u8]) -> Option<i64> {
        let mut trap = self.trap.lock().unwrap();
        let (text, left) = trap.as_ref()?;
        let at = bytes.windows(text.len()).position(|window| window == text.as_bytes())?;
        let left = (at + left).max(1);
        *trap = None;
        i64::try_from(left).ok()
    }
}

async fn accept(listener: TcpListener, server: String, mood: watch::Receiver<Mood>, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let (server, mood, shared) = (server.clone(), mood.clone(), shared.clone());
        tokio::spawn(async move {
            let mut closed = mood.clone();
            tokio::select! {
                _ = pass(client, &server, &mood, &shared) => {}
                _ = closed.wait_for(|mood| *mood == Mood::Close) => {}
            }
            shared.client.lock().await.take();
        });
    }
}

async fn pass(client: TcpStream, server: &str, mood: &watch::Receiver<Mood>, shared: &Shared) -> io::Result<()> {
    let (from_server, to_server) = TcpStream::connect(server).await?.into_split();
    let (from_client, to_client) = client.into_split();
    *shared.client.lock().await = Some(to_client);
    tokio::select! {
        ended = upstream(from_client, to_server, mood, shared) => ended,
        ended = downstream(from_server, mood, shared) => ended,
    }
}

async fn upstream(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    mood: &watch::Receiver<Mood>,
    shared: &Shared,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let mut bytes = client.read(&mut buffer).await?;
        if let Some(left) = shared.sprung(&buffer[..bytes]) {
            shared.budget.store(left, Relaxed);
        }
        if *mood.borrow() == Mood::Pass && bytes > 0 {
            let left = shared.budget.fetch_sub(bytes as i64, Relaxed);
            bytes = bytes.min(usize::try_from(left).unwrap_or(0));
            server.write_all(&buffer[..bytes]).await?;
        }
        if bytes == 0 || shared.budget.load(Relaxed) <= 0 {
            shared.budget.store(i64::MAX, Relaxed);
            return Ok(());
        }
    }
}

async fn downstream(mut server: OwnedReadHalf, mood: &watch::Receiver<Mood>, shared: &Shared) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let bytes = server.read(&mut buffer).await?;
        if bytes == 0 {
            return Ok(());
        }
        if *mood.borrow() == Mood::Pass
            && let Some(client) = shared.client.lock().await.as_mut()
        {
            client.write_all(&buffer[..bytes]).await?;
        }
    }
}
