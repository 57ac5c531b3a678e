//! The report of an audit, as text and as JSON.

use std::io::{self, BufWriter, Write};

use clap::ArgMatches;
use indicatif::HumanCount;
use serde_json::Value;

use crate::escape::{escaped, escaped_json};
use crate::layout::Delivery;

use super::super::Stop;
use super::findings::Findings;

/// The number of findings of a kind that the text lists.
const MAX_SHOWN: u64 = 20;

/// Prints the report.
pub(super) fn print(matches: &ArgMatches, findings: &mut Findings, written: &[Option<String>]) -> Result<(), Stop> {
    let mut out = BufWriter::new(anstream::stdout());
    match matches.get_one::<String>("report").map(String::as_str) {
        Some("json") => json(findings, &mut out)?,
        _ => text(findings, written, &mut out)?,
    }
    out.flush()?;
    Ok(())
}

fn text(findings: &mut Findings, written: &[Option<String>], out: &mut impl Write) -> Result<(), Stop> {
    let delivery = match findings.delivery {
        Delivery::PerObject => "one output for each object",
        Delivery::Merged => "merged outputs",
    };
    writeln!(out, "objects      {}, {delivery}", HumanCount(findings.objects))?;
    let complete = HumanCount(findings.complete);
    match findings.without_output {
        0 => writeln!(out, "complete     {complete}")?,
        without => writeln!(
            out,
            "complete     {complete}, {} of them without lines",
            HumanCount(without)
        )?,
    }
    if findings.young > 0 {
        let young = HumanCount(findings.young);
        writeln!(out, "young        {young} within the grace period, not counted")?;
    }
    for (name, list) in findings.lists() {
        let count = list.count();
        let label = match name {
            "missing_outputs" => "missing",
            "gaps" => "gap",
            name => name,
        };
        let mut shown = 0;
        list.each(|finding| {
            shown += 1;
            if shown <= MAX_SHOWN {
                writeln!(out, "{label:<12} {}", escaped(&words(name, finding)))?;
            }
            Ok(())
        })?;
        if count > MAX_SHOWN {
            let more = HumanCount(count - MAX_SHOWN);
            writeln!(out, "{label:<12} {more} more; --report json lists all")?;
        }
    }
    for file in written.iter().flatten() {
        writeln!(out, "{}", escaped(file))?;
    }
    if findings.is_clean() {
        writeln!(out, "nothing is wrong")?;
    }
    Ok(())
}

/// Returns a finding in words.
fn words(list: &str, finding: &Value) -> String {
    if let Some(name) = finding.as_str() {
        return name.to_owned();
    }
    let field = |name: &str| finding.get(name).and_then(Value::as_str);
    if list == "gaps" {
        let get = |name| field(name).unwrap_or_default();
        let intervals = finding.get("intervals").and_then(Value::as_u64).unwrap_or_default();
        return format!(
            "{} {}, node {}: no object for {intervals} intervals, which end from {} to {}",
            get("table"),
            get("load_balancer"),
            get("node"),
            get("from"),
            get("to")
        );
    }
    let subject: Vec<_> = ["key", "output", "plan"].into_iter().filter_map(field).collect();
    let subject = subject.join(" in ");
    match field("reason") {
        Some(reason) => format!("{subject}: {reason}"),
        None => subject,
    }
}

/// Writes the lists one finding at a time: there may be one for each object.
fn json(findings: &mut Findings, out: &mut impl Write) -> Result<(), Stop> {
    let delivery = serde_json::json!(findings.delivery);
    write!(
        out,
        r#"{{"mode":{delivery},"objects":{},"complete":{},"young":{},"without_output":{}"#,
        findings.objects, findings.complete, findings.young, findings.without_output
    )?;
    for (name, list) in findings.lists() {
        write!(out, r#","{name}":["#)?;
        let mut separator = "";
        list.each(|finding| {
            write!(out, "{separator}{}", escaped_json(&finding.to_string()))?;
            separator = ",";
            Ok(())
        })?;
        write!(out, "]")?;
    }
    let written: io::Result<()> = writeln!(out, "}}");
    Ok(written?)
}
