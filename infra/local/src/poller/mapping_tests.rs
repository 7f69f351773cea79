use std::time::Duration;

use serde_json::json;

use super::*;
use crate::filter::Filter;

fn mapping() -> Mapping {
    Mapping {
        function: "projector".to_owned(),
        batch_size: 100,
        batching_window: Duration::ZERO,
        parallelization_factor: 2,
        bisect_on_error: false,
        retry_limit: Some(3),
        record_age_limit: Some(Duration::from_secs(60)),
        reports_item_failures: true,
        filter: Filter::default(),
        keeps_discarded: true,
    }
}

fn record(number: usize) -> Record {
    Record {
        sequence_number: SequenceNumber(number.to_string()),
        partition_key: format!("stream-{}", number % 5),
        created_at: DateTime::UNIX_EPOCH,
        json: json!({}),
    }
}

fn batch(numbers: impl IntoIterator<Item = usize>) -> Batch {
    Batch { records: numbers.into_iter().map(record).collect(), retries: 0 }
}

fn sequence(numbers: impl IntoIterator<Item = usize>) -> Vec<SequenceNumber> {
    numbers.into_iter().map(|number| SequenceNumber(number.to_string())).collect()
}

fn failing(identifiers: &[&str]) -> Value {
    let failures: Vec<Value> =
        identifiers.iter().map(|identifier| json!({"itemIdentifier": identifier})).collect();
    json!({"batchItemFailures": failures})
}

#[test]
fn the_lowest_reported_number_is_the_checkpoint_and_everything_from_it_comes_again() {
    let outcome = outcome(&failing(&["105", "98"]), &batch(95..110), &mapping());
    assert_eq!(
        outcome,
        Outcome::FailedFrom(SequenceNumber("98".to_owned())),
        "by value, not by digits"
    );
    let next = next(batch(95..110), &outcome, &mapping());
    assert_eq!(next.done, sequence(95..98));
    assert_eq!(next.again, [Batch { retries: 1, ..batch(98..110) }]);
}

#[test]
fn an_empty_answer_is_success() {
    for answer in [
        json!(null),
        json!({}),
        json!({"batchItemFailures": null}),
        json!({"batchItemFailures": []}),
    ] {
        assert_eq!(outcome(&answer, &batch(1..4), &mapping()), Outcome::Done, "{answer}");
    }
}

#[test]
fn an_empty_or_unknown_identifier_fails_the_whole_batch() {
    let misnamed = json!({"batchItemFailures": [{"ItemIdentifier": "2"}]});
    for answer in [
        failing(&[""]),
        failing(&["2", "77"]),
        misnamed,
        json!("done"),
        json!({"batchItemFailures": "2"}),
    ] {
        assert_eq!(outcome(&answer, &batch(1..4), &mapping()), Outcome::Failed, "{answer}");
    }
}

#[test]
fn a_mapping_without_partial_failures_takes_any_answer_for_success() {
    let mapping = Mapping { reports_item_failures: false, ..mapping() };
    assert_eq!(outcome(&failing(&["2"]), &batch(1..4), &mapping), Outcome::Done);
}

/// Delivers `batch` to a function that fails on any batch with a poison record.
fn deliver(
    batch: Batch,
    poison: &SequenceNumber,
    mapping: &Mapping,
) -> (Vec<SequenceNumber>, Vec<Batch>, usize) {
    let (mut pending, mut done, mut discarded, mut back_offs) =
        (vec![batch], Vec::new(), Vec::new(), 0);
    while let Some(batch) = pending.pop() {
        let poisoned = batch.records.iter().any(|record| record.sequence_number == *poison);
        let next = next(batch, if poisoned { &Outcome::Failed } else { &Outcome::Done }, mapping);
        done.extend(next.done);
        discarded.extend(next.discarded);
        back_offs += usize::from(next.back_off);
        pending.extend(next.again.into_iter().rev());
    }
    (done, discarded, back_offs)
}

#[test]
fn bisecting_isolates_one_poison_record_and_uses_up_no_retries() {
    let mapping = Mapping { bisect_on_error: true, ..mapping() };
    let (done, discarded, back_offs) =
        deliver(batch(0..500), &SequenceNumber("123".to_owned()), &mapping);
    assert_eq!(
        done,
        sequence((0..500).filter(|number| *number != 123)),
        "the others are done, in order"
    );
    assert_eq!(
        discarded,
        [Batch { retries: 3, ..batch([123]) }],
        "all three retries were left to the record itself"
    );
    assert_eq!(back_offs, 3);
}

#[test]
fn without_bisecting_the_whole_batch_is_given_up_and_the_shard_goes_on() {
    let (done, discarded, _) = deliver(batch(0..10), &SequenceNumber("4".to_owned()), &mapping());
    assert_eq!(done, []);
    assert_eq!(discarded, [Batch { retries: 3, ..batch(0..10) }]);
}

#[test]
fn progress_before_a_reported_failure_is_a_split_where_bisecting_is_on() {
    let mapping = Mapping { bisect_on_error: true, ..mapping() };
    let from_two = Outcome::FailedFrom(SequenceNumber("2".to_owned()));
    let first = next(batch(1..4), &from_two, &mapping);
    assert_eq!(first.again, [batch(2..4)], "no retry was used");
    let second = next(batch(2..4), &from_two, &mapping);
    assert_eq!(
        second.again,
        [Batch { retries: 1, ..batch(2..4) }],
        "without progress it is a retry"
    );
}

#[test]
fn without_a_limit_a_batch_is_retried_for_ever() {
    let mapping = Mapping { retry_limit: None, ..mapping() };
    let tried = Batch { retries: 1_000_000, ..batch([1]) };
    assert_eq!(next(tried, &Outcome::Failed, &mapping).discarded, None);
}

#[test]
fn records_older_than_the_limit_are_given_up_and_the_others_delivered() {
    let mut mixed = batch(1..4);
    for record in &mut mixed.records {
        record.created_at = Utc::now();
    }
    mixed.records[0].created_at -= Duration::from_secs(61);
    let expired = take_expired(&mut mixed, Utc::now(), &mapping()).expect("one is too old");
    assert_eq!(numbers(&expired.records), sequence([1]));
    assert_eq!(numbers(&mixed.records), sequence([2, 3]));

    let endless = Mapping { record_age_limit: None, ..mapping() };
    expired.records.iter().for_each(|record| {
        assert!(
            take_expired(
                &mut Batch { records: vec![record.clone()], retries: 0 },
                Utc::now(),
                &endless
            )
            .is_none()
        )
    });
}

#[test]
fn records_of_one_partition_key_share_a_lane_and_the_lanes_are_all_used() {
    let lanes: Vec<usize> = (0..100).map(|number| lane_of(&record(number), 2)).collect();
    for number in 5..100 {
        assert_eq!(lanes[number], lanes[number % 5]);
    }
    assert!(lanes.contains(&0) && lanes.contains(&1));
}
