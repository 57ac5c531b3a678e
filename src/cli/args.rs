//! The commands and their arguments.

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, ArgAction, Command, ValueHint, value_parser};

use crate::config::Section;
use crate::formats::FORMATS;
use crate::schema::catalog::FIRST_DAY;
use crate::schema::mapping::Schema;

use super::options::{heading, settings};

/// The exit codes, for the help and the reference page.
pub(super) const EXIT_CODES: [(&str, &str); 3] = [
    ("0", "Every line is accounted for, as an event or in the quarantine."),
    ("1", "An object failed, or the command could not do its work."),
    ("2", "The command line or a setting is invalid."),
];

/// The heading of the options that are not settings of objects or outputs.
const OTHER: &str = "Other options";

/// The width at which help is wrapped on wide terminals.
const MAX_WIDTH: usize = 100;

/// Returns the command line.
pub(super) fn command() -> Command {
    let long_examples = format!(
        "{}\n\nExit codes:\n{}",
        examples(&MAIN_EXAMPLES),
        EXIT_CODES
            .map(|(code, meaning)| format!("  {code}  {meaning}"))
            .join("\n")
    );
    let command = Command::new("alb-ingest")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Turn AWS load balancer logs into typed events as Parquet or JSON")
        .max_term_width(MAX_WIDTH)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help(examples(&MAIN_EXAMPLES))
        .after_long_help(long_examples)
        .subcommands([
            run(),
            backfill(),
            super::audit::command(),
            super::page::command(),
            replay(),
            explain(),
            schema(),
        ]);
    #[cfg(feature = "generate")]
    let command = command.subcommand(generate());
    command.subcommand(completions())
}

const MAIN_EXAMPLES: [&str; 2] = [
    "alb-ingest run logs --to out",
    "alb-ingest run s3://my-logs/AWSLogs/ --to s3://my-events/parquet",
];

fn run() -> Command {
    Command::new("run")
        .about("Ingest log objects and write them as Parquet or JSON")
        .long_about(
            "Ingest log objects and write them as Parquet or JSON.\n\n\
             Each line becomes an event or goes to the quarantine; the report at the end counts them. Outputs that \
             already exist are not written again.\n\n\
             Options with an [env] note can also be set by that environment variable; the option takes precedence.",
        )
        .override_usage("alb-ingest run [OPTIONS] --to <DEST> <INPUT>...")
        .after_help(examples(&[
            "alb-ingest run logs --to out --include '**/us-east-1/**'",
            "zcat access.log.gz | alb-ingest run - --to - | jq .request_url",
        ]))
        .arg(input())
        .arg(table_option().help_heading(heading(Section::Input)))
        .args(settings(|section| section != Section::Function))
        .args(time_range())
        .arg(jobs())
        .arg(report())
        .disable_help_flag(true)
        .arg(help_flag())
}

/// Returns the argument that names log objects.
pub(super) fn input() -> Arg {
    Arg::new("input")
        .value_name("INPUT")
        .required(true)
        .num_args(1..)
        .value_hint(ValueHint::AnyPath)
        .help("File, directory, s3://BUCKET/PREFIX, or - for stdin")
        .long_help(
            "File, directory, s3://BUCKET/PREFIX, or - for stdin.\n\n\
             Directories are searched recursively; hidden files are skipped.",
        )
}

/// Returns the arguments of commands that compare or connect logs and a destination.
pub(super) fn source_and_destination() -> [Arg; 2] {
    let place = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name)
            .value_name(value)
            .required(true)
            .value_hint(ValueHint::AnyPath)
            .help(help)
    };
    [
        place("logs", "SOURCE", "Directory or s3://BUCKET/PREFIX with the log objects"),
        place("dest", "DEST", "Destination of the events, as run --to takes it"),
    ]
}

pub(super) fn jobs() -> Arg {
    Arg::new("jobs")
        .long("jobs")
        .value_name("N")
        .value_parser(value_parser!(u16).range(1..))
        .help("Objects to ingest in parallel [default: number of cores]")
        .long_help(
            "Objects to ingest in parallel; with --merge, folders.\n\n\
             If there are fewer objects than this and spare cores, each object uses a second thread. The \
             output does not depend on it.\n\n\
             [default: number of cores]",
        )
        .help_heading(OTHER)
}

pub(super) fn report() -> Arg {
    Arg::new("report")
        .long("report")
        .value_name("FORMAT")
        .value_parser(["text", "json"])
        .default_value("text")
        .help("Format of the report")
        .long_help(
            "Format of the report at the end of the run.\n\n\
             The report goes to stdout, or to stderr if the events go to stdout.",
        )
        .help_heading(OTHER)
}

/// Returns the options that select objects by the end of the interval in their keys.
pub(super) fn time_range() -> [Arg; 2] {
    let time = |name: &'static str, help: &'static str, long: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("TIME")
            .allow_hyphen_values(true)
            .help(help)
            .long_help(long)
            .help_heading(heading(Section::Input))
    };
    [
        time(
            "from",
            "Skip objects whose interval ends before this time",
            "Skip objects whose interval ends before this time.\n\n\
             A day in UTC such as 2026-11-01, a time such as 2026-11-01T12:00Z, or a time before now such as -45d or -6h. The \
             interval is the one in the object's key; objects without one are skipped.",
        ),
        time(
            "to-time",
            "Skip objects whose interval ends at this time or later",
            "Skip objects whose interval ends at this time or later. The forms are those of --from.",
        ),
    ]
}

/// Returns the options that choose what a backfill does.
fn backfill_actions() -> [Arg; 3] {
    const ACTION: &str = "Actions";
    [
        Arg::new("run-here")
            .long("run-here")
            .action(ArgAction::SetTrue)
            .help("Deliver the objects on this machine")
            .help_heading(ACTION),
        Arg::new("send")
            .long("send")
            .value_name("QUEUE_URL")
            .conflicts_with_all(["run-here", "manifest"])
            .help("Send the folders to the queue of the installation")
            .long_help(
                "Send the folders to the queue of an installation with merged delivery, whose function then merges them.\n\n\
                 The URL is in the stack's outputs. DEST has to be the destination of the installation.",
            )
            .help_heading(ACTION),
        Arg::new("manifest")
            .long("manifest")
            .value_name("FILE")
            .conflicts_with("run-here")
            .value_hint(ValueHint::FilePath)
            .help("Write a manifest for S3 Batch Operations")
            .long_help(
                "Write a manifest for S3 Batch Operations, and print the command that creates a job with it.\n\n\
                 The job invokes the function for each object, so this is for destinations with one output for each object.",
            )
            .help_heading(ACTION),
    ]
}

fn backfill() -> Command {
    let list = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name(value)
            .value_delimiter(',')
            .help(help)
            .help_heading(heading(Section::Input))
    };
    Command::new("backfill")
        .about("Estimate, and then deliver, the objects from before the installation")
        .long_about(
            "Estimate, and then deliver, the objects from before the installation.\n\n\
             Without an action, the objects are listed and counted, a few of each table are read, and the events, files, requests, \
             time and cost are estimated; nothing is written. Outputs are merged unless --merge=false is given.\n\n\
             An interrupted backfill continues where it stopped when the same command runs again.\n\n\
             Options with an [env] note can also be set by that environment variable; the option takes precedence.",
        )
        .override_usage("alb-ingest backfill [OPTIONS] <SOURCE> <DEST>")
        .after_help(examples(&[
            "alb-ingest backfill s3://my-logs/AWSLogs/ s3://my-events/merged --from -90d",
            "alb-ingest backfill s3://my-logs/AWSLogs/ s3://my-events/merged --run-here",
        ]))
        .args(source_and_destination())
        .args(backfill_actions())
        .args(time_range())
        .arg(list("accounts", "ACCOUNTS", "Comma-separated accounts; others are skipped"))
        .arg(list("regions", "REGIONS", "Comma-separated regions; others are skipped"))
        .arg(list("tables", "TABLES", "Comma-separated tables; others are skipped"))
        .arg(
            Arg::new("concurrency")
                .long("concurrency")
                .value_name("N")
                .value_parser(value_parser!(u16).range(1..))
                .default_value("10")
                .help("Concurrency of the function to estimate the time with")
                .help_heading(OTHER),
        )
        .arg(
            Arg::new("price")
                .long("price")
                .value_name("NAME=DOLLARS")
                .action(ArgAction::Append)
                .help("Price that replaces one of us-east-1")
                .long_help(
                    "Price that replaces one of us-east-1, such as s3-put=0.0000054. May be given several times; \
                     `--report json` lists the names.",
                )
                .help_heading(OTHER),
        )
        .arg(jobs())
        .arg(report())
        .args(
            settings(|section| !matches!(section, Section::Function | Section::Firehose))
                .filter(|setting| setting.get_id() != "to"),
        )
        .disable_help_flag(true)
        .arg(help_flag())
}

fn replay() -> Command {
    Command::new("replay")
        .about("Process payloads, messages or keys as the function does")
        .long_about(
            "Process payloads, messages or a list of keys as the function does, and print the responses.\n\n\
             The exit code is 1 if the function would have returned an error, or a message, task or object failed.\n\n\
             Options with an [env] note can also be set by that environment variable; the option takes precedence.",
        )
        .override_usage("alb-ingest replay [OPTIONS] --to <DEST> <FILE>")
        .after_help(examples(&[
            "alb-ingest replay events/s3-put.json --bucket-root events --to out",
            "aws sqs receive-message --queue-url URL | alb-ingest replay - --to s3://my-events/parquet",
        ]))
        .arg(
            Arg::new("event")
                .value_name("FILE")
                .required(true)
                .value_hint(ValueHint::FilePath)
                .help("File with payloads, messages or keys, or - for stdin")
                .long_help(
                    "File with payloads, messages or keys, or - for stdin. It is recognized by its content.\n\n\
                     JSON, one or several values: events from S3, SQS, SNS, EventBridge or S3 Batch Operations as the function \
                     receives them, records of failed invocations, messages as `aws sqs receive-message` prints them, and what \
                     `audit --repair` and `audit --failed` write.\n\n\
                     Keys, one a line: s3://BUCKET/KEY, the path of a file in a directory of --bucket-root, or BUCKET,KEY or \
                     BUCKET,KEY,VERSION with encoded keys, as in a manifest of S3 Batch Operations.",
                ),
        )
        .arg(
            Arg::new("bucket-root")
                .long("bucket-root")
                .value_name("DIR")
                .value_hint(ValueHint::DirPath)
                .help("Directory whose subdirectories replace the buckets")
                .long_help(
                    "Directory whose subdirectories replace the buckets.\n\n\
                     Objects are then read from local files, without access to AWS.",
                )
                .help_heading(heading(Section::Input)),
        )
        .args(settings(|_| true))
        .disable_help_flag(true)
        .arg(help_flag())
}

fn explain() -> Command {
    Command::new("explain")
        .about("Show a line field by field, or where and why parsing failed")
        .long_about(
            "Show a line field by field, or where and why parsing failed.\n\n\
             Each row shows the number and the name of the field, its raw text, and the column and value that it \
             becomes. The exit code is 1 if a line is malformed.",
        )
        .after_help(examples(&[
            "zcat access.log.gz | head -n 1 | alb-ingest explain",
            "alb-ingest explain --table clb_access_log < malformed.log",
        ]))
        .arg(
            Arg::new("line")
                .value_name("LINE")
                .help("Line to explain [default: every line of stdin]"),
        )
        .arg(table_option())
}

fn schema() -> Command {
    const STORE: &str = "Athena and Glue options";
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    Command::new("schema")
        .about("Print the columns of a table in a form that people or other tools read")
        .after_help(examples(&[
            "alb-ingest schema alb_access_log --as athena --location s3://my-events/parquet",
            "alb-ingest schema clb_access_log --as json-schema > clb_access_log.schema.json",
        ]))
        .arg(table_argument().required(true))
        .arg(list_values_in_long_help(
            option(
                "as",
                "FORM",
                "Form, such as athena, json-schema or elasticsearch [default: markdown]",
            )
            .long_help(
                "Form of the output: a Markdown page, an Arrow schema, the CREATE TABLE statement of Athena for the files or for \
                 an Iceberg table that Firehose fills, the TableInput of Glue, a JSON Schema of the events, the custom schema or \
                 the data model of Panther, or the index template of Elasticsearch for events in ECS.",
            )
            .value_parser([
                "markdown",
                "arrow",
                "athena",
                "iceberg",
                "glue",
                "json-schema",
                "panther",
                "panther-data-model",
                "elasticsearch",
            ])
            .default_value("markdown"),
        ))
        .arg(list_values_in_long_help(
            option("schema", "SCHEMA", "Schema of the events [default: native]")
                .long_help("Schema of the events, as set with `run --schema`.")
                .value_parser(Schema::ALL.map(Schema::name))
                .default_value(Schema::Native.name()),
        ))
        .arg(
            option("enrich", "COLUMNS", "Columns on request that the table has as well").long_help(
                "Columns on request that the table has as well, as set with `run --enrich`, separated by commas. \
                 A table without a column's inputs does not have it.",
            ),
        )
        .arg(
            Arg::new("sample")
                .long("sample")
                .action(ArgAction::SetTrue)
                .help("Add the column sample_weight, which events of `run --sample` have"),
        )
        .arg(
            Arg::new("keep-raw")
                .long("keep-raw")
                .action(ArgAction::SetTrue)
                .help("Add the column raw_line, which events of `run --keep-raw` have"),
        )
        .arg(
            Arg::new("panther-fields")
                .long("panther-fields")
                .action(ArgAction::SetTrue)
                .help("Fields that Panther adds, as with `run --panther-fields`"),
        )
        .next_help_heading(STORE)
        .arg(
            option("location", "PREFIX", "Destination of the events, s3://BUCKET/PREFIX").long_help(
                "Destination of the events, as set with `run --to`.\n\n\
                     [default: the placeholder s3://BUCKET/PREFIX, to be replaced in the output]",
            ),
        )
        .arg(
            option("partition-by", "LAYOUT", "Folder layout")
                .value_parser(["day", "hour", "none"])
                .default_value("day"),
        )
        .arg(
            option("format", "FORMAT", "File format")
                .value_parser(["parquet", "json"])
                .default_value("parquet"),
        )
        .arg(option("since", "DATE", "First day with events, YYYY-MM-DD").default_value(FIRST_DAY))
        .arg(option(
            "database",
            "NAME",
            "Athena database of the table [default: the current one]",
        ))
}

#[cfg(feature = "generate")]
fn generate() -> Command {
    let number = |name: &'static str, default: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("N")
            .value_parser(value_parser!(u64))
            .default_value(default)
            .help(help)
    };
    let rate = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("RATE")
            .value_parser(value_parser!(crate::generate::Rate))
            .default_value("0")
            .help(help)
    };
    Command::new("generate")
        .about("Generate log objects for tests and measurements")
        .long_about(
            "Generate log objects for tests and measurements.\n\nThe same options and seed give the same bytes on every machine.",
        )
        .override_usage("alb-ingest generate [OPTIONS] <TABLE> --to <DIR>\n       alb-ingest generate --samples <DIR>")
        .after_help(examples(&[
            "alb-ingest generate alb_access_log --lines 200000 --seed 1 --to logs",
            "alb-ingest generate clb_access_log --lines 10 --hostile 0.2 --to -",
        ]))
        .arg(table_argument().required_unless_present_any(["samples", "template-tables"]))
        .arg(number("lines", "1000", "Number of log entries"))
        .arg(number("seed", "1", "Seed of the random content"))
        .arg(number("members", "1", "Number of gzip members"))
        .arg(
            Arg::new("fields")
                .long("fields")
                .value_name("N")
                .value_parser(value_parser!(usize))
                .help("Number of fields per line [default: all known fields]"),
        )
        .arg(rate(
            "hostile",
            "Share of lines with text from attackers and broken clients",
        ))
        .arg(rate("broken", "Share of malformed lines"))
        .arg(rate("repairable", "Share of lines with a broken quote that can be repaired"))
        .arg(
            Arg::new("to")
                .long("to")
                .value_name("DIR")
                .value_hint(ValueHint::DirPath)
                .required_unless_present_any(["samples", "template-tables"])
                .help("Directory to write the object to, under its key, or - for stdout"),
        )
        .arg(
            Arg::new("samples")
                .long("samples")
                .value_name("DIR")
                .value_hint(ValueHint::DirPath)
                .conflicts_with("table")
                .help("Write the sample objects of the project to a directory instead"),
        )
        .arg(
            Arg::new("template-tables")
                .long("template-tables")
                .hide(true)
                .action(ArgAction::SetTrue)
                .conflicts_with_all(["table", "samples"])
                .help("Prints the tables of template.yaml instead"),
        )
}

fn completions() -> Command {
    Command::new("completions")
        .about("Print a completion script for a shell")
        .after_help(examples(&[
            "alb-ingest completions bash > /etc/bash_completion.d/alb-ingest",
            "alb-ingest completions fish > ~/.config/fish/completions/alb-ingest.fish",
        ]))
        .arg(
            Arg::new("shell")
                .value_name("SHELL")
                .required(true)
                .value_parser(value_parser!(clap_complete::Shell))
                .help("Shell"),
        )
}

fn table_argument() -> Arg {
    list_values_in_long_help(
        Arg::new("table")
            .value_name("TABLE")
            .value_parser(tables(&[]))
            .help("Table, such as alb_access_log")
            .long_help("Table, one for each type of log."),
    )
}

pub(super) fn table_option() -> Arg {
    list_values_in_long_help(
        Arg::new("table")
            .long("table")
            .value_name("TABLE")
            .value_parser(tables(&["auto"]))
            .action(ArgAction::Set)
            .default_value("auto")
            .help("Table, such as alb_access_log [default: auto]")
            .long_help("Table of the log lines. auto detects it from the key and the first lines."),
    )
}

fn tables(more: &[&'static str]) -> PossibleValuesParser {
    PossibleValuesParser::new(more.iter().copied().chain(FORMATS.map(|format| format.name)))
}

/// The flag for help as clap defines it, but under the last heading.
pub(super) fn help_flag() -> Arg {
    Arg::new("help")
        .short('h')
        .long("help")
        .action(ArgAction::Help)
        .help("Print help (see more with '--help')")
        .long_help("Print help (see a summary with '-h')")
        .help_heading(OTHER)
}

/// Moves the default and the possible values, which are too long for one line, to the long help.
fn list_values_in_long_help(arg: Arg) -> Arg {
    let help = arg.get_long_help().map(ToString::to_string).unwrap_or_default();
    let notes = [default_note(&arg), possible_values_note(&arg)];
    let notes: Vec<String> = notes.into_iter().flatten().collect();
    arg.long_help(format!("{help}\n\n{}", notes.join("\n")))
        .hide_default_value(true)
        .hide_possible_values(true)
}

/// Returns the default of an argument as clap shows it.
pub(super) fn default_note(arg: &Arg) -> Option<String> {
    let value = arg.get_default_values().first()?;
    Some(format!("[default: {}]", value.display()))
}

/// Returns the possible values of an argument as clap shows them.
pub(super) fn possible_values_note(arg: &Arg) -> Option<String> {
    let values = arg.get_possible_values();
    let names: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
    (!names.is_empty()).then(|| format!("[possible values: {}]", names.join(", ")))
}

pub(super) fn examples(lines: &[&str]) -> String {
    format!("Examples:\n  {}", lines.join("\n  "))
}
