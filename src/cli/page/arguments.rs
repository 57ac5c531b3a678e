//! The arguments of `alb-ingest report`.

use clap::{Arg, Command, ValueHint};

use super::super::args::{examples, help_flag, input, jobs, table_option, time_range};
use super::super::options::{heading, settings};
use crate::config::Section;

/// The settings that reading objects needs.
pub(super) const NEEDED: [&str; 6] = [
    "include",
    "exclude",
    "fields",
    "on-corrupt",
    "requester-pays",
    "source-owner",
];

/// The title if none is given.
const TITLE: &str = "Load balancer report";

pub(in super::super) fn command() -> Command {
    let output = heading(Section::Output);
    Command::new("report")
        .about("Show what happened on one page: traffic, errors, latency, TLS, health, attacks")
        .long_about(
            "Show what happened on one page: traffic, errors, latency, TLS, health checks, suspicious requests, and what was read.\n\n\
             The page is one HTML file that needs no network. Counts and sums are exact. Percentiles, numbers of distinct values, \
             and lists with very many values are estimates whose bounds the page states. Objects of all types can be mixed; they \
             are read once, and the memory does not depend on their size.\n\n\
             Options with an [env] note can also be set by that environment variable; the option takes precedence.",
        )
        .override_usage("alb-ingest report [OPTIONS] --to <FILE> <INPUT>...")
        .after_help(examples(&[
            "alb-ingest report s3://my-logs/AWSLogs/ --from -1d --to report.html",
            "alb-ingest report logs --format json | jq .requests",
        ]))
        .arg(input())
        .arg(table_option().help_heading(heading(Section::Input)))
        .args(settings(|_| true).filter(|setting| NEEDED.contains(&setting.get_id().as_str())))
        .args(time_range())
        .arg(
            Arg::new("to")
                .long("to")
                .value_name("FILE")
                .value_hint(ValueHint::FilePath)
                .help("File to write, or - for stdout")
                .long_help("File to write, or - for stdout. The file must not exist.\n\n[default: - with --format json]")
                .help_heading(output),
        )
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .value_parser(["html", "json"])
                .default_value("html")
                .help("Page, or its figures alone")
                .long_help("The page, or its figures alone as one JSON object.")
                .help_heading(output),
        )
        .arg(
            Arg::new("title")
                .long("title")
                .value_name("TEXT")
                .default_value(TITLE)
                .help("Title of the page")
                .help_heading(output),
        )
        .arg(jobs().long_help(
            "Objects to read in parallel.\n\n\
             If there are fewer objects than this and spare cores, each object uses a second thread. The figures do not depend on \
             it.\n\n\
             [default: number of cores]",
        ).help("Objects to read in parallel [default: number of cores]"))
        .disable_help_flag(true)
        .arg(help_flag())
}
