//! What a row is: a plain struct that knows its table.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use sqlx::{error::BoxDynError, postgres::PgArguments, types::Uuid};

/// A column's name, and its type in Postgres.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The name.
    pub name: &'static str,
    /// The type, as a cast takes it.
    pub sql_type: &'static str,
}

impl Column {
    /// Whether Postgres would cast this id to the column's type. A stream whose id it would refuse
    /// owns no rows, and must not fail the statement that asks for those of others.
    pub(crate) fn can_hold(self, id: &str) -> bool {
        match self.sql_type {
            "uuid" => Uuid::try_parse_ascii(id.as_bytes()).is_ok() && !id.starts_with("urn"),
            "bigint" => id.parse::<i64>().is_ok(),
            _ => true,
        }
    }
}

/// A row of a view, owned by exactly one stream. [`row!`](crate::row) writes this for a struct.
pub trait Row: Clone + Debug + PartialEq + DeserializeOwned + Send + Sync + 'static {
    /// What tells it from the other rows of its table.
    type Key: Ord + Clone + Debug + Send + Sync;

    /// Its table.
    const TABLE: &'static str;
    /// The category of the streams that own rows of this table; `None` where streams of every
    /// category do.
    const CATEGORY: Option<&'static str>;
    /// The column that names the owning stream: by its id, or in whole where there is no category.
    const OWNER: Column;
    /// Whether the fold needs the rows that are there. A log does not: it only grows.
    const LOADED: bool;
    /// The columns of the primary key.
    const KEY: &'static [Column];
    /// All other columns that we write.
    const REST: &'static [Column];

    /// What tells it from the other rows of its table.
    fn key(&self) -> Self::Key;

    /// Binds the columns of the key, an array a column.
    ///
    /// # Errors
    /// What sqlx says of a value that it cannot encode.
    fn bind_key(rows: &[&Self], arguments: &mut PgArguments) -> Result<(), BoxDynError>;

    /// Binds the other columns, an array a column.
    ///
    /// # Errors
    /// What sqlx says of a value that it cannot encode.
    fn bind_rest(rows: &[&Self], arguments: &mut PgArguments) -> Result<(), BoxDynError>;
}

/// Declares a row: a struct, its table, the streams that own it, and the type of each column.
///
/// `loaded` rows are read before a fold, `logged` rows are only ever added. Where streams of every
/// category own rows it says `owned by any through` the column with the stream's whole name.
///
/// ```
/// projection::row! {
///     /// A lamp and how often it was lit.
///     pub struct LampRow: loaded from "lamp", owned by "lamp" through id: "text";
///     key {
///         /// Which lamp.
///         id: String = "text",
///     }
///     rest {
///         /// How often.
///         times_lit: i64 = "bigint",
///     }
/// }
/// ```
#[macro_export]
macro_rules! row {
    (@loaded loaded) => { true };
    (@loaded logged) => { false };
    (@category any) => { None };
    (@category $category:literal) => { Some($category) };
    (
        $(#[$outer:meta])*
        pub struct $row:ident: $mode:ident from $table:literal,
            owned by $category:tt through $owner:ident: $owner_type:literal;
        key { $( $(#[$key_doc:meta])* $key:ident: $key_rust:ty = $key_type:literal, )+ }
        rest { $( $(#[$rest_doc:meta])* $rest:ident: $rest_rust:ty = $rest_type:literal, )* }
    ) => {
        $(#[$outer])*
        #[derive(Clone, Debug, PartialEq, $crate::for_macros::serde::Deserialize)]
        #[serde(crate = "projection::for_macros::serde")]
        pub struct $row {
            $( $(#[$key_doc])* pub $key: $key_rust, )+
            $( $(#[$rest_doc])* pub $rest: $rest_rust, )*
        }

        impl $crate::Row for $row {
            type Key = ($($key_rust,)+);

            const TABLE: &'static str = $table;
            const CATEGORY: Option<&'static str> = $crate::row!(@category $category);
            const OWNER: $crate::Column =
                $crate::Column { name: stringify!($owner), sql_type: $owner_type };
            const LOADED: bool = $crate::row!(@loaded $mode);
            const KEY: &'static [$crate::Column] =
                &[$( $crate::Column { name: stringify!($key), sql_type: $key_type } ),+];
            const REST: &'static [$crate::Column] =
                &[$( $crate::Column { name: stringify!($rest), sql_type: $rest_type } ),*];

            fn key(&self) -> Self::Key {
                ($(self.$key.clone(),)+)
            }

            fn bind_key(
                rows: &[&Self],
                arguments: &mut $crate::for_macros::PgArguments,
            ) -> Result<(), $crate::for_macros::BoxDynError> {
                use $crate::for_macros::Arguments as _;
                $( arguments.add(rows.iter().map(|row| &row.$key).collect::<Vec<_>>())?; )+
                Ok(())
            }

            fn bind_rest(
                rows: &[&Self],
                arguments: &mut $crate::for_macros::PgArguments,
            ) -> Result<(), $crate::for_macros::BoxDynError> {
                use $crate::for_macros::Arguments as _;
                $( arguments.add(rows.iter().map(|row| &row.$rest).collect::<Vec<_>>())?; )*
                Ok(())
            }
        }
    };
}
