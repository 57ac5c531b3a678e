//! Columns that are appended to the tables on request.

use std::fmt;

use super::{Column, Decode, Field, Format, Kind, Layout, LogType, closed_enum, column};

closed_enum! {
    /// A column that is appended to a table if the settings ask for it, after the table's own columns.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Extra {
        /// The class of the status code.
        StatusClass,
        /// The sum of the three processing times.
        TotalTime,
        /// The version of TLS, in one spelling for all tables.
        TlsVersion,
        /// The query string of the URL.
        RequestQuery,
        /// The family of the user agent.
        UserAgentFamily,
        /// The operating system of the user agent.
        UserAgentOs,
        /// The name of the bot.
        BotName,
        /// The kind of the bot.
        BotKind,
        /// The country of the client's address.
        ClientCountry,
        /// The autonomous system of the client's address.
        ClientAsn,
        /// The number of events that an event of a sample represents.
        SampleWeight,
        /// The line as logged.
        RawLine,
    }
}

/// A set of [`Extra`] columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Extras(u32);

static STATUS_CLASS: Column = extra(
    "status_class",
    Kind::Text,
    "Class of the status code that the load balancer sent: 1xx, 2xx, 3xx, 4xx or 5xx; null if there is none.",
);

static TOTAL_TIME: Column = extra(
    "total_time",
    Kind::Float64,
    "Sum of the three processing times in seconds, rounded to microseconds; null unless all three were measured.",
);

static TLS_VERSION: Column = extra(
    "tls_version",
    Kind::Text,
    "Version of TLS in the same spelling in all tables: TLSv1.3, TLSv1.2, TLSv1.1, TLSv1.0, SSLv3 or SSLv2; null without TLS and for unknown versions.",
);

static REQUEST_QUERY: Column = extra(
    "request_query",
    Kind::Text,
    "Query string of the URL: what follows the first question mark, up to a fragment; empty if nothing follows it, null without a question mark.",
)
.layout(Layout::Distinct);

static USER_AGENT_FAMILY: Column = extra(
    "user_agent_family",
    Kind::Text,
    "Family of the user agent, such as Chrome or curl, by the rules of uap-core; null if no rule matches the first 1,024 bytes.",
);

static USER_AGENT_OS: Column = extra(
    "user_agent_os",
    Kind::Text,
    "Operating system of the user agent, such as Windows or iOS, by the rules of uap-core; null if no rule matches the first 1,024 bytes.",
);

static BOT_NAME: Column = extra(
    "bot_name",
    Kind::Text,
    "Name of the bot that the user agent claims to be, by crawler-user-agents; null if no pattern is in its first 1,024 bytes.",
);

static BOT_KIND: Column = Column {
    known: BOT_KINDS,
    ..extra(
        "bot_kind",
        Kind::Text,
        "Kind of the bot, such as search-engine, ai-crawler, monitoring or scanner, by crawler-user-agents; null if bot_name is.",
    )
};

/// The kinds of bots: the tags of crawler-user-agents.
const BOT_KINDS: &[&str] = &[
    "academic",
    "advertising",
    "ai-crawler",
    "archiver",
    "browser-automation",
    "feed-reader",
    "http-library",
    "monitoring",
    "scanner",
    "search-engine",
    "seo",
    "social-preview",
];

static CLIENT_COUNTRY: Column = extra(
    "client_country",
    Kind::Text,
    "Country of the client's address as ISO 3166-1 alpha-2, by GEO_DATABASE; null if no database has one, or client_ip is not an address.",
);

static CLIENT_ASN: Column = extra(
    "client_asn",
    Kind::Int64,
    "Number of the autonomous system of the client's address, by GEO_DATABASE; null if no database has one, or client_ip is not an address.",
);

static SAMPLE_WEIGHT: Column = extra(
    "sample_weight",
    Kind::Float64,
    "Number of events that this event represents: 1 over the rate at which events like it are kept.",
);

static RAW_LINE: Column = extra(
    "raw_line",
    Kind::Text,
    "The line as logged, without its line ending; bytes that are not UTF-8 are written as escapes such as \\xE9.",
)
.layout(Layout::Distinct);

impl Extra {
    /// Returns the declaration of the column.
    pub const fn column(self) -> &'static Column {
        match self {
            Self::StatusClass => &STATUS_CLASS,
            Self::TotalTime => &TOTAL_TIME,
            Self::TlsVersion => &TLS_VERSION,
            Self::RequestQuery => &REQUEST_QUERY,
            Self::UserAgentFamily => &USER_AGENT_FAMILY,
            Self::UserAgentOs => &USER_AGENT_OS,
            Self::BotName => &BOT_NAME,
            Self::BotKind => &BOT_KIND,
            Self::ClientCountry => &CLIENT_COUNTRY,
            Self::ClientAsn => &CLIENT_ASN,
            Self::SampleWeight => &SAMPLE_WEIGHT,
            Self::RawLine => &RAW_LINE,
        }
    }

    /// Returns the column's name.
    pub const fn name(self) -> &'static str {
        self.column().name
    }

    /// Returns the columns of the line that the value is derived from. A table without any of them does not have the column;
    /// none are named if every table has it.
    pub const fn inputs(self) -> &'static [&'static str] {
        match self {
            Self::StatusClass => &["elb_status_code"],
            // The time of the target has another name in the Classic table.
            Self::TotalTime => &["request_processing_time"],
            Self::TlsVersion => &["ssl_protocol", "tls_protocol", "tls_protocol_version"],
            Self::RequestQuery => &["request_url"],
            Self::UserAgentFamily | Self::UserAgentOs | Self::BotName | Self::BotKind => &["user_agent"],
            Self::ClientCountry | Self::ClientAsn => &["client_ip"],
            Self::SampleWeight | Self::RawLine => &[],
        }
    }

    /// Returns whether a table has the column if it is asked for.
    pub fn is_in(self, format: &Format) -> bool {
        let mut columns = format.fields.iter().flat_map(Field::columns);
        self.inputs().is_empty() || columns.any(|column| self.inputs().contains(&column.name))
    }
}

impl Extras {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// Every column.
    pub const ALL: Self = Self((1 << Extra::ALL.len()) - 1);

    /// The columns that the setting `ENRICH` can name. The others come with settings of their own.
    pub const ENRICHMENT: Self = Self(Self::ALL.0 & !(1 << Extra::SampleWeight as u32 | 1 << Extra::RawLine as u32));

    /// Returns whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Parses names separated by commas; none if one is not the name of a column of [`Extras::ENRICHMENT`].
    pub fn enrichment(names: &str) -> Option<Self> {
        let column = |name: &str| Self::ENRICHMENT.iter().find(|extra| extra.name() == name.trim());
        names.split(',').map(column).collect()
    }

    /// Returns the set with one more column.
    #[must_use]
    pub const fn with(self, extra: Extra) -> Self {
        Self(self.0 | 1 << extra as u32)
    }

    /// Returns whether the set has a column.
    pub const fn contains(self, extra: Extra) -> bool {
        self.0 & 1 << extra as u32 != 0
    }

    /// Returns the columns in the order in which tables have them.
    pub fn iter(self) -> impl Iterator<Item = Extra> {
        Extra::ALL.into_iter().filter(move |extra| self.contains(*extra))
    }

    /// Returns the columns that a table has.
    pub(super) fn of(self, log_type: LogType) -> impl Iterator<Item = Extra> {
        self.iter().filter(move |extra| extra.is_in(log_type.format()))
    }
}

impl FromIterator<Extra> for Extras {
    fn from_iter<I: IntoIterator<Item = Extra>>(extras: I) -> Self {
        extras.into_iter().fold(Self::NONE, Self::with)
    }
}

/// Shows the names, separated by commas.
impl fmt::Display for Extras {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(Extra::name).collect();
        out.write_str(&names.join(","))
    }
}

const fn extra(name: &'static str, kind: Kind, doc: &'static str) -> Column {
    column(name, Decode::Derived(kind), doc)
}
