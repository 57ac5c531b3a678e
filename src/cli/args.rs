//! The commands and their arguments. The settings come from their table.

use clap::builder::{PossibleValuesParser, StyledStr};
use clap::{Arg, ArgAction, Command, value_parser};

use crate::config::SETTINGS;
use crate::formats::FORMATS;
use crate::schema::catalog::FIRST_DAY;
use crate::schema::mapping::Schema;

/// The command line.
pub(super) fn command() -> Command {
    Command::new("alb-ingest")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Turns AWS load balancer log objects into normalized, typed events, and loses nothing")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(run())
        .subcommand(replay())
        .subcommand(explain())
        .subcommand(schema())
        .subcommand(generate())
        .subcommand(
            Command::new("completions")
                .about("Prints a completion script for a shell")
                .after_help(examples(&[
                    "alb-ingest completions bash > /etc/bash_completion.d/alb-ingest",
                ]))
                .arg(
                    Arg::new("shell")
                        .required(true)
                        .value_parser(value_parser!(clap_complete::Shell)),
                ),
        )
}

/// A flag for each setting.
fn settings() -> impl Iterator<Item = Arg> {
    SETTINGS.iter().map(|setting| {
        let help = format!(
            "{} [allowed: {}] [default: {}] [env: {}]",
            setting.doc, setting.allowed, setting.default, setting.name
        );
        Arg::new(setting.flag)
            .long(setting.flag)
            .value_name(setting.name)
            .help(help)
    })
}

fn replay() -> Command {
    Command::new("replay")
        .about("Works on an invocation payload as the function does, and prints its answer")
        .after_help(examples(&[
            "alb-ingest replay events/s3-put.json --bucket-root events --to out",
            "alb-ingest replay events/batch-2.0.json --bucket-root events --to out",
            "DESTINATION=s3://events-bucket/parquet alb-ingest replay failed-message.json",
        ]))
        .arg(Arg::new("event").value_name("EVENT.json").required(true).help(
            "The payload: what S3, SQS, SNS, EventBridge or S3 Batch Operations invokes the function with; - for stdin",
        ))
        .arg(
            Arg::new("bucket-root")
                .long("bucket-root")
                .value_name("DIR")
                .help("A folder whose folders stand for buckets: nothing of AWS is needed then"),
        )
        .args(settings())
}

fn run() -> Command {
    Command::new("run")
        .about("Ingests log objects: files, folders or stdin in; Parquet or JSON out")
        .after_help(examples(&[
            "alb-ingest run events/objects --to out",
            "alb-ingest run access.log.gz --to - | jq .request_url",
            "zcat old/*.gz | alb-ingest run - --table alb_access_log --to out --format json --compression gzip",
            "alb-ingest run logs --to out --include '**/us-east-1/**' --report json",
        ]))
        .arg(
            Arg::new("input")
                .value_name("INPUT")
                .required(true)
                .num_args(1..)
                .help("A file, a folder with everything below it, or - for stdin"),
        )
        .args(settings())
        .arg(table_flag())
        .arg(
            Arg::new("jobs")
                .long("jobs")
                .value_name("N")
                .value_parser(value_parser!(u16).range(1..))
                .help("Objects ingested at a time; fewer than this take a second thread each, where there are cores. The output does not depend on it [default: one for each core]"),
        )
        .arg(
            Arg::new("report")
                .long("report")
                .value_parser(["text", "json"])
                .default_value("text")
                .help("How the report at the end is written"),
        )
}

fn explain() -> Command {
    Command::new("explain")
        .about("Shows a line field by field, or where and why reading it stopped")
        .after_help(examples(&[
            "alb-ingest explain 'http 2026-10-07T12:44:59.875678Z 0.019584011 192.0.2.97:80 targets PASS 200 -'",
            "zcat access.log.gz | head -n 1 | alb-ingest explain",
        ]))
        .arg(
            Arg::new("line")
                .value_name("LINE")
                .help("The line; every line of stdin where it is missing"),
        )
        .arg(table_flag())
}

fn schema() -> Command {
    let store = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    Command::new("schema")
        .about("Prints the columns of a table, for people or for what reads them")
        .after_help(examples(&[
            "alb-ingest schema alb_access_log --as markdown",
            "alb-ingest schema alb_access_log --as athena --location s3://events-bucket/parquet --since 2026-01-01",
            "alb-ingest schema nlb_access_log --as glue --location s3://events-bucket --partition-by hour > table.json",
            "alb-ingest schema clb_access_log --as json-schema > clb_access_log.schema.json",
        ]))
        .arg(
            Arg::new("table")
                .value_name("TABLE")
                .required(true)
                .value_parser(tables(&[])),
        )
        .arg(
            Arg::new("as")
                .long("as")
                .value_name("FORM")
                .value_parser(["markdown", "arrow", "athena", "glue", "json-schema"])
                .default_value("markdown")
                .help("The form: a page, an Arrow schema, Athena's DDL, the TableInput of Glue, a JSON Schema of the events"),
        )
        .arg(
            store("schema", "SCHEMA", "The names and the nesting of the values, as runs were told")
                .value_parser(Schema::ALL.map(Schema::name))
                .default_value(Schema::Native.name()),
        )
        .arg(store(
            "location",
            "s3://BUCKET/PREFIX",
            "athena, glue: the destination of the runs [default: s3://BUCKET/PREFIX, to be put right by hand]",
        ))
        .arg(
            store("partition-by", "LAYOUT", "athena, glue: how the runs laid out their files")
                .value_parser(["day", "hour", "none"])
                .default_value("day"),
        )
        .arg(
            store("format", "FORMAT", "athena, glue: the format of the files")
                .value_parser(["parquet", "json"])
                .default_value("parquet"),
        )
        .arg(store("since", "YYYY-MM-DD", "athena, glue: the first day that has events").default_value(FIRST_DAY))
        .arg(store("database", "NAME", "athena: the database [default: the current one]"))
}

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
        .about("Makes log objects to try things with: the same seed gives the same bytes everywhere")
        .after_help(examples(&[
            "alb-ingest generate alb_access_log --lines 200000 --seed 1 --to logs",
            "alb-ingest generate clb_access_log --lines 10 --hostile 0.2 --to -",
            "alb-ingest generate --samples events/objects",
        ]))
        .arg(
            Arg::new("table")
                .value_name("TABLE")
                .required_unless_present_any(["samples", "template-tables"])
                .value_parser(tables(&[])),
        )
        .arg(number("lines", "1000", "How many entries"))
        .arg(number("seed", "1", "The seed that everything comes from"))
        .arg(number("members", "1", "How many gzip members"))
        .arg(
            Arg::new("fields")
                .long("fields")
                .value_name("N")
                .value_parser(value_parser!(usize))
                .help("How many fields a line has [default: all that are known]"),
        )
        .arg(rate(
            "hostile",
            "The share of lines with text that attackers and broken clients send",
        ))
        .arg(rate("broken", "The share of lines that are malformed"))
        .arg(rate(
            "repairable",
            "The share of lines with a broken quote that can be repaired",
        ))
        .arg(
            Arg::new("to")
                .long("to")
                .value_name("DIR|-")
                .required_unless_present_any(["samples", "template-tables"])
                .help("The folder in which the object gets its key as name, or - for stdout"),
        )
        .arg(
            Arg::new("samples")
                .long("samples")
                .value_name("DIR")
                .conflicts_with("table")
                .help("Writes the project's sample objects into a folder instead"),
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

fn table_flag() -> Arg {
    Arg::new("table")
        .long("table")
        .value_name("TABLE")
        .value_parser(tables(&["auto"]))
        .action(ArgAction::Set)
        .default_value("auto")
        .help("The table; auto looks at the key and the first lines")
}

fn tables(more: &[&'static str]) -> PossibleValuesParser {
    PossibleValuesParser::new(more.iter().copied().chain(FORMATS.map(|format| format.name)))
}

fn examples(lines: &[&str]) -> StyledStr {
    let mut text = "Examples:".to_owned();
    for line in lines {
        text.push_str("\n  ");
        text.push_str(line);
    }
    text.into()
}
