//! What a verifier finds, and what it does not take for a difference.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::lamps::{House, Light, Shelf, labelled, lit, lit_at, poison};
use projection::{
    ApplyError, Checked, Difference, Mismatch, Removal, Removed, StreamId, Timestamp, Verifier,
    Version,
};

fn verifier(house: &House) -> Verifier<Light, Shelf> {
    Verifier::new(house.pool.clone(), Light, house.shelf.clone())
}

async fn verify_all(house: &House) -> Result<Checked, ApplyError> {
    let verifier = verifier(house);
    let mut run = verifier.all().await?;
    let mut all = Checked::default();
    while let Some(checked) = run.next().await? {
        all += checked;
    }
    assert_eq!(all.streams, run.streams());
    Ok(all)
}

/// Three lamps, lit and moved about, and the commits of all three on the shelf.
async fn furnished() -> anyhow::Result<House> {
    let house = House::new().await?;
    let commits = vec![
        lit("a", 1),
        lit_at("a", 2, "attic"),
        lit("b", 1),
        poison("b", 2, "Moved"),
        lit_at("b", 3, "kitchen"),
        lit("c", 1),
    ];
    house.store(commits.clone());
    house.deliver(commits).await?;
    Ok(house)
}

async fn by_hand(house: &House, sql: &'static str) -> anyhow::Result<()> {
    sqlx::raw_sql(sql).execute(&house.pool).await?;
    Ok(())
}

fn stream(lamp: &str) -> StreamId {
    lit(lamp, 1).stream
}

fn column(column: &str, expected: &str, found: &str) -> Mismatch {
    let text = str::to_owned;
    Mismatch::Column { column: text(column), expected: text(expected), found: text(found) }
}

/// The one difference that there is.
#[track_caller]
fn only(checked: Checked) -> Difference {
    let [difference] = checked.differences.as_slice() else { panic!("one of {checked:?}") };
    difference.clone()
}

#[tokio::test]
async fn an_untouched_read_model_has_no_differences() -> anyhow::Result<()> {
    let house = furnished().await?;
    let checked = verify_all(&house).await?;
    let expected = Checked { streams: 3, commits: 6, tally_keys: 1, ..Checked::default() };
    assert_eq!(checked, expected);
    assert!(checked.agrees());
    Ok(())
}

#[tokio::test]
async fn a_changed_column_is_reported_with_what_it_should_hold() -> anyhow::Result<()> {
    let house = furnished().await?;
    by_hand(&house, "update room set version = 9 where room = 'kitchen'").await?;
    let difference = only(verifier(&house).verify(&[stream("b")]).await?);
    assert_eq!((difference.table.as_str(), difference.stream.as_deref()), ("room", Some("lamp-b")));
    assert_eq!(difference.key, r#"{"lamp": "b", "room": "kitchen"}"#);
    assert_eq!(difference.mismatch, column("version", "3", "9"));
    assert_eq!(
        difference.to_string(),
        r#"room {"lamp": "b", "room": "kitchen"} of lamp-b: version should be 3, is 9"#
    );
    assert!(verifier(&house).verify(&[stream("a")]).await?.agrees(), "of another stream");
    Ok(())
}

#[tokio::test]
async fn a_deleted_row_is_reported() -> anyhow::Result<()> {
    let house = furnished().await?;
    by_hand(&house, "delete from lamp where id = 'c'").await?;
    let difference = only(verify_all(&house).await?);
    assert_eq!((difference.table.as_str(), difference.key.as_str()), ("lamp", r#"{"id": "c"}"#));
    let expected = r#"{"id": "c", "times_lit": 1}"#.to_owned();
    assert_eq!(difference.mismatch, Mismatch::Missing { expected });
    Ok(())
}

#[tokio::test]
async fn an_invented_row_is_reported() -> anyhow::Result<()> {
    let house = furnished().await?;
    by_hand(&house, "insert into room values ('a', 'cellar', 2)").await?;
    let difference = only(verifier(&house).verify(&[stream("a"), stream("a")]).await?);
    assert_eq!(difference.key, r#"{"lamp": "a", "room": "cellar"}"#);
    let found = r#"{"lamp": "a", "room": "cellar", "version": 2}"#.to_owned();
    assert_eq!(difference.mismatch, Mismatch::Surplus { found });
    Ok(())
}

#[tokio::test]
async fn a_row_of_a_stream_that_nobody_knows_is_reported() -> anyhow::Result<()> {
    let house = furnished().await?;
    by_hand(&house, "insert into lamp values ('ghost', 7)").await?;
    let difference = only(verify_all(&house).await?);
    assert_eq!(difference.stream.as_deref(), Some("lamp-ghost"));
    let found = r#"{"id": "ghost", "times_lit": 7}"#.to_owned();
    assert_eq!(difference.mismatch, Mismatch::Surplus { found });
    Ok(())
}

#[tokio::test]
async fn a_wrong_tally_is_reported() -> anyhow::Result<()> {
    let house = furnished().await?;
    by_hand(&house, "update total set times = 6; insert into total values ('none', 2)").await?;
    let differences = verify_all(&house).await?.differences;
    let [wrong, invented] = differences.as_slice() else { panic!("two of {differences:?}") };
    assert_eq!((wrong.table.as_str(), wrong.key.as_str()), ("total", r#"{"name": "all"}"#));
    assert_eq!(wrong.mismatch, column("times", "5", "6"));
    assert!(matches!(invented.mismatch, Mismatch::Surplus { .. }), "{invented}");
    by_hand(&house, "truncate total; insert into total values ('nothing', 0)").await?;
    let missing = only(verify_all(&house).await?);
    assert!(matches!(missing.mismatch, Mismatch::Missing { .. }), "{missing}");
    Ok(())
}

#[tokio::test]
async fn what_is_still_on_its_way_is_no_difference() -> anyhow::Result<()> {
    let house = furnished().await?;
    house.store([lit("a", 3), lit("d", 1)]);
    let waits = vec![poison("c", 2, "Exploded"), lit("c", 3)];
    house.store(waits.clone());
    house.deliver(waits).await?;
    let streams = ["a", "b", "c", "d"].map(stream);
    let checked = verifier(&house).verify(&streams).await?;
    assert!(checked.agrees(), "{checked:?}");
    assert_eq!((checked.lagging_streams, checked.parked_streams), (2, 1));
    assert!(verify_all(&house).await?.agrees());
    Ok(())
}

#[tokio::test]
async fn a_removed_stream_has_no_rows_whatever_is_left_of_it_in_the_table() -> anyhow::Result<()> {
    let house = furnished().await?;
    let gone = Removed {
        stream: stream("a"),
        version: Version(1),
        removal: Removal::Erased,
        at: Timestamp::UNIX_EPOCH,
    };
    house.take_away(&lit("a", 1));
    house.engine.remove(vec![gone]).await?;
    let checked = verify_all(&house).await?;
    assert_eq!(checked, Checked { streams: 3, commits: 4, tally_keys: 1, ..Checked::default() });
    by_hand(&house, "insert into lamp values ('a', 2)").await?;
    let difference = only(verify_all(&house).await?);
    assert_eq!(difference.stream.as_deref(), Some("lamp-a"));
    assert!(matches!(difference.mismatch, Mismatch::Surplus { .. }), "{difference}");
    Ok(())
}

#[tokio::test]
async fn a_redaction_on_its_way_to_the_rows_is_no_difference() -> anyhow::Result<()> {
    let house = furnished().await?;
    house.rewrite([poison("a", 2, "Moved")]);
    assert!(!verifier(&house).verify(&[stream("a")]).await?.agrees(), "it does not come");
    let verifier = verifier(&house);
    let before = house.shelf.reads();
    let on_its_way = async {
        // Not before the verifier has seen the old rows and the new commits.
        let deadline = Instant::now() + Duration::from_secs(20);
        while house.shelf.reads() == before {
            assert!(Instant::now() < deadline, "nothing is verified");
            tokio::task::yield_now().await;
        }
        house.engine.refold([stream("a")]).await
    };
    let mut run = verifier.all().await?;
    let (checked, refolded) = tokio::join!(run.next(), on_its_way);
    assert_eq!(refolded?.refolded, 1);
    let checked = checked?.unwrap_or_default();
    assert!(checked.agrees(), "{checked:?}");
    assert_eq!(checked.rewritten_streams, 1);
    let tallies = run.next().await?.unwrap_or_default();
    assert!(tallies.agrees() && tallies.tally_keys == 0, "nobody can tell: {tallies:?}");
    assert_eq!(verify_all(&house).await?.tally_keys, 1, "the next time somebody can");
    Ok(())
}

#[tokio::test]
async fn an_erasure_on_its_way_to_the_rows_is_no_difference() -> anyhow::Result<()> {
    let house = furnished().await?;
    let labelled_and_lit = vec![labelled("d", 1, "Ann's"), lit("d", 2)];
    house.store(labelled_and_lit.clone());
    house.deliver(labelled_and_lit).await?;
    let mut erased = labelled("d", 3, "erased");
    erased.events[0].erases = true;
    house.rewrite([labelled("d", 1, "erased")]);
    assert!(!verifier(&house).verify(&[stream("d")]).await?.agrees(), "nothing erased it");
    house.store([erased.clone()]);
    let checked = verify_all(&house).await?;
    assert!(checked.agrees(), "{checked:?}");
    assert_eq!((checked.lagging_streams, checked.tally_keys), (1, 1));
    house.deliver(vec![erased]).await?;
    let checked = verify_all(&house).await?;
    assert!(checked.agrees() && checked.lagging_streams == 0, "{checked:?}");
    Ok(())
}

#[tokio::test]
async fn a_skipped_commit_is_no_difference() -> anyhow::Result<()> {
    let house = furnished().await?;
    let refused = vec![lit_at("c", 2, "nowhere"), lit_at("c", 3, "attic")];
    house.store(refused.clone());
    house.deliver(refused).await?;
    house.engine.skip(&stream("c"), "no such room").await?;
    assert_eq!(house.rooms("c").await?, ["attic", "hall"]);
    let checked = verify_all(&house).await?;
    assert_eq!(checked, Checked { streams: 3, commits: 7, tally_keys: 1, ..Checked::default() });
    Ok(())
}

#[tokio::test]
async fn a_stream_whose_commits_are_not_all_there_cannot_be_compared() -> anyhow::Result<()> {
    let house = furnished().await?;
    house.deliver(vec![lit("gone", 1), lit("hole", 1), lit("hole", 2), lit("unread", 1)]).await?;
    house.store([lit("hole", 2), poison("unread", 1, "Exploded")]);
    by_hand(&house, "update lamp set times_lit = 9 where id = 'a'").await?;
    let checked = verify_all(&house).await?;
    assert_eq!((checked.absent_streams, checked.tally_keys), (1, 0));
    let mut unfolded: Vec<_> = checked.unfolded.iter().map(ToString::to_string).collect();
    unfolded.sort();
    assert_eq!(unfolded.len(), 2, "{unfolded:?}");
    assert!(unfolded[0].starts_with("lamp-hole cannot be folded: commit 1"), "{unfolded:?}");
    assert!(unfolded[1].starts_with("lamp-unread cannot be folded: commit 1"), "{unfolded:?}");
    assert_eq!(only(checked).mismatch, column("times_lit", "2", "9"), "of those that can be");
    Ok(())
}

#[tokio::test]
async fn a_sample_names_streams_that_have_a_position() -> anyhow::Result<()> {
    let house = furnished().await?;
    assert_eq!(verifier(&house).sample(2).await?.len(), 2);
    let mut all = verifier(&house).sample(9).await?;
    all.sort();
    assert_eq!(all, ["a", "b", "c"].map(stream));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_projector_at_work_there_is_no_false_alarm() -> anyhow::Result<()> {
    let house = Arc::new(House::new().await?);
    let lamps: Vec<String> = (0..250).map(|lamp| format!("l{lamp}")).collect();
    let projector = tokio::spawn({
        let (house, lamps) = (house.clone(), lamps.clone());
        async move {
            for version in 1..=12 {
                for lamps in lamps.chunks(50) {
                    let commits: Vec<_> = lamps.iter().map(|lamp| lit(lamp, version)).collect();
                    house.store(commits.clone());
                    house.deliver(commits).await?;
                }
            }
            anyhow::Ok(())
        }
    });
    let streams: Vec<_> = lamps.iter().map(|lamp| stream(lamp)).collect();
    let mut runs = 0;
    loop {
        let last = projector.is_finished();
        let some = verifier(&house).verify(&streams).await?;
        assert!(some.agrees(), "{:?} {:?}", some.differences, some.unfolded);
        let all = verify_all(&house).await?;
        assert!(all.agrees(), "{:?} {:?}", all.differences, all.unfolded);
        runs += 1;
        if last {
            assert_eq!((all.streams, all.commits, all.tally_keys), (250, 3000, 1));
            break;
        }
    }
    projector.await??;
    assert!(runs > 2, "some of them beside the projector");
    Ok(())
}
