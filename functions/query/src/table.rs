//! Things as rows of a table: the columns of CSV, and of the page that shows a report.

use std::borrow::Cow;

use chrono::SecondsFormat;
use ordering_views::Timestamp;
use uuid::Uuid;

/// One field of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    /// What people or other systems wrote.
    Text(Cow<'a, str>),
    /// A number, whole.
    Number(i64),
    /// A number, not whole.
    Ratio(f64),
    Time(Timestamp),
    Flag(bool),
    /// Not known, or does not apply.
    Nothing,
}

/// A thing that fills one row of a table, or several.
pub(crate) trait Tabular {
    /// The names of the columns.
    const COLUMNS: &'static [&'static str];

    /// Hands each row to `row`, with a cell for each column.
    fn rows<'a>(&'a self, row: &mut dyn FnMut(Vec<Cell<'a>>));
}

/// A thing whose fields are the cells of one row: `field`, or `field as "column"`.
macro_rules! tabular {
    ($thing:ty: $($field:ident $(as $name:literal)?),+ $(,)?) => {
        impl $crate::table::Tabular for $thing {
            const COLUMNS: &'static [&'static str] =
                &[$($crate::table::tabular!(@name $field $($name)?)),+];

            fn rows<'a>(&'a self, row: &mut dyn FnMut(Vec<$crate::table::Cell<'a>>)) {
                row(vec![$($crate::table::Field::cell(&self.$field)),+]);
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
}
pub(crate) use tabular;

impl Cell<'_> {
    /// The cell as programs read it.
    pub(crate) fn plain(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => number.to_string().into(),
            Self::Ratio(number) => number.to_string().into(),
            Self::Time(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true).into(),
            Self::Flag(flag) => flag.to_string().into(),
            Self::Nothing => Cow::Borrowed(""),
        }
    }
}

/// A field of a thing, as a cell.
pub(crate) trait Field {
    fn cell(&self) -> Cell<'_>;
}

macro_rules! field {
    ($($kind:ty: $value:ident => $cell:expr;)+) => {
        $(
            impl Field for $kind {
                fn cell(&self) -> Cell<'_> {
                    let $value = self;
                    $cell
                }
            }
        )+
    };
}

field! {
    String: text => Cell::Text(text.into());
    Uuid: id => Cell::Text(id.to_string().into());
    i64: number => Cell::Number(*number);
    f64: number => Cell::Ratio(*number);
    bool: flag => Cell::Flag(*flag);
    Timestamp: time => Cell::Time(*time);
}

impl<T: Field> Field for Option<T> {
    fn cell(&self) -> Cell<'_> {
        self.as_ref().map_or(Cell::Nothing, Field::cell)
    }
}
