//! Redaction: what of the values of clients is delivered.
//!
//! A [`Redact`] is a parsed setting. A [`Redactor`] applies it to the events of a table, a [`LineRedactor`] to malformed lines.

mod address;
mod key;
mod language;
mod line;
mod path;
mod percent;
mod query;
mod secrets;
mod shape;
mod url;

use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::formats::{Extra, Kind, Plan};
use crate::parse::batch::Batch;
use crate::transform::enrich;
use crate::transform::memo::Memo;

pub use key::{Key, KeyError};
pub use language::RedactError;
pub use line::LineRedactor;
pub use secrets::{SECRET_NAMES, SECRET_WORDS};
pub use shape::mask;

use language::{Action, HOSTS, QUERY, Rules, URLS};
use query::Query;
use url::{Path, Url};

/// The bytes of texts of a column whose results are kept from batch to batch, if its action is costly.
const KEPT_BYTES: usize = 128 * 1024;
/// The column of user agents, from which others are derived.
const AGENT: &str = "user_agent";
/// What uap-core calls user agents of no known family.
const OTHER: &[u8] = b"Other";

/// A redaction. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Redact {
    rules: Arc<Rules>,
    key: Option<Arc<Key>>,
    /// Whether malformed lines stay as they are.
    keep_raw: bool,
}

/// Hashes values with the key, if there is one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hasher<'a>(Option<&'a Key>);

impl Hasher<'_> {
    #[cfg(test)]
    pub(crate) const NONE: Self = Self(None);

    /// Appends the hash of a value; nothing without a key.
    fn hash(self, column: &str, value: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(key) = self.0 else { return false };
        for byte in key.hmac(column, value) {
            for digit in [byte >> 4, byte & 15] {
                out.push(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 });
            }
        }
        true
    }
}

impl Redact {
    /// Parses a setting.
    ///
    /// # Errors
    /// An unknown field or action, or one that does not fit the other.
    pub fn parse(text: &str) -> Result<Self, RedactError> {
        Ok(Self {
            rules: Arc::new(language::parse(text)?),
            key: None,
            keep_raw: false,
        })
    }

    /// Sets whether malformed lines stay as they are.
    #[must_use]
    pub const fn keeping_raw(mut self, keep: bool) -> Self {
        self.keep_raw = keep;
        self
    }

    /// Sets the key.
    #[must_use]
    pub fn with_key(mut self, key: Arc<Key>) -> Self {
        self.key = Some(key);
        self
    }

    /// Returns whether an action needs a key. Without one, it removes values.
    pub fn needs_key(&self) -> bool {
        let keyed = |action: &Action| matches!(action, Action::Hmac | Action::Pseudonym);
        let Url { query, path } = &self.rules.url;
        self.rules.columns.values().any(keyed) || *query == Query::Hmac || *path == Path::Hmac
    }

    /// Returns whether malformed lines are redacted.
    pub const fn redacts_raw(&self) -> bool {
        !self.keep_raw
    }

    /// Returns 16 hexadecimal digits that identify the rules, whatever their order and spelling; a key contributes a hash of a constant.
    pub fn fingerprint(&self) -> String {
        let mut text = self.rules.to_string();
        if self.keep_raw {
            text.push_str(",quarantine_raw=keep");
        }
        let mut hash = Sha256::new_with_prefix(text);
        if let Some(key) = self.key.as_ref().filter(|_| self.needs_key()) {
            hash.update(key.hmac("fingerprint", b"alb-ingest"));
        }
        let mut fingerprint = String::new();
        for byte in hash.finalize().iter().take(8) {
            // Writing to a string does not fail.
            let _ = write!(fingerprint, "{byte:02x}");
        }
        fingerprint
    }

    /// Returns the redaction of a table's events.
    pub fn of(&self, plan: &'static Plan) -> Redactor {
        let columns = plan.columns.iter().map(|column| match column.kind {
            _ if column.first_word => Rule::FirstWord(column.known),
            Kind::Text | Kind::TextList => self.rules.of(column.name),
            _ => Rule::None,
        });
        Redactor {
            plan,
            rules: columns.collect(),
            redact: self.clone(),
            memos: plan.columns.iter().map(|_| Memo::new(KEPT_BYTES)).collect(),
            lines: plan.column(Extra::RawLine.name()).map(|column| {
                let mut lines = LineRedactor::new(self.clone());
                lines.set_table(plan.format.log_type);
                (column, Box::new(lines))
            }),
        }
    }
}

/// What happens to the texts of a column of a table.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// The setting says nothing of it.
    None,
    Column(Action),
    /// A URL, or a path.
    Url,
    /// Parameters alone.
    Parameters,
    Host,
    Shape,
    /// The word that a line begins with. AWS writes it, but broken lines may begin with text of a client.
    FirstWord(&'static [&'static str]),
    /// A name that was derived from a user agent which is redacted, and what knows the names that no client chose.
    Derived(fn(&[u8]) -> bool),
}

impl Rules {
    fn of(&self, column: &str) -> Rule {
        if let Some(action) = self.columns.get(column) {
            return Rule::Column(*action);
        }
        let keeps_query = self.url.query == Query::Keep;
        let keeps_agent = matches!(self.columns.get(AGENT), None | Some(Action::Keep));
        match column {
            "user_agent_family" if !keeps_agent => Rule::Derived(enrich::is_family),
            "user_agent_os" if !keeps_agent => Rule::Derived(enrich::is_system),
            // Nothing is known of them.
            "extra_fields" => Rule::Shape,
            QUERY if !keeps_query => Rule::Parameters,
            column if URLS.contains(&column) && !self.url.is_keep() => Rule::Url,
            column if HOSTS.contains(&column) && !self.url.is_keep() => Rule::Host,
            _ => Rule::None,
        }
    }
}

/// Redacts the events of one table.
#[derive(Debug)]
pub struct Redactor {
    plan: &'static Plan,
    /// The rule of each column.
    rules: Vec<Rule>,
    redact: Redact,
    /// The results of each column whose action is costly.
    memos: Vec<Memo<Option<Vec<u8>>>>,
    /// The column of raw lines, which are redacted as malformed lines are.
    lines: Option<(usize, Box<LineRedactor>)>,
}

impl Redactor {
    /// Redacts the events of a batch.
    pub fn apply(&mut self, batch: &mut Batch) {
        for column in 0..self.rules.len() {
            if self.has_rule(column) {
                batch.replace_texts(column, |text, out| self.replace(column, text, out));
            }
        }
        if let Some((column, lines)) = &mut self.lines {
            batch.replace_texts(*column, |line, out| {
                out.extend_from_slice(&lines.redact(line));
                true
            });
        }
    }

    /// Returns whether a column may change.
    fn has_rule(&self, column: usize) -> bool {
        !matches!(
            self.rules.get(column),
            None | Some(Rule::None | Rule::Column(Action::Keep))
        )
    }

    /// Appends the redacted form of a text; returns false if it is null.
    fn replace(&mut self, column: usize, text: &[u8], out: &mut Vec<u8>) -> bool {
        let key = self.redact.key.as_deref();
        let (hasher, url) = (Hasher(key), &self.redact.rules.url);
        let begin = out.len();
        match self.rules.get(column).copied().unwrap_or(Rule::None) {
            Rule::None => out.extend_from_slice(text),
            Rule::Url => url.redact(text, hasher, out),
            Rule::Parameters => url.parameters(text, b"", hasher, out),
            Rule::Host => url::host(text, out),
            Rule::FirstWord(known) if is_word(known, text) => out.extend_from_slice(text),
            Rule::Derived(is_known) if is_known(text) => out.extend_from_slice(text),
            Rule::Derived(_) => out.extend_from_slice(OTHER),
            Rule::Shape | Rule::FirstWord(_) => shape::mask(text, out),
            Rule::Column(action) => {
                let name = self.plan.columns.get(column).map_or("", |column| column.name);
                let memo = self.memos.get_mut(column).filter(|_| action.is_costly());
                return match memo {
                    Some(memo) => replace_once(memo, text, out, |out| replace_value(action, name, (text, key), out)),
                    None => replace_value(action, name, (text, key), out),
                };
            }
        }
        out.len() > begin
    }
}

/// Replaces a text, unless it is known by what; returns false if that is null.
fn replace_once(
    memo: &mut Memo<Option<Vec<u8>>>,
    text: &[u8],
    out: &mut Vec<u8>,
    replace: impl FnOnce(&mut Vec<u8>) -> bool,
) -> bool {
    let known = memo.get(text, || {
        let mut new = Vec::new();
        replace(&mut new).then_some(new)
    });
    out.extend_from_slice(known.as_deref().unwrap_or_default());
    known.is_some()
}

/// Returns whether text is one of the known words, or could be a new one.
fn is_word(known: &[&str], text: &[u8]) -> bool {
    /// The maximum length of a new word.
    const MAX: usize = 8;
    let is_new = || text.len() <= MAX && text.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    known.iter().any(|known| known.as_bytes() == text) || is_new()
}

fn replace_value(action: Action, column: &str, (text, key): (&[u8], Option<&Key>), out: &mut Vec<u8>) -> bool {
    match action {
        Action::Keep => out.extend_from_slice(text),
        Action::Drop => return false,
        Action::Hmac => return Hasher(key).hash(column, text, out),
        Action::Family => match enrich::family(text) {
            Some(family) => out.extend_from_slice(family.as_bytes()),
            None => out.extend_from_slice(OTHER),
        },
        Action::Truncate(..) | Action::Pseudonym => {
            // Other text in the place of an address could be anything.
            let Some((before, address, after)) = address::parse(text) else {
                return false;
            };
            let address = match (action, key) {
                (Action::Truncate(v4, v6), _) => address::truncate(address, (v4, v6)),
                (_, Some(key)) => key.pseudonym(address),
                (_, None) => return false,
            };
            address::write((before, after), address, out);
        }
    }
    true
}
