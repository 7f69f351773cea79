//! Values that stand beside one another: bars from the left, with room for long names.

use plotters::{
    element::{Rectangle, Text},
    prelude::ChartBuilder,
    style::{
        Color,
        text_anchor::{HPos, VPos},
    },
};

use super::{
    Chart,
    canvas::{FAINT, Failure, GRID, INK, TOP, colour, paper, text},
};

/// Pixels for a bar, with the gap to the next one.
const BAR: u32 = 20;
/// Pixels for the axis below, and its name.
const AXIS: u32 = 72;
/// The longest name that is written, in characters.
const LONGEST: usize = 36;
/// Pixels a character of a name takes.
const CHARACTER: u32 = 8;

pub(super) fn draw(chart: &Chart, svg: &mut String) -> Result<(), Failure> {
    let (count, members) = (chart.labels.len(), chart.series.len().max(1));
    let rows = u32::try_from(count * members + count).unwrap_or(u32::MAX);
    let thickness = if members == 1 { BAR * rows / 2 } else { BAR * rows };
    let paper = paper(chart, svg, TOP + AXIS + thickness.max(40))?;
    let labels: Vec<String> = chart.labels.iter().map(|label| shortened(label)).collect();
    let longest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let (least, most) = chart.range();
    // room for the number at the end of the longest bar
    let room = if least < most { (most - least) * 0.14 } else { 1.0 };
    let least = if least < 0.0 { least - room } else { least };

    let mut builder = ChartBuilder::on(&paper);
    builder.margin_top(TOP).margin_right(24).margin_bottom(12).margin_left(12);
    builder.x_label_area_size(56);
    builder.y_label_area_size(24 + CHARACTER * u32::try_from(longest).unwrap_or(0));
    // the first one on top: the axis runs downwards
    let mut plane = builder.build_cartesian_2d(least..most + room, count as f64..0.0)?;
    plane
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(0)
        .x_labels(6)
        .x_label_formatter(&|value| chart.unit.write(*value))
        .x_label_style(text(13.0, INK, HPos::Center, VPos::Top))
        .x_desc(format!("{}, {}", chart.values, chart.unit.name()))
        .axis_desc_style(text(13.0, FAINT, HPos::Center, VPos::Center))
        .bold_line_style(GRID)
        .light_line_style(GRID.mix(0.0))
        .axis_style(FAINT)
        .draw()?;
    let bars: Vec<Bar> = bars(chart).collect();
    let shapes = bars.iter().map(|bar| {
        let corners = [(0.0, bar.from), (bar.value, bar.to)];
        Rectangle::new(corners, colour(bar.series).filled())
    });
    plane.draw_series(shapes)?;
    let area = plane.plotting_area();
    for bar in &bars {
        let end = if bar.value < 0.0 { (HPos::Right, -5) } else { (HPos::Left, 5) };
        let (x, y) = area.map_coordinate(&(bar.value, f64::midpoint(bar.from, bar.to)));
        let style = text(12.0, FAINT, end.0, VPos::Center);
        paper.draw(&Text::new(chart.unit.write(bar.value), (x + end.1, y), style))?;
    }
    for (place, label) in labels.into_iter().enumerate() {
        let (x, y) = area.map_coordinate(&(least, place as f64 + 0.5));
        let style = text(13.0, INK, HPos::Right, VPos::Center);
        paper.draw(&Text::new(label, (x - 8, y), style))?;
    }
    paper.present()
}

/// A bar, from one place of the axis of names to another.
struct Bar {
    series: usize,
    value: f64,
    from: f64,
    to: f64,
}

/// The bars of one name stand together, with a gap to those of the next.
fn bars(chart: &Chart) -> impl Iterator<Item = Bar> {
    let share = 0.8 / chart.series.len().max(1) as f64;
    chart.series.iter().enumerate().flat_map(move |(series, of)| {
        of.values.iter().enumerate().filter_map(move |(place, value)| {
            let from = place as f64 + 0.1 + share * series as f64;
            Some(Bar { series, value: (*value)?, from, to: from + share * 0.95 })
        })
    })
}

fn shortened(label: &str) -> String {
    if label.chars().count() <= LONGEST {
        return label.to_owned();
    }
    let kept: String = label.chars().take(LONGEST - 1).collect();
    format!("{}…", kept.trim_end())
}
