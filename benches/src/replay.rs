//! What we sent on a stream, written down on the way, and sent again by a client that does nothing else.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::client::Client;
use crate::prosody::Prosody;

/// A proxy that writes down what the client says.
pub(crate) struct Recorder {
    address: String,
    said: Arc<Mutex<Vec<u8>>>,
}

impl Recorder {
    pub(crate) async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let said = Arc::new(Mutex::new(Vec::new()));
        let (server, notes) = (server.to_owned(), said.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (mut from, mut back) = client.into_split();
                let (mut answers, mut to) = TcpStream::connect(&server).await.unwrap().into_split();
                tokio::spawn(async move { tokio::io::copy(&mut answers, &mut back).await });
                let notes = notes.clone();
                tokio::spawn(async move {
                    let mut buffer = vec![0; 1 << 16];
                    while let Ok(bytes @ 1..) = from.read(&mut buffer).await {
                        notes.lock().unwrap().extend_from_slice(&buffer[..bytes]);
                        to.write_all(&buffer[..bytes]).await.unwrap();
                    }
                });
            }
        });
        Self { address, said }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What was said after the resource was bound, the farewell left out.
    pub(crate) fn recording(&self) -> Recording {
        let said = String::from_utf8(self.said.lock().unwrap().clone()).unwrap();
        let bind = said.find("urn:ietf:params:xml:ns:xmpp-bind").expect("a resource was bound");
        let start = bind + said[bind..].find("</iq>").unwrap() + "</iq>".len();
        let end = said.rfind("</stream:stream>").unwrap_or(said.len());
        Recording(said[start..end].to_owned())
    }
}

/// Stanzas.
pub(crate) struct Recording(String);

impl Recording {
    /// How long it is.
    pub(crate) fn bytes(&self) -> usize {
        self.0.len()
    }

    /// How many requests to publish there are.
    pub(crate) fn publishes(&self) -> usize {
        self.0.matches("<publish ").count()
    }

    /// How many requests there are, each of which is answered.
    fn requests(&self) -> usize {
        let stanzas = self.0.split("<iq ").skip(1);
        stanzas.filter(|stanza| !stanza.split('>').next().unwrap().contains("result")).count()
    }
}

/// Logs in, sends everything at once and waits for all answers; how long that took.
pub(crate) async fn replay(prosody: &Prosody, recording: &Recording) -> Duration {
    let began = Instant::now();
    let mut client = Client::login(prosody, "bot").await;
    client.say(recording.0.clone());
    client.wait_for("<iq ", recording.requests()).await;
    began.elapsed()
}
