//! The committed seeds of the fuzz targets, run through the targets themselves.
//!
//! `UPDATE_GENERATED=1` writes the seeds again. They come from the project's own samples, golden files and payloads.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use alb_ingest::formats::{ALB_HEALTH_CHECK, FORMATS};
use alb_ingest::generate::{Object, Packing, Rate};
use alb_ingest::ingest::Options;
use alb_ingest::layout::{Delivery, Layout};
use alb_ingest::merge::plan::{Balance, Fate, File, Member, Place, Plan, VERSION};
use alb_ingest::object::Identity;

use crate::common::any::{bytes_of, text_of};

#[allow(unreachable_pub, reason = "the binaries of the fuzz targets use it as a library")]
#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

/// The maximum length of a seed.
const MAX_SEED: usize = 4_096;
/// The maximum length of all seeds.
const MAX_SEEDS: usize = 200_000;

type Seeds = BTreeMap<PathBuf, Vec<u8>>;

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the files of a directory that end like this, by name, except those that are too long for a seed.
fn files(directory: &str, ending: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(package().join(directory)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .filter(|path| path.is_file() && path.to_str().unwrap().ends_with(ending))
        .map(|path| {
            (
                path.file_name().unwrap().to_str().unwrap().to_owned(),
                fs::read(&path).unwrap(),
            )
        })
        .filter(|(_, bytes)| bytes.len() <= MAX_SEED)
        .collect();
    files.sort();
    files
}

/// Small objects of a format: ordinary, with hostile and malformed lines, and in several members.
fn objects() -> Vec<(String, Object)> {
    let mut objects = Vec::new();
    for (format, seed) in FORMATS.into_iter().zip(1..) {
        let plain = Object::new(format, seed, 2);
        let mut hostile = Object::new(format, seed + 100, 3);
        hostile.traffic.hostile = Rate::per_million(700_000);
        hostile.traffic.blank = Rate::per_million(200_000);
        let mut broken = Object::new(format, seed + 200, 4);
        broken.traffic.broken = Rate::per_million(500_000);
        broken.traffic.repairable = Rate::per_million(500_000);
        broken.packing = Packing {
            members: 3,
            padding: 16,
        };
        for (name, object) in [("plain", plain), ("hostile", hostile), ("broken", broken)] {
            objects.push((format!("{}-{name}", format.name), object));
        }
    }
    objects
}

fn lines(seeds: &mut Seeds) {
    for (name, object) in objects() {
        add(seeds, "line", &name, &text_of(&object));
    }
    for format in FORMATS {
        for (name, bytes) in files(&format!("tests/golden/{}", format.name), ".log") {
            // The seeds of every number of fields would be most of the corpus, and differ little.
            if !name.starts_with("fields-") {
                add(seeds, "line", &format!("{}-{name}", format.name), &bytes);
            }
        }
    }
}

fn packed(seeds: &mut Seeds) {
    for (name, object) in objects() {
        let (bytes, _) = bytes_of(&object);
        add(seeds, "object", &name, &bytes);
        if object.format.objects.gzip {
            let cut = bytes.len() - 9;
            add(seeds, "object", &format!("{name}-cut"), &bytes[..cut]);
        }
        // The text as it is, which the target takes with another key.
        add(seeds, "object", &format!("{name}-text"), &text_of(&object));
    }
    add(seeds, "object", "archive", b"PK\x03\x04 an archive");
    add(seeds, "object", "parquet", b"PAR1PAR1");
}

fn responses(seeds: &mut Seeds) {
    for (name, bytes) in [
        ("all-confirmed", &[2, 0, 0, 0, 0][..]),
        ("one-rejected-twice", &[2, 0, 0, 1, 0, 0, 1, 0, 0]),
        ("another-number", &[3, 13, 0, 0, 0, 0, 14, 0, 0, 0, 0, 15, 0, 0, 0, 0]),
        ("wrong-count", &[1, 16, 0, 0, 192, 1, 1, 0, 0, 0]),
        ("no-id", &[4, 0, 3, 0, 4, 0, 7, 0, 5, 6, 2, 1, 0]),
        ("hostile-code", &[0, 0, 6, 0, 6, 0, 0]),
    ] {
        add(seeds, "firehose", name, bytes);
    }
}

fn plans(seeds: &mut Seeds) {
    let member = |key: &str, fate| Member {
        key: key.to_owned(),
        etag: "827ccb0eea8a706c4c34a16891f84e7b".to_owned(),
        bytes: 700,
        fate,
    };
    let balance = Balance {
        lines: 3,
        events: 1,
        filtered: 0,
        quarantined: 1,
        skipped: 1,
    };
    let plan = Plan {
        version: VERSION,
        layout: "0123456789abcdef".to_owned(),
        bucket: "logs".to_owned(),
        folder: "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/07/".to_owned(),
        members: vec![
            member("a.log.gz", Fate::Ingested(balance)),
            member("b.log.gz", Fate::Failed("the object is an archive".to_owned())),
            member("c.log.gz", Fate::Skipped("empty".to_owned())),
        ],
        files: vec![File {
            place: Place::Events,
            key: "alb_access_log/date=2026-10-07/0123456789abcdef.parquet".to_owned(),
            sha256: "0".repeat(64),
            etag: String::new(),
            bytes: 5_000,
        }],
        repeated: vec![Identity([1; 16]), Identity([2; 16])],
    };
    let bytes = plan.encode();
    add(seeds, "plan", "plan", &bytes);
    add(seeds, "plan", "plan-cut", &bytes[..bytes.len() / 2]);
    let newer = Plan {
        version: VERSION + 1,
        ..plan
    };
    add(seeds, "plan", "plan-of-a-newer-release", &newer.encode());
    for (name, delivery) in [("layout", Delivery::PerObject), ("layout-merged", Delivery::Merged)] {
        add(seeds, "plan", name, &Layout::of(&Options::default(), delivery).encode());
    }
    let key = Object::new(FORMATS[0], 1, 1).key();
    for (name, text) in [
        ("key", key.as_str()),
        ("plan-name", "logs\na/00000007.plan"),
        ("done-name", "logs\na/00000007.done"),
        ("outside", "../..\n../%2e%2e//./\u{1b}[2J/x"),
    ] {
        add(seeds, "plan", name, text.as_bytes());
    }
}

fn payloads(seeds: &mut Seeds) {
    for (name, bytes) in files("events", ".json") {
        add(seeds, "trigger", &name, &bytes);
    }
}

/// Vended logs in every form, and lines that are hostile or cut.
fn vended(seeds: &mut Seeds) {
    let health = "http 2026-10-07T12:44:59.875678Z 0.019584011 192.0.2.97:80 targets PASS 200 - app/web/1 192.0.2.1";
    let names: Vec<_> = ALB_HEALTH_CHECK.vended_names().collect();
    let pairs: Vec<_> = names.iter().zip(health.split(' ')).collect();
    let object: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("\"{name}\":\"{value}\""))
        .collect();
    let object = object.join(",");
    for (name, text) in [
        ("json", format!("{{{object}}}\n{{{object},\"new\":7}}\n")),
        (
            "json-hostile",
            format!("{{{object},\"type\":1}}\n{{{object}}}{{}}\n{{{object}\n\u{feff}{{}}\n[{{\"a\":[\n"),
        ),
        (
            "json-escapes",
            format!("{{{object},\"a\":\"\\ud800\\u00e9\\x22\",\"b\":{{}},\"c\":1e400}}\n"),
        ),
        (
            "w3c",
            format!(
                "#Version: 1.0\n#Fields: {}\n{}\n#Date: x\n#x\n",
                names.join(" "),
                health.replace(' ', "\t")
            ),
        ),
        (
            "w3c-space",
            format!("#Fields: {}\n{health}\n{health} \"a\"b\n", names.join(" ")),
        ),
        (
            "plain",
            format!(
                "{}\n{}\n{}\n",
                names.join(","),
                health.replace(' ', ","),
                names.join(",")
            ),
        ),
        ("bare", format!("{}\n{health}\n", health.replace(' ', "\t"))),
    ] {
        add(seeds, "vended", name, text.as_bytes());
    }
}

fn add(seeds: &mut Seeds, target: &str, name: &str, bytes: &[u8]) {
    assert!(bytes.len() <= MAX_SEED, "{target} {name}: {} bytes", bytes.len());
    let before = seeds.insert(Path::new(target).join(name), bytes.to_vec());
    assert_eq!(before, None, "{target} {name}");
}

/// Returns the files below a directory, by their paths in it.
fn committed(root: &Path) -> Seeds {
    let files = walkdir::WalkDir::new(root).into_iter().map(Result::unwrap);
    let files = files.filter(|file| file.file_type().is_file());
    files
        .map(|file| {
            let path = file.path().strip_prefix(root).unwrap();
            (path.to_path_buf(), fs::read(file.path()).unwrap())
        })
        .collect()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the variable asks for the seeds to be written")]
fn every_seed_passes_its_fuzz_target() {
    let mut seeds = Seeds::new();
    lines(&mut seeds);
    packed(&mut seeds);
    responses(&mut seeds);
    plans(&mut seeds);
    payloads(&mut seeds);
    vended(&mut seeds);
    assert!(seeds.values().map(Vec::len).sum::<usize>() <= MAX_SEEDS);
    let root = package().join("fuzz/seeds");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        for (path, bytes) in &seeds {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    let found = committed(&root);
    for (path, bytes) in &seeds {
        assert!(
            found.get(path) == Some(bytes),
            "{} is out of date: run make generated",
            path.display()
        );
    }
    // Inputs that a fuzz run found are kept, too.
    let is_known =
        |path: &PathBuf| seeds.contains_key(path) || path.file_name().unwrap().to_str().unwrap().starts_with("found-");
    for path in found.keys() {
        assert!(
            is_known(path),
            "{} is not generated and not named found-…",
            path.display()
        );
    }
    assert!(found.values().all(|bytes| bytes.len() <= MAX_SEED));
    assert!(found.values().map(Vec::len).sum::<usize>() <= MAX_SEEDS);
    for (path, bytes) in &found {
        let target = path.iter().next().unwrap().to_str().unwrap();
        let (_, run) = fuzz::TARGETS.into_iter().find(|(name, _)| *name == target).unwrap();
        run(bytes);
    }
    for (target, _) in fuzz::TARGETS {
        assert!(
            found.keys().any(|path| path.starts_with(target)),
            "{target} has no seeds"
        );
    }
}

/// The names are in the Makefile, in the manifest and in the sources.
#[test]
fn every_fuzz_target_is_built_and_run() {
    let read = |path: &str| fs::read_to_string(package().join(path)).unwrap();
    let names = fuzz::TARGETS.map(|(name, _)| name);
    let makefile = read("Makefile");
    let listed = makefile
        .lines()
        .find_map(|line| line.strip_prefix("FUZZ_TARGETS := "))
        .unwrap();
    assert_eq!(listed.split(' ').collect::<Vec<_>>(), names);
    let manifest = read("fuzz/Cargo.toml");
    for name in names {
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
            "{name}"
        );
        assert!(read(&format!("fuzz/fuzz_targets/{name}.rs")).contains(&format!("::{name}::run(bytes)")));
    }
}
