//! What every store must do, told against `dyn Store`; a new store adds a module at the end of this file.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "that is how a test fails")]

mod feeds;
mod outbox;
mod replacement;
mod state;
mod support;

/// The table of contents: makes a test of every function named here, for states that `$state` makes.
macro_rules! contract {
    ($state:expr) => {
        contract! { $state;
            state {
                a_new_state_has_an_id_of_eight_hex_digits_that_stays
                facts_of_the_state_are_kept
                what_was_learnt_of_a_destination_is_kept
                hosts_come_and_go_with_completions
                counters_count_what_was_written
                everything_is_there_after_opening_again
            }
            feeds {
                nothing_is_due_before_the_first_sync
                an_unknown_feed_is_due_at_once_and_its_key_id_is_its_id
                feeds_are_claimed_oldest_first_and_at_most_so_many
                a_claimed_feed_is_nobody_elses
                due_says_which_feeds_are_claimed
                pollable_are_feeds_that_are_polled_at_all
                a_completed_feed_is_due_when_its_row_says
                a_released_feed_is_due_again_and_nothing_is_written
                a_stale_completion_is_refused_and_writes_nothing
                a_completion_of_a_removed_feed_is_refused
                a_completion_leaves_the_seen_set_alone_unless_it_brings_one
                a_disabled_or_paused_feed_is_never_due
                a_pause_during_a_poll_outlives_the_completion
                a_removed_feed_is_kept_a_year_and_comes_back_as_it_was
                feeds_are_read_by_pages
                a_renamed_feed_keeps_row_seen_set_contacts_and_rows
                a_new_feed_under_a_former_name_makes_other_keys
                claims_survive_a_sync_that_keeps_their_feed
            }
            outbox {
                rows_come_in_the_order_of_the_completions
                claimed_rows_are_in_doubt_and_carry_their_edition
                a_claim_takes_the_first_rows_of_each_destination
                deferred_rows_wait_and_hold_up_nothing
                a_destination_that_is_paused_or_backing_off_yields_nothing
                each_outcome_does_what_it_says
                a_row_that_is_not_there_is_ignored
                what_was_read_while_it_waited_is_not_settled_once_it_may_have_been_sent
                the_last_16_acknowledged_rows_are_kept_for_ten_minutes
                an_edition_is_kept_as_long_as_a_row_refers_to_it
                an_edition_that_a_row_refers_to_is_not_written_over
                another_feeds_copy_is_kept_from_the_destination
                a_template_makes_no_more_destinations_than_it_may_whatever_the_feed
                waiting_counts_what_is_there
                a_newcomer_is_a_feed_whose_first_contact_is_not_done
                dead_rows_do_not_count_and_can_be_revived
                a_dead_row_that_is_revived_begins_anew
                what_a_row_publishes_can_be_read_while_it_is_there
                sequences_go_up_even_when_all_rows_are_gone
            }
            replacement {
                a_waiting_row_is_replaced_in_place
                a_replacement_is_not_held_up_longer_than_what_it_replaces
                what_was_replaced_cannot_be_settled_any_more
                an_older_revision_does_not_replace_a_newer_one
                a_retraction_replaces_a_waiting_publication
                a_row_that_may_be_on_its_way_is_not_touched
                a_lost_row_gives_its_place_to_the_newer_revision
                an_older_row_never_goes_out_after_a_newer_one
                a_dead_row_is_superseded_by_a_newer_revision
                a_newer_row_does_not_move_before_one_that_may_be_on_the_node
                a_revived_row_joins_an_older_one_that_waits
                a_moved_row_comes_behind_those_that_wait_there
                a_row_that_is_placed_again_among_older_ones_comes_after_them
            }
        }
    };
    ($state:expr; $($module:ident { $($test:ident)* })*) => {$($(
        #[tokio::test]
        async fn $test() {
            crate::$module::$test(&$state).await;
        }
    )*)*};
}

/// The default store, in a folder of its own.
mod redb {
    use std::sync::Arc;

    use async_trait::async_trait;
    use tempfile::TempDir;
    use tidings::store::{RedbStore, Store};

    use crate::support::State;

    struct Folder(TempDir);

    #[async_trait]
    impl State for Folder {
        async fn open(&self) -> Arc<dyn Store> {
            Arc::new(RedbStore::open(&self.0.path().join("state.redb")).unwrap())
        }
    }

    contract!(Folder(tempfile::tempdir().unwrap()));
}
