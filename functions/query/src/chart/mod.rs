//! Reports for people who would rather look than read: a picture, and a page with the picture and
//! its table. Drawn as SVG by `plotters`, which for that needs no fonts where it runs.

mod bars;
mod canvas;
mod lines;
mod page;
pub(crate) mod reports;
mod unit;

use edge::Problem;
use tracing::error;

pub(crate) use page::page;
use unit::Unit;

/// What a picture shows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chart {
    /// What it is, in a line.
    pub(crate) title: String,
    /// What it covers, in a line.
    pub(crate) subtitle: String,
    /// What the points along the other axis are.
    pub(crate) categories: &'static str,
    /// What the values are.
    pub(crate) values: &'static str,
    /// What the values are counted in.
    pub(crate) unit: Unit,
    /// How they are drawn.
    pub(crate) shape: Shape,
    /// The names of the points, in their order.
    pub(crate) labels: Vec<String>,
    /// What is told of each of them.
    pub(crate) series: Vec<Series>,
}

/// How values are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A line a series: the points follow one another.
    Lines,
    /// A bar a value, from the left, the first point on top: the points stand beside one another.
    Bars,
}

/// A value for each point; where there is none, nothing is drawn.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    /// What it tells.
    pub(crate) name: String,
    /// One a label.
    pub(crate) values: Vec<Option<f64>>,
}

/// The most bars of one picture: more cannot be told apart, and the table has them all.
const MOST_BARS: usize = 100;

impl Chart {
    /// The picture.
    pub(crate) fn draw(&self) -> Result<String, Problem> {
        let mut svg = String::new();
        let drawn = match self.shape {
            _ if self.labels.is_empty() => canvas::nothing(self, &mut svg),
            Shape::Lines => lines::draw(self, &mut svg),
            Shape::Bars => bars::draw(&self.largest(), &mut svg),
        };
        drawn.map_err(|failure| {
            error!(%failure, "a chart cannot be drawn");
            Problem::internal()
        })?;
        Ok(canvas::named(&svg, &self.title))
    }

    /// The same with its largest bars only, in the order that they had, if there are too many.
    fn largest(&self) -> Self {
        let (count, mut cut) = (self.labels.len(), self.clone());
        if count <= MOST_BARS {
            return cut;
        }
        let first = self.series.first().map(|series| series.values.as_slice()).unwrap_or_default();
        let value = |place: &usize| first.get(*place).copied().flatten().unwrap_or(f64::MIN);
        let mut places: Vec<usize> = (0..count).collect();
        places.sort_by(|one, other| value(other).total_cmp(&value(one)));
        places.truncate(MOST_BARS);
        places.sort_unstable();
        cut.labels = places.iter().map(|place| self.labels[*place].clone()).collect();
        for series in &mut cut.series {
            series.values =
                places.iter().map(|place| series.values.get(*place).copied().flatten()).collect();
        }
        cut.subtitle = format!("{}; the {MOST_BARS} largest of {count}", self.subtitle);
        cut
    }

    /// The smallest and the largest value, and nought.
    fn range(&self) -> (f64, f64) {
        let values = self.series.iter().flat_map(|series| &series.values).flatten();
        values.fold((0.0, 0.0), |(least, most), value| (value.min(least), value.max(most)))
    }
}

#[cfg(test)]
mod tests;
