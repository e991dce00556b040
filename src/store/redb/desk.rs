//! The writer's thread: takes what is queued, writes it in one transaction, answers when it is committed.
//!
//! While one group is on its way to the disk, the next one gathers: many feeds or many acknowledgements per fsync.
//! After an error of the disk the database is closed and opened again; what was in the failed transaction is in doubt,
//! and the memory that goes with the tables is read again.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

use super::Shared;
use super::batch::Batch;
use super::fault::{Fault, contain};
use super::ledger::Ledger;
use super::tables::Tables;
use super::writer::{Haste, Job};

/// The most commands in one transaction.
const GROUP: usize = 256;
/// How long a writer that is busy waits for company.
const LINGER: Duration = Duration::from_millis(4);
/// How long a database that failed twice in a row stays closed; doubled with each further failure, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 1000 });
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What the thread works with.
pub(super) struct Desk {
    shared: Arc<Shared>,
    ledger: Ledger,
    /// Transactions and attempts to open that failed since the last commit.
    failures: u32,
}

impl Desk {
    pub(super) fn new(shared: Arc<Shared>, ledger: Ledger) -> Self {
        Self { shared, ledger, failures: 0 }
    }

    /// Until the queue is closed.
    pub(super) fn run(mut self, queue: &Receiver<Box<dyn Job>>) {
        let mut is_busy = false;
        while let Ok(first) = queue.recv() {
            if is_busy {
                thread::sleep(LINGER);
            }
            let mut jobs = vec![first];
            jobs.extend(queue.try_iter().take(GROUP - 1));
            is_busy = jobs.len() > 1;
            self.wait_for_company(&mut jobs, queue);
            let began = Instant::now();
            let outcome = contain(|| self.commit(&mut jobs));
            self.shared.count(jobs.len(), began.elapsed(), outcome.is_ok());
            let reopened = outcome.as_ref().err().map_or(Ok(()), |fault| self.note_failure(fault));
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

    /// While nothing in the group is urgent, others may join it for as long as the store is patient.
    fn wait_for_company(&self, jobs: &mut Vec<Box<dyn Job>>, queue: &Receiver<Box<dyn Job>>) {
        let until = Instant::now() + self.shared.patience();
        while jobs.len() < GROUP && jobs.iter().all(|job| job.haste() == Haste::InCompany) && Instant::now() < until {
            thread::sleep(LINGER);
            jobs.extend(queue.try_iter().take(GROUP - jobs.len()));
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

    /// Opens the database again at once after the first failure; after others it stays closed for a while. One that seems to
    /// be damaged is read from end to end. A disk that is full has a little room left the first time.
    fn note_failure(&mut self, fault: &Fault) -> Result<(), Fault> {
        if matches!(fault, Fault::Full(_)) && self.shared.reserve.give_up() {
            return self.reopen(false);
        }
        self.failures += 1;
        let state = self.shared.path.display();
        match fault {
            Fault::Damaged(why) => tracing::error!(%state, why, "the state does not make sense; reading all of it"),
            _ if self.failures > 1 => {
                self.shared.set_database(None);
                return Err(fault.clone());
            }
            _ => tracing::error!(%state, ?fault, "the state cannot be written"),
        }
        self.reopen(matches!(fault, Fault::Damaged(_)))
    }

    /// Answers every command with the fault until the database opens again; `false` when the store is dropped meanwhile.
    fn stay_closed(&mut self, queue: &Receiver<Box<dyn Job>>, mut fault: Fault) -> bool {
        loop {
            let until = Instant::now() + (FIRST_PAUSE * (1 << self.failures.min(7)) / 2).min(LONGEST_PAUSE);
            loop {
                match queue.recv_timeout(until.saturating_duration_since(Instant::now())) {
                    Ok(job) => job.answer(&Err(fault.clone())),
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return false,
                }
            }
            match self.reopen(false) {
                Ok(()) => return true,
                Err(again) => fault = again,
            }
            self.failures += 1;
        }
    }

    fn reopen(&mut self, is_suspect: bool) -> Result<(), Fault> {
        // Closed first: a database that is open is locked.
        self.shared.set_database(None);
        let opened = self.shared.open_again(is_suspect);
        if let Err(Fault::Damaged(why)) = &opened {
            self.shared.damage.send_replace(Some(why.clone()));
        }
        let (database, ledger) = opened?;
        self.ledger = ledger;
        let mut board = self.shared.board();
        board.lines.clear();
        self.ledger.publish(&mut board);
        drop(board);
        self.shared.set_database(Some(database));
        Ok(())
    }
}

fn closed() -> Fault {
    Fault::Io("it is being opened again".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::future::join_all;

    use super::super::crash::{at, completion_of, edition, feed, node, open};
    use super::super::disk::Disk;
    use super::super::fault::Fault;
    use crate::store::{Completion, Due, FeedSync, NodeFacts, Store, StoreError};

    #[tokio::test]
    async fn what_comes_together_shares_a_commit() {
        let store = open(&Disk::default()).unwrap();
        let before = store.counters();
        let names = (0..200).map(|n| node(&format!("n{n}")));
        let written = join_all(names.map(|name| store.set_node(name, NodeFacts::default()))).await;
        assert!(written.iter().all(Result::is_ok));
        let after = store.counters();
        assert_eq!(after.commands - before.commands, 200);
        assert!(after.commits - before.commits <= 20, "{after:?}");
        assert_eq!(store.nodes().await.unwrap().len(), 200);
    }

    #[tokio::test]
    async fn polls_without_news_wait_for_company_and_nothing_waits_with_them() {
        let store = open(&Disk::default()).unwrap();
        store.sync_feeds(vec![FeedSync { id: feed(), was: Vec::new(), enabled: true }], at(0)).await.unwrap();
        store.set_patience(Duration::from_secs(600));
        let before = store.counters();
        let claim = store.claim_due(Due::All, at(0), 1).await.unwrap().pop().unwrap();
        let mut poll = store.complete(
            Completion { can_wait: true, editions: Vec::new(), ..completion_of(claim, edition("x", 0), &[]) },
            at(1),
        );
        assert!(futures::poll!(&mut poll).is_pending());
        store.set_node(node("m"), NodeFacts::default()).await.unwrap();
        poll.await.unwrap();
        assert_eq!(store.counters().commits - before.commits, 1);

        let claim = store.claim_due(Due::All, at(0), 1).await.unwrap().pop().unwrap();
        store.complete(completion_of(claim, edition("x", 0), &["n"]), at(1)).await.unwrap();
        assert_eq!(store.counters().commits - before.commits, 2);
    }

    #[tokio::test]
    async fn a_completion_is_written_also_when_its_poller_was_stopped() {
        let store = open(&Disk::default()).unwrap();
        store.sync_feeds(vec![FeedSync { id: feed(), was: Vec::new(), enabled: true }], at(0)).await.unwrap();
        let claim = store.claim_due(Due::All, at(0), 1).await.unwrap().pop().unwrap();
        let mut poll = store.complete(completion_of(claim, edition("x", 0), &["n"]), at(1));
        assert!(futures::poll!(&mut poll).is_pending() || store.next_due().is_some());
        drop(poll);
        // Whatever is written next is written after it.
        store.set_node(node("m"), NodeFacts::default()).await.unwrap();
        assert_eq!(store.outbox().await.unwrap().len(), 1);
        assert_eq!(store.claim_due(Due::All, at(0), 1).await.unwrap().len(), 1, "the claim has ended");
    }

    #[tokio::test]
    async fn what_seems_damaged_is_read_as_a_whole_and_only_then_lost() {
        let disk = Disk::default();
        let store = open(&disk).unwrap();
        let names: Vec<_> = (0..200).map(|n| node(&format!("n{n}"))).collect();
        join_all(names.iter().map(|name| store.set_node(name.clone(), NodeFacts::default()))).await;
        let is_met = || store.read(|_| Err::<(), _>(Fault::damaged("a bit flipped on its way"))).is_err();
        assert!(is_met());
        while store.set_node(node("m"), NodeFacts::default()).await.is_err() {}
        assert!(futures::poll!(store.lost()).is_pending(), "the file is sound");
        assert_eq!(store.nodes().await.unwrap().len(), 201);

        disk.spoil();
        assert!(is_met());
        let lost = tokio::time::timeout(std::time::Duration::from_secs(60), store.lost()).await.unwrap();
        assert!(matches!(lost, StoreError::Lost { .. }), "{lost}");
    }

    #[tokio::test]
    async fn a_state_that_does_not_close_takes_nobody_along() {
        let disk = Disk::default();
        let store = open(&disk).unwrap();
        store.set_node(node("n"), NodeFacts::default()).await.unwrap();
        disk.panic_at_writes();
        drop(store);
    }
}
