//! What people type, and what they find by it.

use std::collections::BTreeSet;

use ordering_views::{
    Limit,
    order_history::{OrderFilter, OrderSort},
    product::{self, ProductFilter, ProductSort},
};

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tokio::runtime::Runtime;

use crate::{
    model::{Model, Order},
    orders::ids,
    stage::Stage,
};

/// The words of a text, told by hand: only the accents that the model has.
fn words(text: &str) -> Vec<String> {
    let plain: String = text
        .chars()
        .map(|c| match c {
            'Ñ' | 'ñ' => 'n',
            'è' | 'é' | 'ë' => 'e',
            'û' => 'u',
            c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase(),
            _ => ' ',
        })
        .collect();
    plain.split_whitespace().map(str::to_owned).collect()
}

pub(crate) fn matches(model: &Model, order: &Order, q: &str) -> bool {
    let mut there: Vec<String> = words(&order.reference);
    there.extend(order.tracking.iter().flat_map(|tracking| words(tracking)));
    there.extend(model.name_of(order.customer).iter().flat_map(|name| words(name)));
    for product in order.lines.iter().filter_map(|line| model.product(&line.sku)) {
        there.extend(words(&product.name));
    }
    let asked = words(q);
    let Some((last, others)) = asked.split_last() else { return true };
    others.iter().all(|word| there.contains(word))
        && there.iter().any(|word| word.starts_with(last.as_str()))
}

fn searching(q: &str) -> OrderFilter {
    OrderFilter { q: q.parse().unwrap(), ..OrderFilter::default() }
}

#[tokio::test]
async fn every_word_must_be_somewhere_in_the_order_and_the_last_may_be_a_beginning() {
    let mut stage = Stage::set().await;
    let model = Model::grow(3, 250);
    model.happens_on(&mut stage).await;
    let mut found_something = 0;
    for q in [
        "jalapeno",
        "JALAPEÑO",
        "jalap",
        "alapeno",
        "peppers jalapeno",
        "BEV/JUICE 50-100%",
        "brulee creme",
        "milk",
        "milk choc",
        "choc milk",
        "mil choc",
        "hot",
        "hot zoe",
        "zoe milk",
        "household 7",
        "household 70",
        "7 household",
        "ref",
        "ref 3 17",
        "trk 1003",
        "1003 trk",
        "hot hot hot",
        "towels &",
        "& towels",
        "",
        " ",
        "%&/()",
        "nothing like it",
        "pena jal",
    ] {
        let found: BTreeSet<_> =
            ids(&stage.pool, &searching(q), OrderSort::NewestFirst).await.into_iter().collect();
        let expected = model.orders.iter().filter(|order| matches(&model, order, q));
        assert_eq!(found, expected.map(|order| order.id.0).collect(), "{q:?}");
        found_something += usize::from(!found.is_empty());
    }
    assert!(found_something > 20);
}

/// What people and programs type: any characters at all, and what means something to Postgres.
fn typed() -> impl Strategy<Value = String> {
    let odd = proptest::sample::select(vec![
        "'",
        "\\",
        ":*",
        "!",
        "&",
        "|",
        "((",
        "<->",
        "\0",
        "''; drop table product; --",
        "%",
        "_",
        "\u{1F336}",
        "ß ﬁ Ⅷ ² ½",
        "नमस्ते",
        "مرحبا",
        "\u{301}",
        "\u{FEFF}",
        "İ",
        "JALAPEÑO",
        "milk",
        " ",
        "BEV/JUICE 50-100%",
    ]);
    let pieces =
        proptest::collection::vec(prop_oneof![odd.prop_map(str::to_owned), any::<String>()], 0..6);
    pieces.prop_map(|pieces| pieces.concat())
}

#[test]
fn nothing_that_is_typed_is_an_error() {
    let runtime = Runtime::new().unwrap();
    let stage = runtime.block_on(async {
        let mut stage = Stage::set().await;
        Model::grow(4, 10).happens_on(&mut stage).await;
        stage
    });
    let search = async |q: &str| {
        ids(&stage.pool, &searching(q), OrderSort::NewestFirst).await;
        let filter = ProductFilter { q: q.parse().unwrap(), ..ProductFilter::default() };
        let page = (None, Limit::default());
        product::list(&stage.pool, &filter, ProductSort::Name, page).await.unwrap();
    };
    runtime.block_on(search(&"x".repeat(10_000)));
    let words: Vec<_> = (0..5_000).map(|place| format!("w{place}")).collect();
    runtime.block_on(search(&words.join(" ")));
    let config = Config { failure_persistence: None, ..Config::with_cases(200) };
    let mut runner = TestRunner::new(config);
    runner
        .run(&typed(), |q| {
            runtime.block_on(search(&q));
            Ok(())
        })
        .unwrap();
}

/// Somebody pastes the names of all that they have bought.
#[tokio::test]
async fn an_order_is_found_by_as_many_words_as_it_has() {
    let mut stage = Stage::set().await;
    let mut model = Model::grow(6, 40);
    for (place, product) in model.products.iter_mut().enumerate() {
        let words: Vec<_> = (0..25).map(|word| format!("p{place}w{word}")).collect();
        product.name = words.join(" ");
    }
    model.happens_on(&mut stage).await;
    let order = model.orders.iter().max_by_key(|order| order.lines.len()).unwrap();
    let names = order.lines.iter().filter_map(|line| model.product(&line.sku));
    let mut many: Vec<_> = names.flat_map(|product| words(&product.name)).collect();
    many.extend(words(&order.reference));
    let known: BTreeSet<_> = many.iter().cloned().collect();
    assert!(known.len() > 40, "{known:?}");
    let found = ids(&stage.pool, &searching(&many.join(" ")), OrderSort::NewestFirst).await;
    assert_eq!(found, [order.id.0]);

    // One word more that it does not have, wherever it stands.
    for place in [0, 20, many.len() - 1, many.len()] {
        let mut asked = many.clone();
        asked.insert(place, "nothinglikeit".to_owned());
        let found = ids(&stage.pool, &searching(&asked.join(" ")), OrderSort::NewestFirst).await;
        assert_eq!(found, [] as [uuid::Uuid; 0], "at {place}");
    }
}
