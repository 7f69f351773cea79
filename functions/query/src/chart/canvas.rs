//! The paper: size, colours, and what stands on every picture.

use plotters::{
    coord::Shift,
    element::Text,
    prelude::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea, RGBColor, SVGBackend, WHITE},
    style::{
        Color, FontStyle, IntoFont, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::Chart;

/// A picture that goes on a page of text, in pixels.
pub(super) const WIDTH: u32 = 960;

/// What a picture may fail with; writing to a string does not.
pub(super) type Failure = DrawingAreaErrorKind<std::io::Error>;
pub(super) type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

pub(super) const INK: RGBColor = RGBColor(0x1f, 0x29, 0x37);
pub(super) const FAINT: RGBColor = RGBColor(0x6b, 0x72, 0x80);
pub(super) const GRID: RGBColor = RGBColor(0xe5, 0xe7, 0xeb);

/// Told apart by people who do not see all colours, too (Okabe and Ito).
const COLOURS: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x33, 0x41, 0x55),
];

/// Where the picture itself begins, below the titles and the legend.
pub(super) const TOP: u32 = 104;
const LEFT: i32 = 24;

pub(super) fn colour(series: usize) -> RGBColor {
    COLOURS[series % COLOURS.len()]
}

/// A style of text. `plotters` takes a size for more than SVG means by it.
pub(super) fn text(size: f64, colour: RGBColor, h_pos: HPos, v_pos: VPos) -> TextStyle<'static> {
    let font = ("sans-serif", size * 1.24).into_font();
    TextStyle { font, color: colour.to_backend_color(), pos: Pos::new(h_pos, v_pos) }
}

/// White paper with the titles, and a legend where there are several series.
pub(super) fn paper<'a>(
    chart: &Chart,
    svg: &'a mut String,
    height: u32,
) -> Result<Canvas<'a>, Failure> {
    let paper = SVGBackend::with_string(svg, (WIDTH, height)).into_drawing_area();
    paper.fill(&WHITE)?;
    let title = ("sans-serif", 22.0 * 1.24).into_font().style(FontStyle::Bold);
    let title = TextStyle::from(title).color(&INK).pos(Pos::new(HPos::Left, VPos::Top));
    paper.draw(&Text::new(chart.title.clone(), (LEFT, 18), title))?;
    let subtitle = text(14.0, FAINT, HPos::Left, VPos::Top);
    paper.draw(&Text::new(chart.subtitle.clone(), (LEFT, 48), subtitle))?;
    if chart.series.len() > 1 {
        legend(chart, &paper)?;
    }
    Ok(paper)
}

fn legend(chart: &Chart, paper: &Canvas<'_>) -> Result<(), Failure> {
    let mut left = LEFT;
    for (place, series) in chart.series.iter().enumerate() {
        let corners = [(left, 76), (left + 14, 88)];
        paper.draw(&plotters::element::Rectangle::new(corners, colour(place).filled()))?;
        let name = text(13.0, INK, HPos::Left, VPos::Top);
        paper.draw(&Text::new(series.name.clone(), (left + 20, 75), name))?;
        left += 20 + 24 + 8 * i32::try_from(series.name.chars().count()).unwrap_or(0);
    }
    Ok(())
}

/// For a report without rows.
pub(super) fn nothing(chart: &Chart, svg: &mut String) -> Result<(), Failure> {
    let paper = paper(chart, svg, 200)?;
    let style = text(16.0, FAINT, HPos::Left, VPos::Top);
    paper.draw(&Text::new("There is nothing to show.", (LEFT, 110), style))?;
    paper.present()
}

/// The picture with a name for those who cannot see it.
pub(super) fn named(svg: &str, title: &str) -> String {
    let title = escaped(title);
    let named = format!("<svg role=\"img\" aria-label=\"{title}\" ");
    svg.replacen("<svg ", &named, 1)
}

/// A text that stands for itself in HTML and in an attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
