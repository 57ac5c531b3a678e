//! The log formats, each declared once as a static table.
//!
//! A [`LogType`] identifies a format; matches over it are exhaustive. Its [`Format`] lists the fields of a line in the
//! order of AWS's page. Each [`Field`] declares how it is written (its [`Quoting`]), how its token splits into parts (its
//! [`Split`]), and which output [`Column`] each part feeds. The tokenizer, the decoders, the encoders, the Arrow schema,
//! the reference pages in `docs/` and the line generator are loops over these tables; nothing else in the crate names a
//! field or a column.
//!
//! AWS appends fields at the end of a line. To add a field that AWS announces, add one line to the format's `fields`.

mod alb_access;
mod alb_connection;
mod alb_health_check;
mod clb_access;
mod closed;
mod extra;
mod filled;
mod log_type;
mod naming;
mod nlb_access;
pub mod personal;
mod plan;
#[cfg(test)]
mod rules;
mod vended;

pub use alb_access::ALB_ACCESS;
pub use alb_connection::ALB_CONNECTION;
pub use alb_health_check::ALB_HEALTH_CHECK;
pub use clb_access::CLB_ACCESS;
pub(crate) use closed::closed_enum;
pub use extra::{Extra, Extras};
pub use filled::{LEADING, TRAILING};
pub use log_type::LogType;
pub use naming::{BalancerKind, LakeSources, ObjectNaming};
pub use nlb_access::NLB_ACCESS;
pub use plan::{ColumnSource, Plan, PlannedColumn, PlannedField};
pub use vended::{FieldOrder, MAX_NAME, Vended, vended_type};

/// The format of every log type, in the order of [`LogType::ALL`].
#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
pub static FORMATS: [&Format; LogType::ALL.len()] = {
    let mut formats = [LogType::ALL[0].format(); LogType::ALL.len()];
    let mut number = 1;
    while number < formats.len() {
        formats[number] = LogType::ALL[number].format();
        number += 1;
    }
    formats
};

/// The version of the output's columns. It changes when a column's name, type or meaning changes, or one is added.
pub const SCHEMA_VERSION: u32 = 1;

/// A log type described: the fields of its line, the columns of its table, and the names of its objects.
#[derive(Debug)]
pub struct Format {
    /// The log type.
    pub log_type: LogType,
    /// The table's name, as users write it in queries and on the command line.
    pub name: &'static str,
    /// What the log is, in a few words.
    pub title: &'static str,
    /// The AWS page that documents the line. The fields are in its order.
    pub page: &'static str,
    /// The name of the field that contains the time of the event.
    pub event_time: &'static str,
    /// The lowest number of fields that a line of this type has ever had. A shorter line is malformed.
    pub min_fields: usize,
    /// The numbers of fields that lines have had over the years, in ascending order.
    pub lengths: &'static [usize],
    /// Consecutive fields that copies of a line on web pages may lack.
    pub elidable: &'static [&'static str],
    /// The fields around the time by which the start of an entry is recognized in the middle of a line: the first one, and
    /// at least two of the others.
    pub start: &'static [&'static str],
    /// How quotes and other bytes are escaped inside quoted fields.
    pub escapes: Escapes,
    /// The fields of the line, in wire order.
    pub fields: &'static [Field],
    /// The names of the fields in vended logs, if CloudWatch delivers the log type.
    pub vended: Option<Vended>,
    /// How the log objects are named and compressed.
    pub objects: ObjectNaming,
    /// The custom sources of Amazon Security Lake that the events belong to.
    pub lake: LakeSources,
}

/// How a log type escapes bytes inside its quoted fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escapes {
    /// `\xHH` (or the eight-digit `\x000000HH`) for quotes, backslashes, control and non-ASCII bytes. A raw quote or
    /// newline does not occur inside a quoted field.
    Hex,
    /// Like [`Escapes::Hex`], except that a quote is written `\"` and a raw newline may occur inside a quoted field, so an
    /// entry may span several physical lines.
    BackslashQuote,
}

/// A field of the line.
#[derive(Debug)]
pub struct Field {
    /// The field's name on AWS's page, without quotes.
    pub name: &'static str,
    /// How the field is written on the line.
    pub quoting: Quoting,
    /// How the token splits into parts; part *i* feeds column *i*.
    pub split: Split,
    /// Whether the text comes from a client unchanged. A stray quote in such text can be repaired from the right.
    pub free_text: bool,
    /// What the values look like.
    pub look: Look,
    columns: Columns,
}

/// What the values of a field look like, beyond what its type requires. If a line has two readings, it decides which of them
/// is plausible. It never makes a value malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Anything that the type permits.
    Any,
    /// An IP address, possibly masked.
    Address,
    /// A version of TLS or SSL.
    TlsVersion,
}

/// How a field is written on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// Never in quotes: extends to the next space.
    Bare,
    /// Always in quotes, even when absent (`"-"`).
    Quoted,
    /// In quotes today, without quotes on older lines.
    QuotedOrBare,
    /// A list of quoted parts that is one token and extends to the next space: `"h2","http/1.1"`.
    QuotedParts,
}

/// How the token of a field splits into parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// The token is the value.
    Whole,
    /// `address:port`, split at the last colon, without the brackets of an IPv6 address: address, port.
    HostPort,
    /// Like [`Split::HostPort`], preceded by the whole token; an ARN has neither address nor port: whole, address, port.
    Target,
    /// `METHOD URL VERSION`: method, URL, version, then the URL's scheme, host, port and path.
    Request,
    /// `NotBefore=…;NotAfter=…`: whole, start, end.
    Validity,
}

impl Split {
    /// Returns the number of parts that the split produces.
    pub const fn parts(self) -> usize {
        match self {
            Self::Whole => 1,
            Self::HostPort => 2,
            Self::Target | Self::Validity => 3,
            Self::Request => 7,
        }
    }
}

/// A column of the output table.
#[derive(Debug)]
pub struct Column {
    /// The column's name: lower snake case, legal in Glue, Athena and `DuckDB`.
    pub name: &'static str,
    /// How the part's bytes become a value.
    pub decode: Decode,
    /// Whether every row has a value.
    pub presence: Presence,
    /// The column's position among the table's own columns.
    pub position: Position,
    /// How the values relate to each other, which decides their encoding in Parquet.
    pub layout: Layout,
    /// Every value that AWS's page lists, if there are few; empty for arbitrary text. Other values are kept and reported.
    pub known: &'static [&'static str],
    /// One sentence: what the value is, its unit, and when it is null. At most 255 bytes, which is Glue's limit.
    pub doc: &'static str,
}

/// How the bytes of a part become a value. `-` is always null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decode {
    /// Text. In quoted fields, escapes are decoded once.
    Text,
    /// Like [`Decode::Text`]; if the line has no value, the load balancer in the object's key.
    LoadBalancer,
    /// A signed 32-bit integer, such as a status code.
    Int32,
    /// A port, 0 to 65535.
    Port,
    /// A signed 64-bit integer, such as milliseconds.
    Int64,
    /// A count that is never negative, such as bytes.
    Count,
    /// Seconds as a decimal number.
    Seconds,
    /// Seconds as a decimal number, where `-1` means "not measured" and is null.
    ProcessingSeconds,
    /// A UTC time `YYYY-MM-DDTHH:MM:SS`, optionally with a fraction of up to nine digits, with or without `Z`.
    Time,
    /// A comma-separated list.
    CommaList,
    /// A space-separated list.
    SpaceList,
    /// A comma-separated list of quoted parts, whose last quote may be missing.
    QuotedList,
    /// Not on the line: derived from the object, its key or the line's position.
    Filled(Fill),
    /// Derived from other columns, as a value of this type, after the line was read: a column of [`Extra`].
    Derived(Kind),
}

/// A value that is not on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// The object id, `-`, and the line number in ten digits.
    EventId,
    /// The time of the event, from the field that [`Format::event_time`] names.
    EventTime,
    /// The account in the object's key.
    AccountId,
    /// The region in the object's key.
    Region,
    /// The tokens after the last field that the table knows, verbatim.
    ExtraFields,
    /// The bucket of the object.
    SourceBucket,
    /// The object's key.
    SourceKey,
    /// The number of the line in the object, counted from 1.
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
    /// Like [`Kind::Timestamp`], written without a time zone.
    NaiveTimestamp,
    /// A day: days since 1970-01-01.
    Date,
    /// List of UTF-8 text.
    TextList,
}

impl Decode {
    /// Returns the type of the decoded values.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Derived(kind) => kind,
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
    /// A row may have no value.
    Nullable,
}

/// The position of a column among the table's own columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// In the order of the line.
    LineOrder,
    /// Right after the named column, or first if the name is empty: for fields that AWS appended late and readers expect
    /// early.
    After(&'static str),
}

/// How the values of a column relate to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Few distinct values, each of them frequent: encoded as a dictionary.
    Repeating,
    /// Mostly distinct values in no particular order: encoded as they are.
    Distinct,
    /// Mostly distinct texts that begin like the one before: encoded as the length of the shared prefix and the rest.
    Prefixed,
    /// Integers that are mostly distinct, and close to each other or small for their type: encoded as differences.
    Near,
}

/// The columns that a field feeds: one, or one for each part of its split.
#[derive(Debug)]
enum Columns {
    One(Column),
    Parts(&'static [Column]),
}

impl Format {
    /// Returns the format whose table has that name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        LogType::from_table(name).map(LogType::format)
    }

    /// Returns the number of fields that the table knows.
    pub const fn known_fields(&self) -> usize {
        self.fields.len()
    }
}

impl Field {
    /// Returns the columns that the field feeds, one for each part of its split. The event's time feeds none of them,
    /// because it becomes the leading `timestamp`.
    pub const fn columns(&self) -> &[Column] {
        match &self.columns {
            Columns::One(column) => std::slice::from_ref(column),
            Columns::Parts(columns) => columns,
        }
    }

    /// Returns whether the field is one value of any text, so that no other value would be malformed in its place.
    const fn takes_any_text(&self) -> bool {
        match &self.columns {
            Columns::One(column) => {
                matches!(
                    column.decode,
                    Decode::Text | Decode::LoadBalancer | Decode::CommaList | Decode::SpaceList
                ) && !self.free_text
            }
            Columns::Parts(_) => matches!(self.split, Split::Validity),
        }
    }

    /// Marks text that a client chose, which may contain an unescaped quote.
    const fn free_text(mut self) -> Self {
        self.free_text = true;
        self
    }

    /// Sets what the values look like.
    const fn look(mut self, look: Look) -> Self {
        self.look = look;
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

    /// Lists the values that AWS's page documents for the one column of a field.
    const fn known(mut self, values: &'static [&'static str]) -> Self {
        if let Columns::One(column) = &mut self.columns {
            column.known = values;
        }
        self
    }

    /// Names the one column of a field whose own name is not a legal column name.
    const fn named(mut self, name: &'static str) -> Self {
        if let Columns::One(column) = &mut self.columns {
            column.name = name;
        }
        self
    }

    /// Sets the layout of the one column of a field.
    const fn layout(mut self, layout: Layout) -> Self {
        if let Columns::One(column) = &mut self.columns {
            column.layout = layout;
        }
        self
    }

    /// Moves the one column of a field right after another, or to the first position if `name` is empty.
    const fn after(mut self, name: &'static str) -> Self {
        if let Columns::One(column) = &mut self.columns {
            column.position = Position::After(name);
        }
        self
    }
}

impl Column {
    /// Sets the layout of the column.
    const fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }
}

/// Returns a nullable column in line order, with the usual layout for its type.
const fn column(name: &'static str, decode: Decode, doc: &'static str) -> Column {
    let layout = match decode {
        Decode::Time | Decode::Count => Layout::Near,
        Decode::Int64 => Layout::Distinct,
        _ => Layout::Repeating,
    };
    Column {
        name,
        decode,
        presence: Presence::Nullable,
        position: Position::LineOrder,
        layout,
        known: &[],
        doc,
    }
}

/// Returns an unquoted field that feeds one column of the same name.
const fn bare(name: &'static str, decode: Decode, doc: &'static str) -> Field {
    Field {
        name,
        quoting: Quoting::Bare,
        split: Split::Whole,
        free_text: false,
        look: Look::Any,
        columns: Columns::One(column(name, decode, doc)),
    }
}

/// Returns a quoted field that feeds one column of the same name.
const fn quoted(name: &'static str, decode: Decode, doc: &'static str) -> Field {
    let mut field = bare(name, decode, doc);
    field.quoting = Quoting::Quoted;
    field
}

/// Returns the field that contains the time of the event and feeds the leading `timestamp`.
const fn event_time(name: &'static str) -> Field {
    parts(name, Quoting::Bare, Split::Whole, &[])
}

/// Returns a field whose token splits into parts, each with a column.
const fn parts(name: &'static str, quoting: Quoting, split: Split, columns: &'static [Column]) -> Field {
    Field {
        name,
        quoting,
        split,
        free_text: false,
        look: Look::Any,
        columns: Columns::Parts(columns),
    }
}
