//! A feed host that answers as it is told and remembers what it was asked.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Duration, Instant, sleep};

/// How long a request is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request as it came over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// `GET /feed`.
    pub(crate) line: String,
    /// All headers, names as sent.
    pub(crate) headers: Vec<(String, String)>,
    /// When.
    pub(crate) at: Instant,
}

impl Asked {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// `/feed`.
    pub(crate) fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap()
    }
}

/// What is written back, piece by piece with pauses between; the connection is closed after.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply(Vec<(Duration, Vec<u8>)>);

impl Reply {
    /// Bytes as they are.
    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self(vec![(Duration::ZERO, bytes.into())])
    }

    /// A status and headers, without body.
    pub(crate) fn bare(status: u16, headers: &[(&str, &str)]) -> Self {
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        Self::raw(format!("HTTP/1.1 {status} Said\r\n{lines}Content-Length: 0\r\nConnection: close\r\n\r\n"))
    }

    /// A document.
    pub(crate) fn ok(headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let mut bytes =
            format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len())
                .into_bytes();
        bytes.extend(body);
        Self::raw(bytes)
    }

    /// Nothing more for so long.
    pub(crate) fn then_wait(mut self, pause: Duration) -> Self {
        self.0.push((pause, Vec::new()));
        self
    }

    /// These bytes after a pause.
    pub(crate) fn then(mut self, pause: Duration, bytes: impl Into<Vec<u8>>) -> Self {
        self.0.push((pause, bytes.into()));
        self
    }

    /// The same after a pause.
    pub(crate) fn after(self, pause: Duration) -> Self {
        Self([vec![(pause, Vec::new())], self.0].concat())
    }
}

/// A host on loopback: each of 127.0.0.0/8 is one.
pub(crate) struct Server {
    port: u16,
    asked: watch::Sender<Vec<Asked>>,
    most_at_once: Arc<Mutex<(usize, usize)>>,
}

impl Server {
    /// Answers each request by the function.
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = watch::Sender::default();
        let most_at_once: Arc<Mutex<(usize, usize)>> = Arc::default();
        let (log, count, answer) = (asked.clone(), Arc::clone(&most_at_once), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, count, answer) = (log.clone(), Arc::clone(&count), Arc::clone(&answer));
                tokio::spawn(async move {
                    let _ = serve(stream, &log, &count, &*answer).await;
                });
            }
        });
        Self { port, asked, most_at_once }
    }

    /// An address on this host.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// `name:port`, as hosts are counted.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.borrow().clone()
    }

    /// Waits until so much was asked.
    pub(crate) async fn hears(&self, count: usize) {
        let mut asked = self.asked.subscribe();
        let heard = tokio::time::timeout(PATIENCE, asked.wait_for(|asked| asked.len() >= count)).await;
        assert!(heard.is_ok(), "waited {PATIENCE:?} in vain for {count} requests");
    }

    /// The most requests that were open at once.
    pub(crate) fn most_at_once(&self) -> usize {
        self.most_at_once.lock().unwrap().1
    }
}

async fn serve(
    mut stream: TcpStream,
    log: &watch::Sender<Vec<Asked>>,
    count: &Mutex<(usize, usize)>,
    answer: &(dyn Fn(&Asked) -> Reply + Send + Sync),
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head: String = head.iter().map(|byte| char::from(*byte)).collect();
    let mut lines = head.lines();
    let line = lines.next().unwrap_or_default().to_owned();
    let headers =
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_owned(), value.to_owned()));
    let asked = Asked { line, headers: headers.collect(), at: Instant::now() };
    {
        let mut count = count.lock().unwrap();
        count.0 += 1;
        count.1 = count.1.max(count.0);
    }
    log.send_modify(|log| log.push(asked.clone()));
    let written = write(&mut stream, answer(&asked)).await;
    count.lock().unwrap().0 -= 1;
    written
}

async fn write(stream: &mut TcpStream, reply: Reply) -> std::io::Result<()> {
    for (pause, bytes) in reply.0 {
        sleep(pause).await;
        stream.write_all(&bytes).await?;
        stream.flush().await?;
    }
    stream.shutdown().await
}
