//! Paths from keys, buckets and plans never lead out of the destination, and nothing outside of a bucket root is read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};
use std::process::Output;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use crate::cli::{LINE, alb_ingest, expect, stderr, stdout};
use crate::common::any::cases;

/// A line that is only in files outside of the bucket.
const OUTSIDE: &str = "outside-of-the-bucket";
const BUCKET: &str = "objects";

/// The components of generated keys: traversal in several spellings, names that some system reserves, overlong names, names
/// that differ in case or Unicode normalization only, control characters, and parts that a key's facts are read from.
const COMPONENTS: [&str; 27] = [
    "..",
    ".",
    "",
    "...",
    "%2e%2e",
    "..%2f..",
    "%00",
    "..\\..",
    "C:\\x",
    "CON",
    "a",
    "A",
    "caf\u{e9}",
    "cafe\u{301}",
    "\u{1b}[2J\u{7}",
    "a\nb\r",
    "\u{202e}x\u{9b}",
    "-rf",
    "~",
    "$HOME",
    "_merge",
    "_quarantine",
    "AWSLogs",
    "aws-account-id=..",
    "region=..",
    "elasticloadbalancing",
    "123456789012",
];

/// The file names of generated keys: those of a load balancer, with hostile parts in place of the account and the region.
fn any_name() -> impl Strategy<Value = String> {
    let part = || {
        select(vec![
            "123456789012",
            "us-east-1",
            "..",
            ".",
            "",
            "\\",
            "%2f",
            "\u{1b}",
            "a b",
        ])
    };
    let log = (part(), part()).prop_map(|(account, region)| {
        format!(
            "{account}_elasticloadbalancing_{region}_app.web.50dc6c495c0c9188_20261007T1145Z_192.0.2.1_4c8scnzy.log"
        )
    });
    let overlong = select(vec![250, 255, 256, 5_000]).prop_map(|length| "x".repeat(length));
    let other = select(COMPONENTS.to_vec()).prop_map(str::to_owned);
    prop_oneof![4 => log, 1 => overlong, 1 => other]
}

fn any_key() -> impl Strategy<Value = String> {
    let folders = proptest::collection::vec(select(COMPONENTS.to_vec()), 0..5);
    let long = select(vec![0, 0, 0, 256, 5_000]).prop_map(|length: usize| "f".repeat(length));
    (select(vec!["", "", "/", "../../"]), folders, long, any_name()).prop_map(|(start, folders, long, name)| {
        let mut parts: Vec<_> = folders.iter().map(ToString::to_string).collect();
        parts.extend(Some(long).filter(|long| !long.is_empty()));
        parts.push(name);
        format!("{start}{}", parts.join("/"))
    })
}

fn any_bucket() -> impl Strategy<Value = &'static str> {
    select(vec![
        BUCKET,
        BUCKET,
        BUCKET,
        "..",
        "../..",
        ".",
        "",
        "/etc",
        "../outside",
        "objects/..",
    ])
}

/// A directory with everything that a command may see; only `out` in it may change.
struct Sandbox {
    directory: tempfile::TempDir,
}

impl Sandbox {
    /// Creates the bucket with those objects that a file system can hold, and files outside of it that must not be read.
    fn new<'a>(keys: impl Iterator<Item = &'a str>) -> Self {
        let sandbox = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        let bucket = sandbox.path("root").join(BUCKET);
        fs::create_dir_all(&bucket).unwrap();
        fs::create_dir_all(sandbox.path("work")).unwrap();
        for (number, key) in keys.enumerate() {
            let parts = Path::new(key).components();
            let inside = parts.clone().all(|part| matches!(part, Component::Normal(_))) && !key.ends_with('/');
            let path = bucket.join(key);
            if inside && fs::create_dir_all(path.parent().unwrap()).is_ok() {
                // Fails for names that no file can have.
                let _ = fs::write(path, LINE.replace("/items", &format!("/{number}")) + "\n");
            }
        }
        let outside = LINE.replace("/items", &format!("/{OUTSIDE}")) + "\n";
        for directory in ["", "root", "outside", "work"] {
            for name in ["a", "A", "..."] {
                fs::create_dir_all(sandbox.path(directory)).unwrap();
                fs::write(sandbox.path(directory).join(name), &outside).unwrap();
            }
        }
        sandbox
    }

    fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    fn run(&self, args: &[&str]) -> Output {
        alb_ingest(args).current_dir(self.path("work")).output().unwrap()
    }

    /// Returns every file and link outside of `out` with its bytes, and every directory.
    fn outside(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let out = self.path("out");
        let entries = walkdir::WalkDir::new(self.directory.path()).into_iter();
        let entries = entries.filter_entry(|entry| entry.path() != out).map(Result::unwrap);
        entries
            .map(|entry| (entry.path().to_path_buf(), fs::read(entry.path()).unwrap_or_default()))
            .collect()
    }

    /// Returns the files in `out`, each of which is below it whatever links there are.
    fn outputs(&self) -> Vec<PathBuf> {
        let out = self.path("out");
        if !out.exists() {
            return Vec::new();
        }
        let root = out.canonicalize().unwrap();
        let files = walkdir::WalkDir::new(&out).into_iter().map(Result::unwrap);
        let files = files.filter(|file| !file.file_type().is_dir());
        files
            .map(|file| {
                let path = file.path().canonicalize().unwrap();
                assert!(path.starts_with(&root), "{}", path.display());
                path.strip_prefix(&root).unwrap().to_path_buf()
            })
            .collect()
    }

    /// Runs a command that must end in success or a clear error, and change nothing outside of the destination.
    fn check(&self, args: &[&str]) {
        let before = self.outside();
        let output = self.run(args);
        let stderr = stderr(&output);
        assert!(
            output.status.code().is_some_and(|code| code < 2),
            "{args:?}: {output:?}"
        );
        assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
        assert!(
            !stderr.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\r']),
            "{args:?}: {stderr:?}"
        );
        assert_eq!(before, self.outside(), "{args:?}");
        let mut names = BTreeSet::new();
        for path in self.outputs() {
            let bytes = fs::read(self.path("out").join(&path)).unwrap();
            let found = memchr::memmem::find(&bytes, OUTSIDE.as_bytes());
            assert!(
                found.is_none(),
                "{args:?}: {} was read outside of the bucket",
                path.display()
            );
            let name = path.to_str().unwrap();
            let is_output = !name.contains("_merge/") && !name.contains("/accountId=");
            let is_new = names.insert(folded(name));
            assert!(
                !is_output || is_new,
                "{name:?}: two names differ in case or normalization only"
            );
        }
    }
}

/// Returns a name as a file system sees it that ignores case and normalizes Unicode, as far as [`COMPONENTS`] need it.
fn folded(name: &str) -> String {
    name.replace("e\u{301}", "\u{e9}").to_lowercase()
}

/// Returns the settings of a security lake, whose folders have the region and the account.
fn lake_in(rejects: &str) -> Vec<&str> {
    vec![
        "--partition-by",
        "security-lake",
        "--schema",
        "ocsf",
        "--quarantine",
        rejects,
    ]
}

proptest! {
    #![proptest_config(cases(24))]

    /// One output for each object, merged, and with a payload in which anything may be a bucket or a key.
    #[test]
    fn no_key_leads_out_of_the_destination(
        keys in proptest::collection::vec((any_bucket(), any_key()), 1..12),
        lake in any::<bool>(),
    ) {
        let sandbox = Sandbox::new(keys.iter().map(|(_, key)| key.as_str()));
        let (out, root, payload) = (sandbox.path("out"), sandbox.path("root"), sandbox.path("work/payload.json"));
        let (out, root, payload) = (out.to_str().unwrap(), root.to_str().unwrap(), payload.to_str().unwrap());
        let logs = format!("{root}/{BUCKET}");
        let (to, rejects) = (format!("{out}/events"), format!("{out}/rejects"));
        let lake = if lake { lake_in(&rejects) } else { Vec::new() };

        let objects: Vec<_> = keys.iter().map(|(bucket, key)| json!({"bucket": bucket, "key": key})).collect();
        fs::write(payload, json!({"objects": objects}).to_string()).unwrap();
        sandbox.check(&[&["replay", payload, "--bucket-root", root, "--to", &to], &lake[..]].concat());
        sandbox.check(&[&["run", &logs, "--to", &to], &lake[..]].concat());

        fs::remove_dir_all(out).unwrap_or_default();
        let folders = keys.iter().map(|(bucket, key)| {
            let folder = key.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
            json!({"merge": {"bucket": bucket, "folder": folder, "all": true}}).to_string()
        });
        fs::write(payload, folders.collect::<Vec<_>>().join("\n")).unwrap();
        let merge = ["replay", payload, "--bucket-root", root, "--to", out, "--merge", "--source", "s3://objects", "--queue-url", "file:///dev/null/q"];
        sandbox.check(&merge);
        fs::remove_dir_all(out).unwrap_or_default();
        sandbox.check(&["run", &logs, "--to", out, "--merge"]);
    }
}

/// The property above would hold if nothing was ever written.
#[test]
fn hostile_keys_that_are_files_are_ingested() {
    let name = ".._elasticloadbalancing_.._app.web.50dc6c495c0c9188_20261007T1145Z_192.0.2.1_4c8scnzy.log";
    let key = format!("..\\../%2e%2e/\u{1b}[2J/{name}");
    let sandbox = Sandbox::new([key.as_str()].into_iter());
    let out = sandbox.path("out/events");
    let payload = sandbox.path("work/payload.json");
    fs::write(
        &payload,
        json!({"objects": [{"bucket": BUCKET, "key": key}]}).to_string(),
    )
    .unwrap();
    let (root, to) = (sandbox.path("root"), out.to_str().unwrap());
    let rejects = sandbox.path("out/rejects");
    let lake = lake_in(rejects.to_str().unwrap());
    let args = [
        "replay",
        payload.to_str().unwrap(),
        "--bucket-root",
        root.to_str().unwrap(),
        "--to",
        to,
    ];
    sandbox.check(&[&args[..], &lake].concat());
    let outputs = sandbox.outputs();
    let folder = outputs
        .iter()
        .find_map(|path| path.to_str().unwrap().split_once("/eventDay"));
    let (folder, _) = folder.unwrap_or_else(|| panic!("{outputs:?}"));
    assert!(folder.ends_with("/region=../accountId=external"), "{folder}");
}

/// The outputs of keys that a file system takes for one name differ in the id of their object.
#[test]
fn names_that_differ_in_case_or_normalization_only_have_outputs_of_their_own() {
    let keys = ["a", "A", "caf\u{e9}", "cafe\u{301}"];
    let sandbox = Sandbox::new(keys.into_iter());
    let logs = sandbox.path("root").join(BUCKET);
    sandbox.check(&["run", logs.to_str().unwrap(), "--to", "../out"]);
    let outputs = sandbox.outputs();
    let outputs = outputs.iter().filter(|path| path.starts_with("alb_access_log"));
    let names: BTreeSet<_> = outputs.map(|path| folded(path.to_str().unwrap())).collect();
    assert_eq!(names.len(), keys.len(), "{names:?}");
}

/// A link to a folder is part of the destination: whoever can create it can write where it leads. A link in place of an output is
/// not followed, which `outputs` tests.
#[test]
fn a_partition_may_be_a_link_to_another_folder() {
    let sandbox = Sandbox::new(["a.log"].into_iter());
    let (out, elsewhere) = (sandbox.path("out"), sandbox.path("elsewhere"));
    fs::create_dir_all(&out).unwrap();
    fs::create_dir_all(&elsewhere).unwrap();
    symlink(&elsewhere, out.join("alb_access_log")).unwrap();
    let logs = sandbox.path("root").join(BUCKET);
    let args = ["run", logs.to_str().unwrap(), "--to", out.to_str().unwrap()];
    expect(sandbox.run(&args), 0);
    assert!(elsewhere.join("date=2026-10-07").is_dir());
    let again = expect(sandbox.run(&args), 0);
    assert!(stdout(&again).contains("1 file already in"), "{}", stdout(&again));
}

/// A plan is read from the destination, so it may have been changed by anyone who can write there.
#[test]
fn a_changed_plan_publishes_nothing_outside() {
    let sandbox = Sandbox::new(["logs/a.log"].into_iter());
    let (out, logs) = (sandbox.path("out"), sandbox.path("root").join(BUCKET));
    let args = ["run", logs.to_str().unwrap(), "--to", out.to_str().unwrap(), "--merge"];
    expect(sandbox.run(&args), 0);
    let files = sandbox.outputs();
    let plan = files
        .iter()
        .find(|path| path.extension().is_some_and(|extension| extension == "plan"))
        .unwrap();
    let plan = out.join(plan);
    let text = fs::read_to_string(&plan).unwrap();
    let mut changed: serde_json::Value = serde_json::from_str(&text).unwrap();
    changed["files"][0]["key"] = "../stolen.parquet".into();
    // Only a worker that finds the plan unpublished publishes it.
    fs::write(&plan, changed.to_string()).unwrap();
    fs::remove_file(plan.with_extension("done")).unwrap();
    let staged = changed["files"][0]["sha256"].as_str().unwrap();
    fs::create_dir_all(out.join("_merge/_staged")).unwrap();
    fs::write(out.join("_merge/_staged").join(staged), b"PAR1").unwrap();
    let before = sandbox.outside();
    let output = expect(sandbox.run(&args), 1);
    assert_eq!(before, sandbox.outside());
    let shown = stderr(&output) + &stdout(&output);
    assert!(shown.contains("leads out of the directory"), "{shown}");
    for args in [["--report", "json"], ["--deep", "--report=text"]] {
        let audit = ["audit", logs.to_str().unwrap(), out.to_str().unwrap()];
        let output = sandbox.run(&[&audit[..], &args].concat());
        assert!(matches!(output.status.code(), Some(1 | 2)), "{output:?}");
        assert_eq!(before, sandbox.outside());
    }
}
