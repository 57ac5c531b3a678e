//! The results of a long run, one JSON object a line, so it can be stopped and continued.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use super::point::{Point, Verdict, name_of};

/// The results of the points so far.
pub(super) struct State {
    file: Option<Mutex<File>>,
    revision: String,
    done: BTreeSet<String>,
    /// The processes that were killed by earlier runs.
    pub(super) killed: u64,
    /// The points of earlier runs at which something was wrong.
    pub(super) defects: Vec<String>,
}

impl State {
    /// Keeps no results.
    pub(super) const fn none() -> Self {
        Self {
            file: None,
            revision: String::new(),
            done: BTreeSet::new(),
            killed: 0,
            defects: Vec::new(),
        }
    }

    /// Reads the results of this revision in a file, and appends those to come.
    pub(super) fn open(path: &Path) -> Self {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).unwrap();
        }
        let mut state = Self {
            revision: revision(),
            ..Self::none()
        };
        let before = fs::read_to_string(path).unwrap_or_default();
        // The last line is incomplete if the run was stopped while it was written.
        let (whole, rest) = before.rsplit_once('\n').unwrap_or(("", &before));
        for line in whole.lines() {
            let point: Value = serde_json::from_str(line).unwrap();
            if point["revision"] != state.revision {
                continue;
            }
            state.killed += u64::from(point["killed"] == true);
            if point["equal"] != true || point["partial"] != 0 {
                state.defects.push(line.to_owned());
            }
            state.done.insert(id(&point));
        }
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        if !rest.is_empty() {
            file.set_len((before.len() - rest.len()) as u64).unwrap();
        }
        file.flush().unwrap();
        state.file = Some(Mutex::new(file));
        state
    }

    pub(super) fn has(&self, case: &str, seed: u64, point: &Point) -> bool {
        self.done.contains(&id(&describe(case, seed, point)))
    }

    /// Appends the result of a point.
    pub(super) fn add(&self, case: &str, seed: u64, point: &Point, verdict: &Verdict, took: Duration) {
        let Some(file) = &self.file else {
            return;
        };
        let mut line = describe(case, seed, point);
        if let Some(op) = &verdict.op {
            line["op"] = json!(op);
        }
        line["killed"] = json!(verdict.killed);
        line["partial"] = json!(verdict.partial.len());
        line["equal"] = json!(verdict.different.is_empty());
        line["duplicates"] = json!(verdict.duplicates);
        line["milliseconds"] = json!(u64::try_from(took.as_millis()).unwrap());
        line["revision"] = json!(self.revision);
        // One write, so lines are never mixed.
        file.lock().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

fn describe(case: &str, seed: u64, point: &Point) -> Value {
    json!({
        "case": case,
        "seed": seed,
        "sequence": point.sequence.name(),
        "position": point.position,
        "of": point.of,
        "moment": name_of(point.moment),
        "op": point.op,
    })
}

fn id(point: &Value) -> String {
    let names = ["case", "seed", "sequence", "position", "moment"];
    names.map(|name| point[name].to_string()).join(" ")
}

/// Returns the git revision that is tested: the one that `make soak` names, or that of the working tree.
fn revision() -> String {
    if let Ok(revision) = std::env::var("SOAK_REVISION") {
        return revision;
    }
    let git = Command::new("git")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["rev-parse", "HEAD"])
        .output();
    git.map_or_else(
        |_| String::new(),
        |output| String::from_utf8(output.stdout).unwrap().trim().to_owned(),
    )
}
