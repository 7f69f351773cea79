//! The chart and its table, on a page that needs nothing else.

use std::fmt::Write;

use edge::Problem;

use super::{Chart, Unit, canvas::escaped, unit::grouped};
use crate::table::{Cell, Tabular};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;color:#1f2937;margin:2rem auto;\
    max-width:60rem;padding:0 1rem}svg{max-width:100%;height:auto}\
    table{border-collapse:collapse;margin-top:1.5rem;width:100%}\
    th,td{padding:.25rem .75rem;border-bottom:1px solid #e5e7eb;text-align:left}\
    th{border-bottom:2px solid #6b7280}.n{text-align:right;font-variant-numeric:tabular-nums}";

/// The page for `rows`, of which `chart` shows the picture.
pub(crate) fn page<T: Tabular>(chart: &Chart, rows: &[T]) -> Result<String, Problem> {
    let title = escaped(&chart.title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n{}\n<table>\n<thead><tr>",
        chart.draw()?
    );
    let columns: Vec<Column> = T::COLUMNS.iter().map(|name| Column::of(name)).collect();
    for column in &columns {
        page.push_str(&column.head());
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        row.rows(&mut |cells| {
            page.push_str("<tr>");
            for (column, cell) in columns.iter().zip(&cells) {
                page.push_str(&column.cell(cell));
            }
            page.push_str("</tr>\n");
        });
    }
    page.push_str("</tbody>\n</table>\n</body>\n</html>\n");
    Ok(page)
}

/// A column, for people: its name tells what it is counted in.
struct Column {
    name: String,
    unit: Option<Unit>,
}

impl Column {
    fn of(name: &str) -> Self {
        let units = [("_cents", Unit::Cents), ("_seconds", Unit::Seconds)];
        let shares = ["support", "confidence", "share"];
        let by_end =
            units.into_iter().find_map(|(end, unit)| Some((name.strip_suffix(end)?, unit)));
        let (name, unit) = match by_end {
            Some((name, unit)) => (name, Some(unit)),
            None if shares.contains(&name) => (name, Some(Unit::Share)),
            None if name == "lift" => (name, Some(Unit::Times)),
            None => (name, None),
        };
        Self { name: name.replace('_', " "), unit }
    }

    fn head(&self) -> String {
        format!("<th scope=\"col\">{}</th>", escaped(&self.name))
    }

    fn cell(&self, cell: &Cell<'_>) -> String {
        let (number, text) = match (cell, self.unit) {
            (Cell::Number(number), Some(unit)) => (true, unit.write(*number as f64)),
            (Cell::Number(number), None) => (true, grouped(*number as f64)),
            (Cell::Ratio(number), Some(unit)) => (true, unit.write(*number)),
            (Cell::Ratio(number), None) => (true, format!("{number:.1}")),
            (Cell::Text(_) | Cell::Time(_) | Cell::Flag(_) | Cell::Nothing, _) => {
                (false, cell.plain().into_owned())
            }
        };
        let mut written = String::new();
        let class = if number { " class=\"n\"" } else { "" };
        // writing to a string does not fail
        let _ = write!(written, "<td{class}>{}</td>", escaped(&text));
        written
    }
}
