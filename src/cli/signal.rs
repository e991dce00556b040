//! Signals: SIGTERM and the first SIGINT end the work in order, a second SIGINT at once; SIGHUP reloads.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, watch};

use super::exit::Exit;

/// The signals that this process got.
#[derive(Debug, Clone)]
pub struct Signals {
    /// Turns true when the work is to end.
    pub stop: watch::Receiver<bool>,
    /// Notified when the configuration is to be read anew.
    pub reload: Arc<Notify>,
    was_interrupted: Arc<AtomicBool>,
}

impl Signals {
    /// Takes over SIGTERM, SIGINT and SIGHUP. Must be called within a tokio runtime.
    pub fn take_over() -> io::Result<Self> {
        let (stopping, stop) = watch::channel(false);
        let was_interrupted = Arc::new(AtomicBool::new(false));
        let [term, int, hup] = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
        let reload = Arc::new(Notify::new());
        tokio::spawn(watch_for(term?, int?, hup?, stopping, reload.clone(), was_interrupted.clone()));
        Ok(Self { stop, reload, was_interrupted })
    }

    /// How a call ends that was asked to: well, when the service manager asked.
    pub fn exit(&self) -> Exit {
        if self.was_interrupted.load(Ordering::Relaxed) { Exit::Interrupted } else { Exit::Ok }
    }
}

async fn watch_for(
    mut term: Signal,
    mut int: Signal,
    mut hup: Signal,
    stopping: watch::Sender<bool>,
    reload: Arc<Notify>,
    was_interrupted: Arc<AtomicBool>,
) {
    loop {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {
                if was_interrupted.swap(true, Ordering::Relaxed) {
                    std::process::exit(i32::from(Exit::Interrupted as u8));
                }
            }
            _ = hup.recv() => {
                reload.notify_one();
                continue;
            }
        }
        stopping.send_replace(true);
    }
}
