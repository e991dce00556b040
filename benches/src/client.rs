//! A raw client: logs in, says what it is told to, and looks for words in what it hears.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::prosody::{DOMAIN, Prosody};

/// How long an answer is waited for, or many that were asked for at once.
const LIMIT: Duration = Duration::from_secs(120);

/// A bound stream.
pub(crate) struct Client {
    from: OwnedReadHalf,
    to: UnboundedSender<String>,
    heard: Vec<u8>,
}

impl Client {
    /// Logs in with the password `secret` and binds a resource.
    pub(crate) async fn login(prosody: &Prosody, name: &str) -> Self {
        let stream = TcpStream::connect(prosody.address()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (from, mut out) = stream.into_split();
        let (to, mut words) = unbounded_channel::<String>();
        // Written beside the reading: who does not listen is not listened to. The stream stays open as long as the client.
        tokio::spawn(async move {
            while let Some(words) = words.recv().await {
                out.write_all(words.as_bytes()).await.unwrap();
            }
        });
        let mut client = Self { from, to, heard: Vec::new() };
        let header = format!(
            "<stream:stream to='{DOMAIN}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
        );
        let password = data_encoding::BASE64.encode(format!("\0{name}\0secret").as_bytes());
        let auth = format!("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{password}</auth>");
        let bind = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>".to_owned();
        for (words, answer) in
            [(header.clone(), "</stream:features>"), (auth, "<success"), (header, "</stream:features>"), (bind, "<iq ")]
        {
            client.say(words);
            client.wait_for(answer, 1).await;
        }
        client
    }

    /// Says something, and goes on at once.
    pub(crate) fn say(&self, words: String) {
        self.to.send(words).unwrap();
    }

    /// Reads until a text came so many times; what came before is forgotten.
    pub(crate) async fn wait_for(&mut self, text: &str, count: usize) {
        let heard = timeout(LIMIT, self.hear(text, count)).await;
        assert!(heard.is_ok(), "waited {LIMIT:?} in vain for {count} × {text}");
    }

    async fn hear(&mut self, text: &str, mut count: usize) {
        let text = text.as_bytes();
        let mut buffer = vec![0; 1 << 16];
        loop {
            while let Some(at) = self.heard.windows(text.len()).position(|window| window == text) {
                self.heard.drain(..at + text.len());
                count -= 1;
                if count == 0 {
                    return;
                }
            }
            let keep = self.heard.len().min(text.len() - 1);
            self.heard.drain(..self.heard.len() - keep);
            let bytes = self.from.read(&mut buffer).await.unwrap();
            assert!(bytes > 0, "the server closed the stream");
            self.heard.extend_from_slice(&buffer[..bytes]);
        }
    }
}
