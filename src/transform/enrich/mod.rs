//! Enrichment: columns that are derived from the raw values of others, and from data about user agents and addresses.

mod agent;
mod columns;
mod geo;
mod names;

use std::sync::Arc;

use crate::formats::{ColumnSource, Extra, Extras, Plan};
use crate::parse::batch::{Batch, Values};
use crate::parse::line::Span;
use crate::transform::memo::Memo;

use agent::{Agent, Wanted};
use columns::append;
use geo::Place;
pub use geo::{Geo, GeoError};
pub(super) use names::{family, is_family, is_system};

/// The bytes of texts whose results are kept from batch to batch.
const KEPT_BYTES: usize = 128 * 1024;

/// The columns that are derived from the user agent.
const OF_AGENT: [Extra; 4] = [
    Extra::UserAgentFamily,
    Extra::UserAgentOs,
    Extra::BotName,
    Extra::BotKind,
];

/// The columns that are derived from the client's address.
const OF_ADDRESS: [Extra; 2] = [Extra::ClientCountry, Extra::ClientAsn];

/// Returns the columns that need databases of addresses.
pub fn needs_geo(extras: Extras) -> bool {
    OF_ADDRESS.into_iter().any(|extra| extras.contains(extra))
}

/// Fills the extra columns of one table.
#[derive(Debug)]
pub(super) struct Enricher {
    /// The columns to fill, and their positions.
    extras: Vec<(usize, Extra)>,
    agents: Option<Agents>,
    addresses: Option<Addresses>,
    /// The number of the batch.
    batch: u64,
}

/// The columns that are derived from the user agent.
#[derive(Debug)]
struct Agents {
    source: usize,
    /// The positions of [`OF_AGENT`], of those that the table has.
    columns: [Option<usize>; OF_AGENT.len()],
    memo: Memo<InBatch<Arc<Agent>, [Span; OF_AGENT.len()]>>,
    rows: Vec<[Span; OF_AGENT.len()]>,
}

/// The columns that are derived from the client's address.
#[derive(Debug)]
struct Addresses {
    source: usize,
    /// The positions of [`OF_ADDRESS`], of those that the table has.
    columns: [Option<usize>; OF_ADDRESS.len()],
    geo: Arc<Geo>,
    memo: Memo<InBatch<Place, Span>>,
    rows: Vec<(Span, Option<u32>)>,
}

/// A result, and its texts in the batch that used it last.
#[derive(Debug)]
struct InBatch<V, S> {
    value: V,
    batch: u64,
    texts: S,
}

impl<V, S: Copy> InBatch<V, S> {
    const fn new(value: V, texts: S) -> Self {
        Self { value, batch: 0, texts }
    }

    /// Returns the texts in a batch, to which `write` appends them when it uses the result for the first time.
    fn texts(&mut self, batch: u64, write: impl FnOnce(&V) -> S) -> S {
        if self.batch != batch {
            self.batch = batch;
            self.texts = write(&self.value);
        }
        self.texts
    }
}

impl Enricher {
    pub(super) fn new(plan: &Plan, geo: Option<&Arc<Geo>>) -> Self {
        let columns = plan.columns.iter().enumerate();
        let extras = columns.filter_map(|(number, column)| match column.source {
            ColumnSource::Extra(extra) => Some((number, extra)),
            ColumnSource::Part { .. } | ColumnSource::Filled(_) => None,
        });
        Self {
            extras: extras.collect(),
            agents: Agents::new(plan),
            addresses: geo.and_then(|geo| Addresses::new(plan, geo)),
            batch: 0,
        }
    }

    /// Fills the columns for every event of a batch.
    pub(super) fn fill(&mut self, batch: &mut Batch) {
        self.batch += 1;
        for (number, extra) in &self.extras {
            match extra {
                Extra::StatusClass => columns::status_class(batch, *number),
                Extra::TotalTime => columns::total_time(batch, *number),
                Extra::TlsVersion => columns::tls_version(batch, *number),
                Extra::RequestQuery => columns::request_query(batch, *number),
                // Together, below; by the step that samples; and by the parser.
                Extra::UserAgentFamily
                | Extra::UserAgentOs
                | Extra::BotName
                | Extra::BotKind
                | Extra::ClientCountry
                | Extra::ClientAsn
                | Extra::SampleWeight
                | Extra::RawLine => {}
            }
        }
        if let Some(agents) = &mut self.agents {
            agents.fill(batch, self.batch);
        }
        if let Some(addresses) = &mut self.addresses {
            addresses.fill(batch, self.batch);
        }
    }
}

/// Returns the positions of columns, and of the one that they are derived from; none if the table has none of them.
fn positions<const N: usize>(plan: &Plan, source: &str, extras: [Extra; N]) -> Option<(usize, [Option<usize>; N])> {
    let columns = extras.map(|extra| plan.column(extra.name()));
    columns.iter().any(Option::is_some).then_some(())?;
    Some((plan.column(source)?, columns))
}

impl Agents {
    fn new(plan: &Plan) -> Option<Self> {
        let (source, columns) = positions(plan, "user_agent", OF_AGENT)?;
        Some(Self {
            source,
            columns,
            memo: Memo::new(KEPT_BYTES),
            rows: Vec::new(),
        })
    }

    fn fill(&mut self, batch: &mut Batch, number: u64) {
        let Self {
            source,
            columns,
            memo,
            rows,
        } = self;
        let [family, system, name, kind] = columns.map(|column| column.is_some());
        let wanted = Wanted {
            family,
            system,
            bot: name || kind,
        };
        let (values, text) = batch.columns_mut();
        let Some(Values::Text(agents)) = values.get(*source) else {
            return;
        };
        rows.clear();
        for row in 0..agents.len() {
            let Some(agent) = agents.get(row, text).map(agent::examined) else {
                rows.push([Span::NULL; OF_AGENT.len()]);
                continue;
            };
            let known = memo.get(agent, || {
                InBatch::new(Agent::of(agent, wanted), [Span::NULL; OF_AGENT.len()])
            });
            rows.push(known.texts(number, |facts| {
                let bot = facts.bot();
                let texts = [
                    facts.family().filter(|_| family),
                    facts.system().filter(|_| system),
                    bot.map(|(bot, _)| bot).filter(|_| name),
                    bot.map(|(_, bot)| bot).filter(|_| kind),
                ];
                texts.map(|value| value.map_or(Span::NULL, |value| append(text, value.as_bytes())))
            }));
        }
        for (at, column) in columns.iter().enumerate() {
            if let Some(Values::Text(texts)) = column.and_then(|column| values.get_mut(column)) {
                for row in rows.iter() {
                    texts.push(row.get(at).copied().unwrap_or(Span::NULL));
                }
            }
        }
    }
}

impl Addresses {
    fn new(plan: &Plan, geo: &Arc<Geo>) -> Option<Self> {
        let (source, columns) = positions(plan, "client_ip", OF_ADDRESS)?;
        Some(Self {
            source,
            columns,
            geo: Arc::clone(geo),
            memo: Memo::new(KEPT_BYTES),
            rows: Vec::new(),
        })
    }

    fn fill(&mut self, batch: &mut Batch, number: u64) {
        let Self {
            source,
            columns,
            geo,
            memo,
            rows,
        } = self;
        let (values, text) = batch.columns_mut();
        let Some(Values::Text(addresses)) = values.get(*source) else {
            return;
        };
        rows.clear();
        for row in 0..addresses.len() {
            let Some(address) = addresses.get(row, text) else {
                rows.push((Span::NULL, None));
                continue;
            };
            let known = memo.get(address, || InBatch::new(geo.place(address), Span::NULL));
            let country = known.texts(number, |place| {
                place.country.map_or(Span::NULL, |code| append(text, &code))
            });
            rows.push((country, known.value.asn));
        }
        let [country, asn] = *columns;
        if let Some(Values::Text(countries)) = country.and_then(|column| values.get_mut(column)) {
            for (country, _) in rows.iter() {
                countries.push(*country);
            }
        }
        if let Some(Values::Int64(numbers)) = asn.and_then(|column| values.get_mut(column)) {
            for (_, asn) in rows.iter() {
                numbers.push(asn.map(i64::from));
            }
        }
    }
}
