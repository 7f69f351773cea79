//! Values that follow one another.

use plotters::{
    element::{Circle, PathElement, Text},
    prelude::{ChartBuilder, LineSeries},
    style::{
        Color, ShapeStyle,
        text_anchor::{HPos, VPos},
    },
};

use super::{
    Chart,
    canvas::{FAINT, Failure, GRID, INK, TOP, WIDTH, colour, paper, text},
};

const HEIGHT: u32 = 480;

/// Characters of labels that fit side by side, with room between them.
const MOST_CHARACTERS: usize = 96;

/// With more points than this, a line is enough.
const MOST_DOTS: usize = 60;

pub(super) fn draw(chart: &Chart, svg: &mut String) -> Result<(), Failure> {
    let paper = paper(chart, svg, HEIGHT)?;
    let (least, most) = chart.range();
    let most = if least == most { least + 1.0 } else { most + (most - least) * 0.05 };
    let last = chart.labels.len().saturating_sub(1).max(1) as f64;
    let mut builder = ChartBuilder::on(&paper);
    builder.margin_top(TOP).margin_right(40).margin_bottom(12).margin_left(12);
    builder.x_label_area_size(56).y_label_area_size(92);
    let mut plane = builder.build_cartesian_2d(0.0..last, least..most)?;
    plane
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(0)
        .y_labels(6)
        .y_label_formatter(&|value| chart.unit.write(*value))
        .y_label_style(text(13.0, INK, HPos::Right, VPos::Center))
        .x_desc(chart.categories)
        .y_desc(format!("{}, {}", chart.values, chart.unit.name()))
        .axis_desc_style(text(13.0, FAINT, HPos::Center, VPos::Center))
        .bold_line_style(GRID)
        .light_line_style(GRID.mix(0.0))
        .axis_style(FAINT)
        .draw()?;
    for (place, series) in chart.series.iter().enumerate() {
        let style = ShapeStyle::from(colour(place)).stroke_width(2);
        for run in runs(&series.values) {
            if run.len() <= 1 || chart.labels.len() <= MOST_DOTS {
                plane.draw_series(run.iter().map(|at| Circle::new(*at, 3, style.filled())))?;
            }
            plane.draw_series(LineSeries::new(run, style))?;
        }
    }
    let area = plane.plotting_area();
    for place in named(&chart.labels) {
        let (x, y) = area.map_coordinate(&(place as f64, least));
        let tick = ShapeStyle::from(FAINT);
        paper.draw(&PathElement::new([(x, y), (x, y + 5)], tick))?;
        // the outer ones stay on the paper
        let style = text(13.0, INK, HPos::Center, VPos::Top);
        let label = chart.labels[place].clone();
        paper.draw(&Text::new(label, (x.min(WIDTH as i32 - 40), y + 9), style))?;
    }
    paper.present()
}

/// The parts of a line: where there is no value, it is broken.
fn runs(values: &[Option<f64>]) -> Vec<Vec<(f64, f64)>> {
    let points = values.iter().enumerate().map(|(place, value)| value.map(|it| (place as f64, it)));
    let points: Vec<_> = points.collect();
    let runs = points.split(Option::is_none).map(|run| run.iter().flatten().copied().collect());
    runs.filter(|run: &Vec<_>| !run.is_empty()).collect()
}

/// Which points are named: as many as there is room for.
fn named(labels: &[String]) -> impl Iterator<Item = usize> {
    let longest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let most = (MOST_CHARACTERS / longest.max(8)).max(1);
    (0..labels.len()).step_by(labels.len().div_ceil(most).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_where_there_is_no_value() {
        let runs = runs(&[Some(1.0), None, None, Some(2.0), Some(3.0)]);
        assert_eq!(runs, [vec![(0.0, 1.0)], vec![(3.0, 2.0), (4.0, 3.0)]]);
    }

    #[test]
    fn of_many_points_as_many_are_named_as_there_is_room_for() {
        let named = |count, label: &str| named(&vec![label.to_owned(); count]).count();
        assert_eq!(named(3, "2017-01"), 3);
        assert_eq!(named(365, "2017-01"), 12);
        assert_eq!(named(365, "2017-01-31"), 9);
    }
}
