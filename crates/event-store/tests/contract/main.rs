//! What the event store promises, on every engine that there is: `dynoxide` inside this process,
//! and AWS's own DynamoDB Local where `DYNAMODB_LOCAL` names its folder (`make dynamodb-local`).

mod commands;
mod commits;
mod counter;
mod engine;
mod expiry;
mod long_lived;
mod memory;
mod plain;

use engine::Engine;

/// The suite: each promise is a test of its own on `dynoxide`, and all of them are one test on
/// DynamoDB Local, as its Java machine takes a while to start.
macro_rules! promises {
    ($($module:ident :: $promise:ident),+ $(,)?) => {
        mod on_dynoxide {
            $(
                #[tokio::test]
                async fn $promise() {
                    let engine = super::Engine::dynoxide().await.unwrap();
                    super::$module::$promise(&engine).await.unwrap();
                }
            )+
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn all_of_it_holds_on_dynamodb_local() {
            let Some(engine) = Engine::dynamodb_local().await.unwrap() else {
                eprintln!("DYNAMODB_LOCAL names no folder: see `make dynamodb-local`");
                return;
            };
            $(
                let table = engine.another_table().await.unwrap();
                // on the heap: one after the other they would not fit on the stack
                let held = Box::pin($module::$promise(&table)).await;
                held.unwrap_or_else(|error| panic!("{}: {error:?}", stringify!($promise)));
            )+
        }
    };
}

promises! {
    memory::a_scan_goes_on_from_a_page_of_requests,
    commits::a_commit_is_read_back_as_it_was_appended,
    commits::a_place_in_a_stream_is_taken_once,
    commits::an_item_beyond_400_kb_is_too_large,
    commits::a_transaction_lands_whole_or_not_at_all,
    commits::a_stream_longer_than_a_page_is_read_whole,
    commits::a_commit_that_cannot_be_read_does_not_hide_the_others,
    commits::a_record_of_the_stream_gives_the_commit,
    commits::what_is_done_to_a_commit_later_is_told_as_what_it_is,
    commits::a_beat_is_no_commit,
    commits::the_newest_versions_are_had_for_half_of_what_reading_all_costs,
    commands::a_warm_command_costs_one_write_and_no_read,
    commands::a_new_stream_costs_one_write_and_no_read,
    commands::a_long_stream_is_loaded_in_a_bounded_number_of_reads,
    commands::a_snapshot_of_another_shape_is_not_trusted,
    commands::a_retry_gets_the_first_answer,
    commands::a_retry_finds_its_answer_behind_a_snapshot,
    commands::the_same_request_twice_at_once_has_one_effect,
    commands::a_key_is_not_used_for_another_request,
    commands::a_refusal_is_decided_on_the_latest_state,
    commands::a_command_on_another_version_is_refused,
    commands::of_many_racing_commands_none_is_lost,
    commands::a_key_is_kept_also_where_nothing_changes,
    commands::what_is_not_visible_shows_nothing,
    commands::a_remembered_state_that_no_append_proves_is_read_again,
    expiry::all_commits_of_a_stream_and_its_snapshot_expire_together,
    expiry::a_stream_whose_time_is_over_is_gone_also_while_it_is_there,
    expiry::a_stream_without_its_beginning_is_gone_and_never_half_a_state,
    long_lived::it_is_loaded_by_two_reads_whatever_its_length,
    long_lived::a_snapshot_that_was_lost_is_remade,
    long_lived::a_snapshot_of_what_was_before_is_not_trusted,
    long_lived::a_snapshot_of_commits_that_are_not_there_is_not_trusted,
    long_lived::pages_come_where_there_is_no_snapshot,
    memory::a_retry_finds_its_answer_on_an_old_page,
    memory::a_key_on_an_old_page_is_looked_up_in_a_bounded_number_of_reads,
    memory::a_key_is_known_for_a_day_however_much_came_since,
    memory::a_page_is_written_by_whoever_fills_it,
    memory::a_key_is_not_taken_for_another_with_the_same_mark,
    memory::a_snapshot_of_another_shape_is_remade_by_the_first_who_meets_it,
    memory::a_commands_own_commit_is_no_replay,
    plain::what_is_plain_and_personal_is_rewritten_with_the_commit_that_asks_for_it,
    plain::more_than_a_transaction_takes_is_rewritten_before_it,
    plain::what_was_rewritten_meanwhile_is_read_again,
    plain::a_snapshot_that_was_taken_out_meanwhile_does_not_come_back,
    plain::nothing_is_rewritten_for_what_is_refused_on_the_latest_state,
}
