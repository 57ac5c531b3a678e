//! The names that fields have in vended logs, which CloudWatch delivers in place of the legacy log objects.
//!
//! Each format has a table of the names that differ from those of its fields. A line of a vended log names its fields, or a
//! header does; the set of the names decides on the log type, never a value and never the key.

use super::{Decode, Fill, Format, LEADING, LogType, TRAILING};

/// The maximum length of the name of a field in a delivery. The API of CloudWatch does not accept longer ones.
pub const MAX_NAME: usize = 64;

/// The names of a log type's fields in vended logs.
#[derive(Debug)]
pub struct Vended {
    /// Fields with other names than on the page of the legacy log: the name of the field, and those in vended logs, the one
    /// that AWS writes first. A field's own name is always accepted.
    pub aliases: &'static [(&'static str, &'static [&'static str])],
    /// Names that no other log has. Without one of them, names say nothing of the log type: `type`, `time`, `elb` and
    /// `status` are in many logs.
    pub signs: &'static [&'static str],
}

impl Format {
    /// Returns the names of the fields in vended logs, in the order of the fields; none if the log type is not delivered as
    /// vended logs.
    pub fn vended_names(&self) -> impl Iterator<Item = &'static str> {
        let aliases = self.vended.as_ref().map(|vended| vended.aliases);
        let fields = self.fields.iter().filter(move |_| aliases.is_some());
        fields.map(move |field| {
            let mut aliases = aliases.into_iter().flatten();
            let names = aliases.find(|(name, _)| *name == field.name).map(|(_, names)| *names);
            names.and_then(|names| names.first()).copied().unwrap_or(field.name)
        })
    }

    /// Returns the number of the field that a vended log names.
    pub fn vended_field(&self, name: &[u8]) -> Option<usize> {
        let vended = self.vended.as_ref()?;
        let alias = |names: &[&str]| names.iter().any(|alias| alias.as_bytes() == name);
        let alias = vended.aliases.iter().find(|(_, names)| alias(names));
        let name = alias.map_or(name, |(field, _)| field.as_bytes());
        self.fields.iter().position(|field| field.name.as_bytes() == name)
    }
}

/// Returns the log type whose fields have these names: the one that has the most of them, and a name that only it has. Names of
/// columns that this program adds to every event are not those of a log, but of its own output.
pub fn vended_type<T: AsRef<[u8]>>(names: &[T]) -> Option<LogType> {
    let names = names.iter().map(AsRef::as_ref);
    if names.clone().any(is_of_output) {
        return None;
    }
    let scores = LogType::ALL.map(|log_type| {
        let format = log_type.format();
        let known = names.clone().filter(|name| format.vended_field(name).is_some()).count();
        (known, log_type)
    });
    let (best, log_type) = scores.into_iter().max_by_key(|(known, _)| *known)?;
    let alone = scores.iter().filter(|(known, _)| *known == best).count() == 1;
    let mut signs = log_type.format().vended.iter().flat_map(|vended| vended.signs);
    let has_sign = signs.any(|sign| names.clone().any(|name| name == sign.as_bytes()));
    (alone && has_sign).then_some(log_type)
}

fn is_of_output(name: &[u8]) -> bool {
    let own = Fill::EventId;
    let mut columns = LEADING.iter().chain(&TRAILING).filter(|column| match column.decode {
        Decode::Filled(fill) => fill == own || matches!(fill, Fill::SourceBucket | Fill::SourceKey | Fill::SourceLine),
        _ => false,
    });
    columns.any(|column| column.name.as_bytes() == name)
}

/// The names of the values on lines that do not name them, in the order of the delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldOrder {
    /// The log type that has fields of these names.
    pub log_type: LogType,
    /// The names.
    pub names: Vec<String>,
}

impl FieldOrder {
    /// Parses names separated by commas. Returns `None` if they are not those of one log type, or two are of the same field.
    pub fn parse(value: &str) -> Option<Self> {
        let names: Vec<_> = value.split(',').map(|name| name.trim().to_owned()).collect();
        let log_type = vended_type(&names)?;
        let same = |one: &String, other: &String| {
            let field = |name: &String| log_type.format().vended_field(name.as_bytes());
            one == other || field(one).is_some() && field(one) == field(other)
        };
        let repeated = |(at, name): (usize, &String)| names.iter().take(at).any(|before| same(before, name));
        let valid =
            names.iter().all(|name| (1..=MAX_NAME).contains(&name.len())) && !names.iter().enumerate().any(repeated);
        valid.then_some(Self { log_type, names })
    }

    /// Returns the order of the legacy log, in which the fields of a delivery are by default.
    pub fn usual(log_type: LogType) -> Self {
        let names = log_type.format().vended_names().map(str::to_owned).collect();
        Self { log_type, names }
    }
}

#[cfg(test)]
mod tests {
    use super::super::FORMATS;
    use super::*;

    fn type_of(names: &[&str]) -> Option<LogType> {
        vended_type(names)
    }

    #[test]
    fn every_alias_and_every_sign_names_a_field_of_its_own() {
        for format in FORMATS {
            let Some(vended) = &format.vended else {
                assert_eq!(format.log_type, LogType::ClbAccess);
                assert_eq!(format.vended_names().count(), 0);
                continue;
            };
            for (field, names) in vended.aliases {
                assert!(format.fields.iter().any(|known| known.name == *field), "{field}");
                assert!(!names.is_empty(), "{field}");
            }
            for (number, name) in format.vended_names().enumerate() {
                assert_eq!(format.vended_field(name.as_bytes()), Some(number), "{name}");
                assert_eq!(format.vended_field(format.fields[number].name.as_bytes()), Some(number));
            }
            assert!(!vended.signs.is_empty());
            for sign in vended.signs {
                let mut having = FORMATS
                    .iter()
                    .filter(|other| other.vended_field(sign.as_bytes()).is_some());
                assert!(
                    having.next().is_some_and(|only| only.log_type == format.log_type),
                    "{sign}"
                );
                assert!(having.next().is_none(), "{sign}");
            }
        }
    }

    #[test]
    fn the_set_of_names_decides_on_the_log_type() {
        for format in FORMATS.iter().filter(|format| format.vended.is_some()) {
            let mut names: Vec<_> = format.vended_names().collect();
            names.reverse();
            names.push("a_field_of_next_year");
            assert_eq!(type_of(&names), Some(format.log_type));
            assert_eq!(FieldOrder::usual(format.log_type).log_type, format.log_type);
        }
        assert_eq!(type_of(&["time", "request_line"]), Some(LogType::AlbAccess));
        for names in [
            &["type", "time", "elb", "client_port"][..],
            &["time", "status", "status_code", "latency"],
            &["request_line", "alpn_fe_protocol"],
            &["event_id", "timestamp", "tls_verify_status", "source_line"],
            &[],
        ] {
            assert_eq!(type_of(names), None, "{names:?}");
        }
    }

    #[test]
    fn an_order_of_fields_names_each_field_once() {
        let order = FieldOrder::parse("time, request_line,elb,new").unwrap();
        assert_eq!((order.log_type, order.names.len()), (LogType::AlbAccess, 4));
        for wrong in [
            "",
            "time",
            "time,,request_line",
            "request,request_line",
            "request_line,new,new",
        ] {
            assert_eq!(FieldOrder::parse(wrong), None, "{wrong}");
        }
    }
}
