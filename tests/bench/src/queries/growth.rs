//! What lists and searches cost as orders become more: the same at 10 thousand, 100 thousand and a
//! million, drawn to `docs/growth.svg`.

use std::path::Path;

use plotters::prelude::*;

use super::{shop::Shop, stopwatch::by_turns};
use crate::report::Figure;

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];
const ROUNDS: usize = 500;

/// Where the picture ends, in milliseconds, unless a figure is beyond it.
const LEAST_HEIGHT_MS: f64 = 2.0;

/// What one size costs, in milliseconds.
struct Point {
    orders: usize,
    list_ms: f64,
    search_ms: f64,
}

pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let mut points = Vec::new();
    for orders in SIZES {
        points.push(point(orders).await?);
    }
    draw(&points)?;
    let [small, .., large] = points.as_slice() else { anyhow::bail!("no sizes") };
    let against = "p50 at 10 thousand orders";
    let figure =
        |name, large: f64, small: f64| Figure::new(name, large * 1e3, "µs", small * 1e3, against);
    Ok(vec![
        figure("list at 1M orders", large.list_ms, small.list_ms),
        figure("search at 1M orders", large.search_ms, small.search_ms),
    ])
}

async fn point(orders: usize) -> anyhow::Result<Point> {
    let shop = Shop::with(orders).await?;
    // Single orders from all over the years, by a word that they alone have.
    let sql = "select split_part(words, ' ', 2) from order_history order by id limit 100";
    let words: Vec<String> = sqlx::query_scalar(sql).fetch_all(&shop.bare).await?;
    let customers = shop.customers().await?;
    let (list, search) = by_turns(
        ROUNDS,
        async |round| {
            let path = format!("/customers/{}/orders", customers[round % customers.len()]);
            shop.function.get(&path, "").await.map(drop)
        },
        async |round| {
            let query = format!("q={}", words[round % words.len()]);
            shop.function.get("/orders", &query).await.map(drop)
        },
    )
    .await?;
    let (list_ms, search_ms) = (list.percentile(50) / 1e3, search.percentile(50) / 1e3);
    Ok(Point { orders, list_ms, search_ms })
}

fn draw(points: &[Point]) -> anyhow::Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/growth.svg");
    let root = SVGBackend::new(&file, (720, 400)).into_drawing_area();
    root.fill(&WHITE)?;
    let highest = points.iter().map(|point| point.list_ms.max(point.search_ms));
    let highest = highest.fold(LEAST_HEIGHT_MS, f64::max) * 1.1;
    let (first, last) = (SIZES[0] as f64, SIZES[SIZES.len() - 1] as f64);
    let mut chart = ChartBuilder::on(&root)
        .caption("p50 of a query as orders become more", ("sans-serif", 20))
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(64)
        .build_cartesian_2d((first..last * 1.1).log_scale(), 0.0..highest)?;
    let size = |orders: &f64| format!("{} thousand", (orders / 1e3).round());
    chart
        .configure_mesh()
        .x_desc("orders")
        .y_desc("milliseconds")
        .x_labels(4)
        .x_label_formatter(&size)
        .draw()?;
    for (name, colour, of) in [
        ("order history", BLUE, (|point: &Point| point.list_ms) as fn(&Point) -> f64),
        ("search for a rare word", RED, |point: &Point| point.search_ms),
    ] {
        let line = points.iter().map(|point| (point.orders as f64, of(point)));
        chart
            .draw_series(LineSeries::new(line, colour.stroke_width(3)).point_size(5))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(3)));
    }
    chart.configure_series_labels().background_style(WHITE).border_style(BLACK).draw()?;
    root.present()?;
    Ok(())
}
