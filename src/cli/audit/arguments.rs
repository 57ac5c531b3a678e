//! The arguments of `alb-ingest audit`.

use clap::{Arg, ArgAction, Command, ValueHint};

use super::super::args::{examples, help_flag, jobs, report, source_and_destination, time_range};
use super::super::options::settings;

/// The settings that an audit needs besides those of the layout.
const NEEDED: [&str; 12] = [
    "include",
    "exclude",
    "on-corrupt",
    "quarantine",
    "compression",
    "geo-database",
    "redact",
    "redact-key",
    "quarantine-raw",
    "requester-pays",
    "source-owner",
    "destination-owner",
];

pub(in super::super) fn command() -> Command {
    const CHECKS: &str = "Checks";
    Command::new("audit")
        .about("Check that a destination has everything of a source, intact, and nothing else")
        .long_about(
            "Check that a destination has everything of a source, intact, and nothing else.\n\n\
             The destination's _alb-ingest.json says how it was delivered. What is missing, failed, extra, corrupt or out of \
             balance is listed, and the exit code is 1 if anything is. Gaps, in which a load balancer node wrote no object \
             although another one did, are listed too, but do not count. Nothing is written, and deliveries may go on.\n\n\
             Options with an [env] note can also be set by that environment variable; the option takes precedence.",
        )
        .override_usage("alb-ingest audit [OPTIONS] <SOURCE> <DEST>")
        .after_help(examples(&[
            "alb-ingest audit s3://my-logs/AWSLogs/ s3://my-events/parquet --from -7d",
            "alb-ingest audit logs out --deep --repair repair.json",
        ]))
        .args(source_and_destination())
        .arg(
            Arg::new("deep")
                .long("deep")
                .action(ArgAction::SetTrue)
                .help("Compare contents")
                .long_help(
                    "Compare contents. With one output for each object, every object is read again, and its outputs are compared \
                     with those that this release writes; with merged outputs, every file is compared with the SHA-256 in its plan.",
                )
                .help_heading(CHECKS),
        )
        .arg(
            Arg::new("grace")
                .long("grace")
                .value_name("DURATION")
                .help("Do not count objects whose interval ended less than this ago")
                .long_help(
                    "Do not count objects whose interval ended less than this ago, such as 15m, 6h or 2d. The interval is the one in \
                     the object's key; objects without one are counted. 0m counts everything.\n\n\
                     [default: 15m for s3://, 0m for directories]",
                )
                .help_heading(CHECKS),
        )
        .arg(
            Arg::new("repair")
                .long("repair")
                .value_name("FILE")
                .value_hint(ValueHint::FilePath)
                .help("Write payloads that deliver what is missing or damaged")
                .long_help(
                    "Write payloads that deliver what is missing or damaged, one a line: objects, or the folders to merge. \
                     `alb-ingest replay` takes the file, and the function each line. The file must not exist.",
                )
                .help_heading(CHECKS),
        )
        .arg(
            Arg::new("failed")
                .long("failed")
                .value_name("FILE")
                .value_hint(ValueHint::FilePath)
                .help("Write payloads that deliver failed members of plans elsewhere")
                .long_help(
                    "Write payloads that deliver the failed members of plans to another destination, one a line. A plan is final, so \
                     a member that it calls failed is never merged; `alb-ingest replay FILE --to OTHER` gives each an output of \
                     its own. Members that are gone or were overwritten are not written. The file must not exist.",
                )
                .help_heading(CHECKS),
        )
        .args(time_range())
        .args(settings(|_| true).filter(|setting| NEEDED.contains(&setting.get_id().as_str())))
        .arg(
            jobs()
                .help("Files to look at in parallel [default: 16]")
                .long_help("Files to look at in parallel.\n\n[default: 16, or the number of cores if that is more]"),
        )
        .arg(report())
        .disable_help_flag(true)
        .arg(help_flag())
}
