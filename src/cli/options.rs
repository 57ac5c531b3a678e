//! The settings as options of the command line.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command};

use crate::config::{SETTINGS, Section, Setting};

/// Returns an option for each setting. Those of a section that is not `listed` are accepted, but not part of the help.
pub(super) fn settings(listed: impl Fn(Section) -> bool) -> impl Iterator<Item = Arg> {
    SETTINGS
        .iter()
        .map(move |setting| option(setting).hide(!listed(setting.section)))
}

/// Returns the heading of a section of settings.
pub(super) const fn heading(section: Section) -> &'static str {
    match section {
        Section::Input => "Input options",
        Section::Output => "Output options",
        Section::Events => "Event options",
        Section::Merge => "Merge options",
        Section::Firehose => "Firehose options",
        Section::S3 => "S3 options",
        Section::Function => "Function options",
    }
}

fn option(setting: &'static Setting) -> Arg {
    let (summary, details) = setting.doc.split_once(". ").unwrap_or((setting.doc, ""));
    let summary = summary.trim_end_matches('.');
    let choices = choices(setting.allowed);
    let boolean = choices == BOOLEAN;
    let short = if choices.is_empty() || boolean {
        summary.to_owned()
    } else {
        format!("{summary} [possible values: {}]", choices.join(", "))
    };
    let allowed = if choices.is_empty() {
        "allowed"
    } else {
        "possible values"
    };
    let separator = if details.is_empty() { "" } else { "\n\n" };
    let long = format!(
        "{summary}.{separator}{details}\n\n[default: {}]\n[{allowed}: {}]\n[env: {}]",
        setting.default, setting.allowed, setting.name
    );
    let arg = Arg::new(setting.flag)
        .long(setting.flag)
        .value_name(setting.value_name)
        .value_parser(Suggestions(choices))
        .hide_possible_values(true)
        .help(short)
        .long_help(long)
        .help_heading(heading(setting.section));
    if boolean {
        arg.num_args(0..=1).require_equals(true).default_missing_value("true")
    } else {
        arg
    }
}

/// The values of a setting that is on or off.
const BOOLEAN: [&str; 2] = ["true", "false"];

/// Returns the values that a setting chooses from: `zstd, snappy (Parquet only)` lists two. Empty for other settings.
fn choices(allowed: &'static str) -> Vec<&'static str> {
    let choices = allowed.split(", ").map(|part| {
        let word = part.split_once(" (").map_or(part, |(word, _)| word);
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
        word.bytes().all(legal).then_some(word)
    });
    choices.collect::<Option<_>>().unwrap_or_default()
}

/// A parser that suggests values to the shell but accepts any: invalid ones are reported by the table of settings,
/// with the same words for options and environment variables.
#[derive(Debug, Clone)]
struct Suggestions(Vec<&'static str>);

impl TypedValueParser for Suggestions {
    type Value = String;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let values = self.0.iter().copied().map(PossibleValue::new);
        (!self.0.is_empty()).then(|| Box::new(values) as Box<_>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_from_the_allowed_values() {
        assert_eq!(choices("zstd, snappy (Parquet only), none"), ["zstd", "snappy", "none"]);
        assert_eq!(choices("true, false"), BOOLEAN);
        for other in ["twelve digits", "s3://BUCKET/PREFIX", "a directory, or s3://BUCKET"] {
            assert!(choices(other).is_empty(), "{other}");
        }
    }

    #[test]
    fn a_choice_starts_with_its_default() {
        for setting in &SETTINGS {
            let choices = choices(setting.allowed);
            if choices != BOOLEAN && !choices.is_empty() {
                assert!(setting.default.starts_with(choices[0]), "{}", setting.name);
            }
        }
    }
}
