//! Parses the setting: a list of `field=action`.

use std::collections::BTreeMap;
use std::fmt;

use crate::formats::{Extras, Kind, LogType, Presence};

use crate::transform::Pointer;

use super::query::Query;
use super::url::{Path, Url};

/// The rules of a redaction, by the names of columns. Columns of URLs without a rule of their own have that of all URLs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) columns: BTreeMap<&'static str, Action>,
    pub(super) url: Url,
}

/// Shows every rule in a fixed order and spelling. Outputs have a hash of it, so it must not change.
impl fmt::Display for Rules {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Url { query, path } = &self.url;
        match query {
            Query::Keep => out.write_str("query=keep"),
            Query::Drop => out.write_str("query=drop"),
            Query::Keys => out.write_str("query=keys"),
            Query::Secrets => out.write_str("query=secrets"),
            Query::Hmac => out.write_str("query=hmac"),
            Query::Only(names) => {
                let mut names = names.clone();
                names.sort();
                names.dedup();
                write!(out, "query=only({})", names.join(","))
            }
        }?;
        out.write_str(match path {
            Path::Keep => ",path=keep",
            Path::Drop => ",path=drop",
            Path::Template => ",path=template",
            Path::Hmac => ",path=hmac",
        })?;
        for (column, action) in &self.columns {
            match action {
                Action::Keep => write!(out, ",{column}=keep"),
                Action::Drop => write!(out, ",{column}=drop"),
                Action::Hmac => write!(out, ",{column}=hmac"),
                Action::Truncate(v4, v6) => write!(out, ",{column}=truncate({v4},{v6})"),
                Action::Pseudonym => write!(out, ",{column}=pseudonym"),
                Action::Family => write!(out, ",{column}=family"),
            }?;
        }
        Ok(())
    }
}

/// What happens to the texts of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Keep,
    Drop,
    Hmac,
    /// The first bits of addresses, of version 4 and 6.
    Truncate(u8, u8),
    Pseudonym,
    Family,
}

impl Action {
    /// Returns whether it takes much longer to replace a text than to look it up.
    pub(super) const fn is_costly(self) -> bool {
        matches!(self, Self::Hmac | Self::Pseudonym | Self::Family)
    }
}

/// Why a setting is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct RedactError {
    /// What is wrong.
    pub message: String,
    /// The setting.
    pub text: String,
    /// The position of the fault.
    pub at: usize,
}

impl fmt::Display for RedactError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message, text, at } = self;
        write!(out, "{message}\n{}", Pointer::to(text, *at..*at))
    }
}

/// A name for several columns.
pub(super) struct Shorthand {
    pub(super) name: &'static str,
    pub(super) columns: &'static [&'static str],
}

const TARGETS: &[&str] = &[
    "target_ip",
    "target_addr",
    "target_port_list",
    "backend_ip",
    "destination_ip",
];

/// The shorthands, but for `query` and `path`, which are parts of columns.
pub(super) static SHORTHANDS: [Shorthand; 5] = [
    Shorthand {
        name: "client_ips",
        columns: &["client_ip"],
    },
    Shorthand {
        name: "target_ips",
        columns: TARGETS,
    },
    Shorthand {
        name: "addresses",
        columns: &[
            "client_ip",
            "target_ip",
            "target_addr",
            "target_port_list",
            "backend_ip",
            "destination_ip",
            "ip_address",
        ],
    },
    Shorthand {
        name: "trace_ids",
        columns: &["trace_id", "conn_trace_id"],
    },
    Shorthand {
        name: "certificates",
        columns: &[
            "leaf_client_cert_subject",
            "leaf_client_cert_serial_number",
            "leaf_client_cert_validity",
        ],
    },
];

/// The columns that contain URLs, or their paths.
pub(super) const URLS: [&str; 4] = ["request_url", "request_path", "redirect_url", "transformed_uri"];
/// The column that contains parameters alone.
pub(super) const QUERY: &str = "request_query";
/// The columns that contain hosts.
pub(super) const HOSTS: [&str; 2] = ["request_host", "transformed_host"];

/// Returns whether the values of a column are addresses.
pub(super) fn is_address(column: &str) -> bool {
    column == "client_ip" || column == "ip_address" || TARGETS.contains(&column)
}

/// A rule that was parsed, with the positions of its field and its action in the text.
struct Item<'a> {
    field: (&'a str, usize),
    action: (&'a str, usize),
    arguments: Option<Vec<&'a str>>,
}

/// Parses the setting.
pub(super) fn parse(text: &str) -> Result<Rules, RedactError> {
    let fail = |(message, at): (String, usize)| RedactError {
        message,
        text: text.to_owned(),
        at,
    };
    let mut rules = Rules {
        columns: BTreeMap::new(),
        url: Url {
            query: Query::Keep,
            path: Path::Keep,
        },
    };
    let mut seen = Vec::new();
    let mut by_shorthand = BTreeMap::new();
    for (part, at) in parts(text).map_err(fail)? {
        let item = item(part, at).map_err(fail)?;
        let (field, at) = item.field;
        // The path and the parameters are columns, and parts of others.
        let field = match field {
            "request_path" => "path",
            QUERY => "query",
            other => other,
        };
        if seen.contains(&field) {
            return Err(fail((format!("{field} has an action already"), at)));
        }
        seen.push(field);
        match field {
            "query" => rules.url.query = query(&item).map_err(fail)?,
            "path" => rules.url.path = path(&item).map_err(fail)?,
            _ => {
                if let Some(shorthand) = SHORTHANDS.iter().find(|shorthand| shorthand.name == field) {
                    for name in shorthand.columns {
                        let action = action(name, &item).map_err(fail)?;
                        if let Some(other) = by_shorthand.insert(*name, action)
                            && other != action
                        {
                            return Err(fail((
                                format!("{name} has another action already, from a shorthand"),
                                at,
                            )));
                        }
                    }
                } else {
                    let name = column(field, at).map_err(fail)?;
                    rules.columns.insert(name, action(name, &item).map_err(fail)?);
                }
            }
        }
    }
    // The name of a column is more specific than a shorthand, wherever it is.
    for (name, action) in by_shorthand {
        rules.columns.entry(name).or_insert(action);
    }
    Ok(rules)
}

type Fault = (String, usize);

/// Splits a list at the commas outside of parentheses; returns each part with its position.
fn parts(text: &str) -> Result<Vec<(&str, usize)>, Fault> {
    let (mut parts, mut begin, mut open) = (Vec::new(), 0, None);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' if open.is_some() => return Err(("a parenthesis inside another".into(), at)),
            b'(' => open = Some(at),
            b')' if open.take().is_none() => return Err(("a parenthesis that was not opened".into(), at)),
            b',' if open.is_none() => {
                parts.push((text.get(begin..at).unwrap_or_default(), begin));
                begin = at + 1;
            }
            _ => {}
        }
    }
    if let Some(at) = open {
        return Err(("a parenthesis that is not closed".into(), at));
    }
    parts.push((text.get(begin..).unwrap_or_default(), begin));
    Ok(parts)
}

/// Trims a part of the text and moves its position accordingly.
fn trimmed(text: &str, at: usize) -> (&str, usize) {
    let trimmed = text.trim_start();
    (trimmed.trim_end(), at + text.len() - trimmed.len())
}

fn item(part: &str, at: usize) -> Result<Item<'_>, Fault> {
    let (part, at) = trimmed(part, at);
    let Some((field, action)) = part.split_once('=') else {
        return Err(("expected field=action, such as client_ip=truncate".into(), at));
    };
    let action_at = at + field.len() + 1;
    let field = trimmed(field, at);
    let (action, action_at) = trimmed(action, action_at);
    let Some((name, arguments)) = action.split_once('(') else {
        return Ok(Item {
            field,
            action: (action, action_at),
            arguments: None,
        });
    };
    let Some(arguments) = arguments.strip_suffix(')') else {
        return Err(("text after a closing parenthesis".into(), action_at));
    };
    Ok(Item {
        field,
        action: (name.trim(), action_at),
        arguments: Some(arguments.split(',').map(str::trim).collect()),
    })
}

/// Returns the column of that name, if its texts can be redacted.
fn column(name: &str, at: usize) -> Result<&'static str, Fault> {
    let reason = match name {
        "event_id" => Some("it contains nothing of a client, and retries need it"),
        "source_bucket" | "source_key" => {
            Some("AWS writes the names of log objects, not a client, and outputs are named after them")
        }
        "account_id" | "region" => Some("it is from the names of log objects, which AWS writes"),
        _ => None,
    };
    if let Some(reason) = reason {
        return Err((format!("{name} cannot be redacted: {reason}"), at));
    }
    let plans = LogType::ALL.into_iter().map(|log_type| log_type.plan_with(Extras::ALL));
    let mut columns = plans
        .flat_map(|plan| &plan.columns)
        .filter(|column| column.name == name)
        .peekable();
    let Some(first) = columns.peek() else {
        let names: Vec<_> = SHORTHANDS.iter().map(|shorthand| shorthand.name).collect();
        let message = format!(
            "no table has a column {name:?}; other fields: query, path, {}",
            names.join(", ")
        );
        return Err((message, at));
    };
    let name = first.name;
    if !matches!(first.kind, Kind::Text | Kind::TextList) {
        return Err((format!("{name} is not text: numbers and times cannot be redacted"), at));
    }
    if columns.any(|column| column.presence == Presence::Required) {
        return Err((
            format!("{name} cannot be redacted: every event must have its value"),
            at,
        ));
    }
    Ok(name)
}

fn unknown(item: &Item<'_>, allowed: &str) -> Fault {
    let ((field, _), (action, at)) = (item.field, item.action);
    (
        format!("{action:?} is not an action of {field}; allowed: {allowed}"),
        at,
    )
}

/// Fails if an action without arguments has some.
fn without_arguments<T>(value: T, item: &Item<'_>) -> Result<T, Fault> {
    match item.arguments {
        None => Ok(value),
        Some(_) => Err((format!("{} has no arguments", item.action.0), item.action.1)),
    }
}

fn query(item: &Item<'_>) -> Result<Query, Fault> {
    let query = match item.action.0 {
        "keep" => Query::Keep,
        "drop" => Query::Drop,
        "keys" => Query::Keys,
        "secrets" => Query::Secrets,
        "hmac" => Query::Hmac,
        "only" => {
            let names = item.arguments.as_deref().unwrap_or_default();
            let is_name = |name: &&str| {
                !name.is_empty()
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"_-.[]$:".contains(&byte))
            };
            if names.is_empty() || !names.iter().all(is_name) {
                return Err((
                    "only needs names of parameters, such as only(page,q)".into(),
                    item.action.1,
                ));
            }
            return Ok(Query::Only(names.iter().map(|name| (*name).to_owned()).collect()));
        }
        _ => return Err(unknown(item, "keep, drop, keys, secrets, only(NAME,…), hmac")),
    };
    without_arguments(query, item)
}

fn path(item: &Item<'_>) -> Result<Path, Fault> {
    let path = match item.action.0 {
        "keep" => Path::Keep,
        "drop" => Path::Drop,
        "template" => Path::Template,
        "hmac" => Path::Hmac,
        _ => return Err(unknown(item, "keep, drop, template, hmac")),
    };
    without_arguments(path, item)
}

fn action(column: &str, item: &Item<'_>) -> Result<Action, Fault> {
    let action = match item.action.0 {
        "keep" => Action::Keep,
        "drop" => Action::Drop,
        "hmac" => Action::Hmac,
        "truncate" if is_address(column) => return bits(item),
        "pseudonym" if is_address(column) => Action::Pseudonym,
        "family" if column == "user_agent" => Action::Family,
        _ if is_address(column) => {
            return Err(unknown(
                item,
                "keep, drop, truncate, truncate(BITS,BITS), pseudonym, hmac",
            ));
        }
        _ if column == "user_agent" => return Err(unknown(item, "keep, drop, family, hmac")),
        _ => return Err(unknown(item, "keep, drop, hmac")),
    };
    without_arguments(action, item)
}

fn bits(item: &Item<'_>) -> Result<Action, Fault> {
    let Some(arguments) = item.arguments.as_deref() else {
        return Ok(Action::Truncate(24, 48));
    };
    let number = |text: &str, most: u8| text.parse().ok().filter(|bits| *bits <= most);
    if let [v4, v6] = arguments
        && let (Some(v4), Some(v6)) = (number(v4, 32), number(v6, 128))
    {
        return Ok(Action::Truncate(v4, v6));
    }
    let message = "truncate needs the numbers of bits that stay: of IPv4, 0 to 32, and of IPv6, 0 to 128, such as truncate(24,48)";
    Err((message.into(), item.action.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_that_of_a_column() {
        let has = |name: &str| {
            LogType::ALL
                .into_iter()
                .any(|log_type| log_type.plan_with(Extras::ALL).column(name).is_some())
        };
        let shorthands = SHORTHANDS.iter().flat_map(|shorthand| shorthand.columns);
        for name in shorthands.chain(TARGETS).chain(&URLS).chain(&HOSTS).chain([&QUERY]) {
            assert!(has(name), "{name}");
        }
        for shorthand in &SHORTHANDS {
            assert!(!has(shorthand.name), "{}", shorthand.name);
        }
    }
}
