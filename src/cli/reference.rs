//! The reference page of the commands and their options, made from the definitions of its commands.

use clap::builder::StyledStr;
use clap::{Arg, Command};

use crate::config::{SETTINGS, Section};

use super::args::{EXIT_CODES, command, default_note, possible_values_note};
use super::options::heading;

const FUNCTION: &str = heading(Section::Function);

const INTRODUCTION: &str = "# Command-line options

This page is generated from the definitions of the commands. `alb-ingest COMMAND -h` prints one line per option,
`alb-ingest COMMAND --help` prints everything. [cli.md](cli.md) shows the commands with examples.

A boolean option is a flag: `--overwrite` is short for `--overwrite=true`. Its value follows an equals sign, never a
space. [settings.md](settings.md) lists the settings as environment variables.
";

/// Returns the reference page as Markdown.
pub fn markdown() -> String {
    let mut command = command();
    command.build();
    let codes = EXIT_CODES.map(|(code, meaning)| format!("- `{code}`: {meaning}\n"));
    let commands = command.get_subcommands().filter(|command| command.get_name() != "help");
    let sections: String = commands.map(section).collect();
    format!("{INTRODUCTION}\n## Exit codes\n\n{}{sections}", codes.concat())
}

fn section(command: &Command) -> String {
    let name = command.get_name();
    let about = command.get_long_about().or_else(|| command.get_about());
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").replace("\n       ", "\n");
    let settings = if name == "replay" {
        "\nThe other options are the settings that [run](#run) lists, with the same meaning.\n"
    } else {
        ""
    };
    let examples = text(command.get_after_help());
    let examples: Vec<&str> = examples.lines().skip(1).map(str::trim).collect();
    format!(
        "\n## {name}\n\n{}\n\n```text\n{}\n```\n{}{settings}\n**Examples**\n\n```sh\n{}\n```\n",
        escaped(&text(about)),
        usage.trim(),
        arguments(command),
        examples.join("\n"),
    )
}

/// Lists the arguments of a command by heading, in the order of the help.
fn arguments(command: &Command) -> String {
    let name = command.get_name();
    let mut lists: Vec<(&str, String)> = Vec::new();
    for arg in command.get_arguments().filter(|arg| is_described(arg, name)) {
        let default = if arg.is_positional() { "Arguments" } else { "Options" };
        let heading = arg.get_help_heading().unwrap_or(default);
        let item = format!("- `{arg}`: {}\n", description(arg));
        match lists.iter_mut().find(|(known, _)| *known == heading) {
            Some((_, list)) => list.push_str(&item),
            None => lists.push((heading, item)),
        }
    }
    let text = lists.into_iter().map(|(heading, list)| {
        let note = if heading == FUNCTION {
            "Only the function needs these settings. `run` accepts them, but its help does not list them.\n\n"
        } else {
            ""
        };
        format!("\n**{heading}**\n\n{note}{list}")
    });
    text.collect()
}

/// Returns whether the page describes an argument of a command. The settings are described once.
fn is_described(arg: &Arg, command: &str) -> bool {
    let setting = SETTINGS.iter().any(|setting| arg.get_id() == setting.flag);
    arg.get_id() != "help" && !(command == "replay" && setting)
}

/// Returns the whole help of an argument in one paragraph.
fn description(arg: &Arg) -> String {
    let help = text(arg.get_long_help().or_else(|| arg.get_help()));
    let facts = [
        (!arg.is_hide_default_value_set()).then(|| default_note(arg)),
        (!arg.is_hide_possible_values_set()).then(|| possible_values_note(arg)),
    ];
    let words: Vec<&str> = help.split_whitespace().collect();
    let parts = [words.join(" ")]
        .into_iter()
        .chain(facts.into_iter().flatten().flatten());
    escaped(&parts.collect::<Vec<_>>().join(" "))
}

fn text(help: Option<&StyledStr>) -> String {
    help.map(ToString::to_string).unwrap_or_default()
}

/// Escapes the characters that have a meaning in Markdown; an underscore has none inside a word.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut in_word = false;
    for character in text.chars() {
        if matches!(character, '*' | '<' | '|') || (character == '_' && !in_word) {
            escaped.push('\\');
        }
        escaped.push(character);
        in_word = character.is_alphanumeric();
    }
    escaped
}
