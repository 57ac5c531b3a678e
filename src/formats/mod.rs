//! The log formats, each declared once as a static table.
//!
//! A [`Format`] lists the fields of a line in the order of AWS's page. Each [`Field`] says how it is written (its
//! [`Quoting`]), how its token falls into parts (its [`Split`]), and which output [`Column`] each part feeds. The
//! tokenizer, the decoders, the JSON writer, the Arrow schema, the markdown in `docs/` and the line generator are
//! loops over these tables; nothing else in the crate names a field or a column.
//!
//! AWS appends fields at the end of a line. To add one it announces, add one line to the format's `fields`.

mod alb_access;
mod alb_connection;
mod alb_health_check;
mod clb_access;
mod filled;
mod nlb_access;
mod plan;
#[cfg(test)]
mod rules;

pub use alb_access::ALB_ACCESS;
pub use alb_connection::ALB_CONNECTION;
pub use alb_health_check::ALB_HEALTH_CHECK;
pub use clb_access::CLB_ACCESS;
pub use filled::{LEADING, TRAILING};
pub use nlb_access::NLB_ACCESS;
pub use plan::{Plan, PlannedColumn, PlannedField, Source};

/// Every table, in the order in which detection tries them.
pub static FORMATS: [&Format; 5] = [
    &ALB_ACCESS,
    &ALB_CONNECTION,
    &ALB_HEALTH_CHECK,
    &NLB_ACCESS,
    &CLB_ACCESS,
];

/// The version of the output's columns. It changes when a column's name, type or meaning changes, or one is added.
pub const SCHEMA_VERSION: u32 = 1;

/// One log type: the fields of its line and the columns of its table.
#[derive(Debug)]
pub struct Format {
    /// The table's name, as users write it in queries and on the command line.
    pub name: &'static str,
    /// What the log is, in a few words.
    pub title: &'static str,
    /// AWS's page that documents the line; the fields stand in its order.
    pub page: &'static str,
    /// The name of the field that carries the event's time.
    pub event_time: &'static str,
    /// The fewest fields a line of this type has ever had. A shorter line is malformed.
    pub min_fields: usize,
    /// The number of fields that lines have had over the years, shortest first.
    pub lengths: &'static [usize],
    /// Fields that follow each other and that copies of a line may lack: web pages swallow its addresses.
    pub elidable: &'static [&'static str],
    /// How quotes and other bytes are escaped inside quoted fields.
    pub escapes: Escapes,
    /// The fields of the line, in wire order.
    pub fields: &'static [Field],
}

/// How a log type escapes bytes inside its quoted fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escapes {
    /// `\xHH` (or the eight-digit `\x000000HH`) for quotes, backslashes, control and non-ASCII bytes. A raw quote or
    /// newline does not occur inside a quoted field.
    Hex,
    /// As [`Escapes::Hex`], and a quote is written `\"`; a raw newline may stand inside a quoted field, so that one
    /// entry spreads over several physical lines.
    BackslashQuote,
}

/// One field of the line.
#[derive(Debug)]
pub struct Field {
    /// The field's name on AWS's page, without quotes.
    pub name: &'static str,
    /// How the field is written on the line.
    pub quoting: Quoting,
    /// How the token falls into parts; part *i* feeds column *i*.
    pub split: Split,
    /// Whether the text comes from a client as it is, so that a broken quote in it can be repaired from the right.
    pub free_text: bool,
    columns: Columns,
}

/// How a field is written on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// Never in quotes: runs to the next space.
    Bare,
    /// Always in quotes, even when absent (`"-"`).
    Quoted,
    /// In quotes today; older lines wrote it bare.
    QuotedOrBare,
    /// A list of quoted parts that is one token and runs to the next space: `"h2","http/1.1"`.
    QuotedParts,
}

/// How the token of a field falls into parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// The token is the value.
    Whole,
    /// `address:port` at the last colon, brackets of an IPv6 address removed: address, port.
    HostPort,
    /// As [`Split::HostPort`], but the whole comes first and an ARN has no address: whole, address, port.
    Target,
    /// `METHOD URL VERSION`: method, URL, version, then the URL's scheme, host, port and path.
    Request,
    /// `NotBefore=…;NotAfter=…`: whole, start, end.
    Validity,
}

impl Split {
    /// How many parts the split makes.
    pub const fn parts(self) -> usize {
        match self {
            Self::Whole => 1,
            Self::HostPort => 2,
            Self::Target | Self::Validity => 3,
            Self::Request => 7,
        }
    }
}

/// One column of the output table.
#[derive(Debug)]
pub struct Column {
    /// The column's name: lower snake case, legal in Glue, Athena and `DuckDB`.
    pub name: &'static str,
    /// How the part's bytes become a value.
    pub decode: Decode,
    /// Whether every row has a value.
    pub presence: Presence,
    /// Where the column stands among the table's own columns.
    pub place: Place,
    /// How the values relate to each other, which decides their encoding in Parquet.
    pub layout: Layout,
    /// Every value that AWS's page names, where there are few; empty for any text. Others are kept, and told of.
    pub known: &'static [&'static str],
    /// One sentence: what the value is, its unit, and when it is null. At most 255 bytes, Glue's limit.
    pub doc: &'static str,
}

/// How the bytes of a part become a value. `-` is null in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decode {
    /// Text; in quoted fields escapes are undone once.
    Text,
    /// As [`Decode::Text`]; where the line has none, the load balancer that the object's key names.
    LoadBalancer,
    /// A signed whole number of 32 bits, such as a status code.
    Int32,
    /// A port, 0 to 65535.
    Port,
    /// A signed whole number of 64 bits, such as milliseconds.
    Int64,
    /// A count that is never negative, such as bytes.
    Count,
    /// Seconds as a decimal number.
    Seconds,
    /// Seconds as a decimal number, where `-1` means "not measured" and is null.
    ProcessingSeconds,
    /// A UTC time `YYYY-MM-DDTHH:MM:SS`, with a fraction of up to nine digits or none, with `Z` or without.
    Time,
    /// A list separated by commas.
    CommaList,
    /// A list separated by spaces.
    SpaceList,
    /// A list of quoted parts separated by commas, whose last quote may be missing.
    QuotedList,
    /// Not on the line: filled in from the object, the key or the line's position.
    Filled(Fill),
}

/// A value that does not stand on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// Object id, `-`, line number in ten digits.
    EventId,
    /// The time of the event, from the field that [`Format::event_time`] names.
    EventTime,
    /// The account in the object's key.
    AccountId,
    /// The region in the object's key.
    Region,
    /// The tokens behind the last field that the table knows, as they stand.
    ExtraFields,
    /// The bucket the object lies in.
    SourceBucket,
    /// The object's key.
    SourceKey,
    /// The number of the line in the object, from 1.
    SourceLine,
}

/// The type of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// 32-bit signed integer.
    Int32,
    /// 64-bit signed integer.
    Int64,
    /// 64-bit IEEE float.
    Float64,
    /// Microseconds since 1970-01-01T00:00:00Z.
    Timestamp,
    /// List of UTF-8 text.
    TextList,
}

impl Decode {
    /// The type of the values this decoding makes.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Int32 | Self::Port => Kind::Int32,
            Self::Int64 | Self::Count | Self::Filled(Fill::SourceLine) => Kind::Int64,
            Self::Seconds | Self::ProcessingSeconds => Kind::Float64,
            Self::Time | Self::Filled(Fill::EventTime) => Kind::Timestamp,
            Self::CommaList | Self::SpaceList | Self::QuotedList | Self::Filled(Fill::ExtraFields) => Kind::TextList,
            Self::Text
            | Self::LoadBalancer
            | Self::Filled(Fill::EventId | Fill::AccountId | Fill::Region | Fill::SourceBucket | Fill::SourceKey) => {
                Kind::Text
            }
        }
    }
}

/// Whether every row has a value in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Every row has a value; a line without one is malformed.
    Required,
    /// A row may have none.
    Nullable,
}

/// Where a column stands among the table's own columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the order of the line.
    OnLine,
    /// Right behind the column named, or first of all where the name is empty: AWS appended the field late, but
    /// readers expect it early.
    Behind(&'static str),
}

/// How the values of a column relate to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Few distinct values, each often: a dictionary.
    Repeating,
    /// Mostly distinct values without an order: as they are.
    Distinct,
    /// Mostly distinct texts that share a beginning with the one before: the length of what is shared, then the rest.
    Prefixed,
    /// 64-bit numbers near each other: the differences.
    Near,
}

/// The columns a field feeds: one, or one for each part of its split.
#[derive(Debug)]
enum Columns {
    One(Column),
    Parts(&'static [Column]),
}

impl Format {
    /// The table of that name, if there is one.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        FORMATS.into_iter().find(|format| format.name == name)
    }

    /// The number of fields the table knows.
    pub const fn known_fields(&self) -> usize {
        self.fields.len()
    }
}

impl Field {
    /// The columns this field feeds, one for each part of its split. Empty for the event's time, which feeds the
    /// leading `timestamp`.
    pub const fn columns(&self) -> &[Column] {
        match &self.columns {
            Columns::One(column) => std::slice::from_ref(column),
            Columns::Parts(columns) => columns,
        }
    }

    /// Marks text that a client chose, which may hold an unescaped quote.
    const fn free_text(mut self) -> Self {
        self.free_text = true;
        self
    }

    /// Marks a quoted field that older lines wrote without quotes.
    const fn or_bare(mut self) -> Self {
        self.quoting = Quoting::QuotedOrBare;
        self
    }

    /// Marks the one column of a field as present in every row.
    const fn required(mut self) -> Self {
        if let Columns::One(column) = &mut self.columns {
            column.presence = Presence::Required;
        }
        self
    }

    /// Lists the values that AWS's page names for the one column of a field.
    const fn known(mut self, values: &'static [&'static str]) -> Self {
        if let Columns::One(column) = &mut self.columns {
            column.known = values;
        }
        self
    }

    /// Names the one column of a field whose own name is no legal column name.
    const fn named(mut self, name: &'static str) -> Self {
        if let Columns::One(column) = &mut self.columns {
            column.name = name;
        }
        self
    }

    /// Says how the values of the one column of a field relate to each other.
    const fn layout(mut self, layout: Layout) -> Self {
        if let Columns::One(column) = &mut self.columns {
            column.layout = layout;
        }
        self
    }

    /// Puts the one column of a field right behind another, or first where `name` is empty.
    const fn behind(mut self, name: &'static str) -> Self {
        if let Columns::One(column) = &mut self.columns {
            column.place = Place::Behind(name);
        }
        self
    }
}

impl Column {
    /// Says how the column's values relate to each other.
    const fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }
}

/// A nullable column in the order of the line, its values laid out as is usual for their type.
const fn column(name: &'static str, decode: Decode, doc: &'static str) -> Column {
    let layout = match decode {
        Decode::Time => Layout::Near,
        Decode::Count | Decode::Int64 => Layout::Distinct,
        _ => Layout::Repeating,
    };
    Column {
        name,
        decode,
        presence: Presence::Nullable,
        place: Place::OnLine,
        layout,
        known: &[],
        doc,
    }
}

/// A field without quotes that feeds one column of its own name.
const fn bare(name: &'static str, decode: Decode, doc: &'static str) -> Field {
    Field {
        name,
        quoting: Quoting::Bare,
        split: Split::Whole,
        free_text: false,
        columns: Columns::One(column(name, decode, doc)),
    }
}

/// A field in quotes that feeds one column of its own name.
const fn quoted(name: &'static str, decode: Decode, doc: &'static str) -> Field {
    let mut field = bare(name, decode, doc);
    field.quoting = Quoting::Quoted;
    field
}

/// The field that carries the event's time and feeds the leading `timestamp`.
const fn event_time(name: &'static str) -> Field {
    parts(name, Quoting::Bare, Split::Whole, &[])
}

/// A field whose token falls into parts, each with a column.
const fn parts(name: &'static str, quoting: Quoting, split: Split, columns: &'static [Column]) -> Field {
    Field {
        name,
        quoting,
        split,
        free_text: false,
        columns: Columns::Parts(columns),
    }
}
