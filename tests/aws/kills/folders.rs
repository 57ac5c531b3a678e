//! The command from folder to folder, killed at its system calls by strace.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::json;

use super::point::{Case, Point, Sequence, Verdict};
use super::world::{foreign, missing};
use crate::common::Files;
use crate::common::folder::{text, tree, write};
use crate::servers::fault::Moment;

/// The system calls by which a program changes what a folder has, and those that may break such a change in two. Not every
/// architecture has all of them.
const CALLS: [&str; 20] = [
    "openat",
    "write",
    "pwrite64",
    "ftruncate",
    "copy_file_range",
    "sendfile",
    "close",
    "fsync",
    "fdatasync",
    "flock",
    "link",
    "linkat",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "fchmod",
];

/// A command that works in folders. In its arguments, `IN` and `OUT` are the folders of the objects and of the outputs;
/// `PAYLOAD` is a file that names all objects, in the bucket `in` below `ROOT`.
pub(super) struct FolderCase {
    name: &'static str,
    args: &'static [&'static str],
    folder: tempfile::TempDir,
    reference: Files,
    points: Vec<Point>,
}

/// Returns whether strace can be run.
pub(super) fn has_strace() -> bool {
    let version = Command::new("strace").arg("-V").output();
    version.is_ok_and(|output| output.status.success())
}

impl FolderCase {
    /// Creates the case and runs it without a kill.
    pub(super) fn new(name: &'static str, objects: &Files, args: &'static [&'static str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (key, bytes) in objects {
            write(&folder.path().join("in").join(key), bytes);
        }
        let list = objects.keys().map(|key| json!({"bucket": "in", "key": key}));
        let payload = json!({"objects": list.collect::<Vec<_>>()});
        write(&folder.path().join("payload.json"), payload.to_string().as_bytes());
        let mut case = Self {
            name,
            args,
            folder,
            reference: Files::new(),
            points: Vec::new(),
        };
        let log = case.folder.path().join("calls");
        let out = case.out();
        let output = case.run(out.path(), Some(&["-o", text(&log), "-e", &traced(&CALLS)]));
        assert!(output.status.success(), "{name}: {output:?}");
        case.reference = visible(out.path());
        assert!(case.reference.len() > 3, "{name}: {:?}", case.reference.keys());
        case.points = points(&fs::read_to_string(log).unwrap(), text(case.folder.path()));
        case
    }

    /// Returns a new folder for the outputs.
    fn out(&self) -> tempfile::TempDir {
        tempfile::tempdir_in(self.folder.path()).unwrap()
    }

    /// Runs the command, with these options of strace or without it.
    fn run(&self, out: &Path, strace: Option<&[&str]>) -> Output {
        let program = env!("CARGO_BIN_EXE_alb-ingest");
        let mut command = match strace {
            None => Command::new(program),
            Some(options) => {
                let mut command = Command::new("strace");
                command.args(["-f", "-qq"]).args(options).arg(program);
                command
            }
        };
        let path = std::env::vars_os().find(|(name, _)| name == "PATH");
        command.env_clear().envs(path).stdin(Stdio::null());
        let input = self.folder.path().join("in");
        for arg in self.args {
            match *arg {
                "IN" => command.arg(&input),
                "OUT" => command.arg(out),
                "ROOT" => command.arg(self.folder.path()),
                "PAYLOAD" => command.arg(self.folder.path().join("payload.json")),
                other => command.arg(other),
            };
        }
        command.output().unwrap()
    }
}

/// Returns the option that traces these calls, as far as the architecture has them.
fn traced(calls: &[&str]) -> String {
    format!(
        "trace={}",
        calls
            .iter()
            .map(|call| format!("?{call}"))
            .collect::<Vec<_>>()
            .join(",")
    )
}

/// Returns the points of a log of calls. strace counts the calls of each thread. Calls before the first that names the
/// folder are those of the program's start, and the standard streams are not in the folder.
fn points(log: &str, folder: &str) -> Vec<Point> {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut positions: BTreeMap<&'static str, BTreeSet<u64>> = BTreeMap::new();
    let mut has_started = false;
    for line in log.lines() {
        let (thread, call) = line.split_once(' ').unwrap_or_default();
        let (name, arguments) = call.trim_start().split_once('(').unwrap_or_default();
        let Some(name) = CALLS.into_iter().find(|known| *known == name) else {
            continue;
        };
        let count = counts.entry((thread, name)).or_default();
        *count += 1;
        has_started |= line.contains(folder);
        let is_stream = name == "write" && (arguments.starts_with("1,") || arguments.starts_with("2,"));
        if has_started && !is_stream {
            positions.entry(name).or_default().insert(*count);
        }
    }
    let points = positions.into_iter().flat_map(|(name, positions)| {
        let of = positions.last().copied().unwrap_or_default();
        positions.into_iter().map(move |position| Point {
            sequence: Sequence::Calls(name),
            position,
            of,
            moment: Moment::Before,
            op: name.to_owned(),
        })
    });
    points.collect()
}

/// Returns the files of a folder, without temporary ones, whose names begin with a dot.
fn visible(folder: &Path) -> Files {
    let mut files = tree(folder);
    files.retain(|path, _| !path.split('/').any(|name| name.starts_with('.')));
    files
}

impl Case for FolderCase {
    fn name(&self) -> &str {
        self.name
    }

    fn points(&self) -> &[Point] {
        &self.points
    }

    fn kill(&self, point: &Point) -> Verdict {
        let out = self.out();
        let call = point.sequence.name();
        let inject = format!("inject={call}:signal=SIGKILL:when={}", point.position);
        let output = self.run(
            out.path(),
            Some(&["-o", "/dev/null", "-e", &traced(&[call]), "-e", &inject]),
        );
        let killed = output.status.signal() == Some(9);
        assert!(killed || output.status.success(), "{}: {output:?}", self.name);
        let partial = foreign(&visible(out.path()), &self.reference);
        let output = self.run(out.path(), None);
        let found = visible(out.path());
        let mut different = [foreign(&found, &self.reference), missing(&found, &self.reference)].concat();
        if !output.status.success() {
            different.push(format!("{output:?}"));
        }
        Verdict {
            killed,
            partial,
            different,
            ..Verdict::default()
        }
    }
}
