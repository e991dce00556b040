//! The one writer: a thread that writes everything that is queued in one transaction, and answers when it is committed.
//!
//! While one group is on its way to the disk, the next one gathers: many feeds or many acknowledgements per fsync.
//! After an error of the disk the database is closed and opened again; what was in the failed transaction is in doubt,
//! and the memory that goes with the tables is read again.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SendError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Shared;
use super::batch::Batch;
use super::fault::{Fault, contain};
use super::ledger::Ledger;
use super::tables::Tables;

/// The most commands in one transaction.
const GROUP: usize = 256;
/// How long a writer that is busy waits for company.
const LINGER: Duration = Duration::from_millis(4);
/// How long a database that failed twice in a row stays closed; doubled with each further failure, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 1000 });
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The handle of the writer. Dropping it waits until everything queued is written.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(shared: Arc<Shared>, ledger: Ledger) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel();
        let desk = Desk { shared, ledger, failures: 0 };
        let thread = thread::Builder::new().name("store".to_owned()).spawn(move || desk.run(&jobs))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Writes something. `finally` is told the outcome on the writer's thread, even when nobody waits any longer.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut Batch<'_>) -> Result<T, Fault> + Send + 'static,
        finally: impl FnOnce(&Result<T, Fault>) + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, outcome) = oneshot::channel();
        self.queue(Box::new(Task { write: Some(write), written: None, finally, answer }));
        outcome.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Makes the writer look whether the database still works, and open it again if not.
    pub(super) fn nudge(&self) {
        self.queue(Box::new(Nudge));
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

/// A command in the queue.
trait Job: Send {
    /// Writes into the transaction. An error fails the transaction; a refusal is the command's own.
    fn write(&mut self, batch: &mut Batch<'_>) -> Result<(), Fault>;

    /// The transaction is over.
    fn answer(self: Box<Self>, outcome: &Result<(), Fault>);
}

struct Task<T, W, F> {
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

struct Nudge;

impl Job for Nudge {
    fn write(&mut self, _batch: &mut Batch<'_>) -> Result<(), Fault> {
        Ok(())
    }

    fn answer(self: Box<Self>, _outcome: &Result<(), Fault>) {}
}

/// What the thread works with.
struct Desk {
    shared: Arc<Shared>,
    ledger: Ledger,
    /// Transactions and attempts to open that failed since the last commit.
    failures: u32,
}

impl Desk {
    fn run(mut self, queue: &Receiver<Box<dyn Job>>) {
        let mut is_busy = false;
        while let Ok(first) = queue.recv() {
            if is_busy {
                thread::sleep(LINGER);
            }
            let mut jobs = vec![first];
            jobs.extend(queue.try_iter().take(GROUP - 1));
            is_busy = jobs.len() > 1;
            let outcome = contain(|| self.commit(&mut jobs));
            let reopened = if outcome.is_err() { self.note_failure(&outcome) } else { Ok(()) };
            for job in jobs {
                job.answer(&outcome);
            }
            if let Err(fault) = reopened
                && !self.stay_closed(queue, fault)
            {
                return;
            }
        }
    }

    fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), Fault> {
        let database = self.shared.database();
        let mut transaction = database.as_ref().ok_or_else(closed)?.begin_write()?;
        // Opens in 10 ms after a kill, whatever the size of the file.
        transaction.set_quick_repair(true);
        let mut batch = Batch::new(Tables::open(&transaction)?, &mut self.ledger);
        for job in jobs {
            job.write(&mut batch)?;
        }
        batch.finish()?;
        transaction.commit()?;
        self.ledger.publish(&mut self.shared.board());
        if std::mem::take(&mut self.failures) > 0 {
            tracing::info!(state = %self.shared.path.display(), "the state can be written again");
        }
        Ok(())
    }

    /// Opens the database again at once after the first failure; after others it stays closed for a while.
    fn note_failure(&mut self, outcome: &Result<(), Fault>) -> Result<(), Fault> {
        self.failures += 1;
        match outcome {
            Err(fault) if self.failures > 1 => {
                self.shared.set_database(None);
                Err(fault.clone())
            }
            _ => {
                tracing::error!(state = %self.shared.path.display(), fault = ?outcome, "the state cannot be written");
                self.reopen()
            }
        }
    }

    /// Answers every command with the fault until the database opens again; `false` when the store is dropped meanwhile.
    fn stay_closed(&mut self, queue: &Receiver<Box<dyn Job>>, mut fault: Fault) -> bool {
        loop {
            let until = Instant::now() + (FIRST_PAUSE * (1 << self.failures.min(6)) / 2).min(LONGEST_PAUSE);
            loop {
                match queue.recv_timeout(until.saturating_duration_since(Instant::now())) {
                    Ok(job) => job.answer(&Err(fault.clone())),
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return false,
                }
            }
            match self.reopen() {
                Ok(()) => return true,
                Err(again) => fault = again,
            }
            self.failures += 1;
        }
    }

    fn reopen(&mut self) -> Result<(), Fault> {
        // Closed first: a database that is open is locked.
        self.shared.set_database(None);
        let (database, ledger) = self.shared.open_again()?;
        self.ledger = ledger;
        let mut board = self.shared.board();
        board.clear();
        self.ledger.publish(&mut board);
        drop(board);
        self.shared.set_database(Some(database));
        Ok(())
    }
}

fn closed() -> Fault {
    Fault::Io("it is being opened again".to_owned())
}
