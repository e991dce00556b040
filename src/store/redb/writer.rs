//! The one writer, as those who have something to write see it: a queue of commands, each answered after its commit.
//!
//! The queue has no bound of its own: who queues waits for the answer, so it is as long as there are callers.

use std::sync::mpsc::{self, SendError, Sender};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use super::batch::Batch;
use super::desk::Desk;
use super::fault::Fault;

/// The handle of the writer. Dropping it waits until everything queued is written.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(desk: Desk) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel();
        let thread = thread::Builder::new().name("store".to_owned()).spawn(move || desk.run(&jobs))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Writes something, soon or, where nobody waits for it, in company. `finally` is told the outcome on the writer's thread,
    /// even when nobody waits any longer.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        haste: Haste,
        write: impl FnOnce(&mut Batch<'_>) -> Result<T, Fault> + Send + 'static,
        finally: impl FnOnce(&Result<T, Fault>) + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, outcome) = oneshot::channel();
        self.queue(Box::new(Task { haste, write: Some(write), written: None, finally, answer }));
        outcome.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Makes the writer look whether the database still works after a fault of a reader, and open it again if not.
    pub(super) fn nudge(&self, fault: &Fault) {
        self.queue(Box::new(Nudge(fault.clone())));
    }

    fn queue(&self, job: Box<dyn Job>) {
        if let Some(Err(SendError(job))) = self.queue.as_ref().map(|queue| queue.send(job)) {
            job.answer(&Err(stopped()));
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has answered nobody; there is nothing left to say here.
            let _ = thread.join();
        }
    }
}

fn stopped() -> Fault {
    Fault::Io("its writer has stopped".to_owned())
}

/// Whether a command is written soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Haste {
    /// Somebody waits for it, or something is to be sent.
    Soon,
    /// With others, when the store is patient.
    InCompany,
}

/// A command in the queue.
pub(super) trait Job: Send {
    fn haste(&self) -> Haste {
        Haste::Soon
    }

    /// Writes into the transaction. An error fails the transaction; a refusal is the command's own.
    fn write(&mut self, batch: &mut Batch<'_>) -> Result<(), Fault>;

    /// The transaction is over.
    fn answer(self: Box<Self>, outcome: &Result<(), Fault>);
}

struct Task<T, W, F> {
    haste: Haste,
    write: Option<W>,
    written: Option<Result<T, Fault>>,
    finally: F,
    answer: oneshot::Sender<Result<T, Fault>>,
}

impl<T: Send, W, F> Job for Task<T, W, F>
where
    W: FnOnce(&mut Batch<'_>) -> Result<T, Fault> + Send,
    F: FnOnce(&Result<T, Fault>) + Send,
{
    fn haste(&self) -> Haste {
        self.haste
    }

    fn write(&mut self, batch: &mut Batch<'_>) -> Result<(), Fault> {
        let Some(write) = self.write.take() else { return Ok(()) };
        match write(batch) {
            Err(fault) if !matches!(fault, Fault::Stale(_)) => Err(fault),
            written => {
                self.written = Some(written);
                Ok(())
            }
        }
    }

    fn answer(self: Box<Self>, outcome: &Result<(), Fault>) {
        let written = match (outcome, self.written) {
            (Err(fault), Some(Ok(_)) | None) => Err(fault.clone()),
            (_, Some(written)) => written,
            (Ok(()), None) => Err(stopped()),
        };
        (self.finally)(&written);
        // Nobody may be waiting any longer.
        let _ = self.answer.send(written);
    }
}

struct Nudge(Fault);

impl Job for Nudge {
    fn write(&mut self, _batch: &mut Batch<'_>) -> Result<(), Fault> {
        // Damage that a reader met is nothing that the writer would find by itself.
        if matches!(self.0, Fault::Damaged(_)) { Err(self.0.clone()) } else { Ok(()) }
    }

    fn answer(self: Box<Self>, _outcome: &Result<(), Fault>) {}
}
