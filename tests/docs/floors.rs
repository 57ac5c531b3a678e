//! The floors of the house: a module uses those below it, and few places name the crates that come and go.

use std::fs;
use std::path::Path;

/// The modules that each module may use, itself aside. Lowest floor first; a module that is not here has no floor.
const FLOORS: [(&str, &[&str]); 18] = [
    ("formats", &[]),
    ("deadline", &[]),
    ("parse", &["formats"]),
    ("schema", &["formats", "parse"]),
    ("object", &["formats", "parse"]),
    // Above `ingest`: it turns the outcomes of the engine into responses.
    ("trigger", &["object", "ingest"]),
    ("source", &["object", "trigger"]),
    ("encode", &["formats", "parse", "schema", "object"]),
    (
        "ingest",
        &["deadline", "formats", "parse", "schema", "object", "encode", "source"],
    ),
    ("config", &["schema", "encode", "ingest"]),
    ("world", &["deadline", "config", "source", "ingest"]),
    ("local", &WORLDS),
    ("aws", &WORLDS),
    (
        "everywhere",
        &[
            "deadline", "config", "trigger", "source", "ingest", "world", "local", "aws",
        ],
    ),
    (
        "function",
        &[
            "deadline",
            "formats",
            "object",
            "config",
            "trigger",
            "source",
            "ingest",
            "world",
            "aws",
            "everywhere",
        ],
    ),
    ("generate", &["formats"]),
    (
        "cli",
        &[
            "deadline",
            "formats",
            "parse",
            "schema",
            "object",
            "config",
            "trigger",
            "source",
            "encode",
            "ingest",
            "world",
            "local",
            "everywhere",
            "function",
            "generate",
        ],
    ),
    ("bin", &["function", "cli"]),
];

/// What the two worlds may use.
const WORLDS: [&str; 9] = [
    "deadline", "parse", "schema", "object", "config", "trigger", "source", "ingest", "world",
];

/// Crates and modules that only these places name.
const PLACES: [(&str, &[&str]); 5] = [
    ("arrow_", &["src/schema/catalog/arrow.rs"]),
    ("parquet::", &["src/encode/parquet", "src/encode/mod.rs"]),
    (
        "flate2",
        &[
            "src/parse/input/",
            "src/encode/compress.rs",
            "src/encode/parquet/",
            "src/generate/",
        ],
    ),
    ("std::env", &["src/bin/"]),
    ("aws_s", &["src/aws/"]),
];

const MAX_LINES: usize = 600;

/// Every source file by its path from the package.
fn sources() -> Vec<(String, String)> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = walkdir::WalkDir::new(package.join("src")).sort_by_file_name();
    let sources: Vec<_> = files
        .into_iter()
        .map(Result::unwrap)
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "rs"))
        .map(|file| {
            let path = file.path().strip_prefix(package).unwrap().to_str().unwrap();
            (path.replace('\\', "/"), fs::read_to_string(file.path()).unwrap())
        })
        .collect();
    assert!(sources.len() > 40, "{} files", sources.len());
    sources
}

/// The lines of code, without comments, and their numbers.
fn code(source: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = source.lines().zip(1..).map(|(line, number)| (number, line.trim()));
    lines.filter(|(_, line)| !line.starts_with("//"))
}

/// The modules that a line of code names behind a path to the crate's root.
fn named<'a>(path: &str, line: &'a str) -> Vec<&'a str> {
    let roots: &[&str] = if path.starts_with("src/bin/") {
        &["alb_ingest::"]
    } else {
        &["crate::"]
    };
    let mut names = Vec::new();
    for root in roots {
        for (at, _) in line.match_indices(root) {
            let behind = &line.as_bytes()[at + root.len()..];
            let behind = str::from_utf8(behind).unwrap();
            // `crate::{a, b::c}` names several.
            let list = behind.strip_prefix('{').map_or_else(
                || vec![behind],
                |list| list.split('}').next().unwrap().split(',').map(str::trim).collect(),
            );
            for name in list {
                let end = name
                    .find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap_or(name.len());
                names.push(name.split_at(end).0);
            }
        }
    }
    names
}

#[test]
fn modules_use_only_those_below_them() {
    let mut problems = Vec::new();
    for (path, source) in sources() {
        let module = path.split('/').nth(1).unwrap().trim_end_matches(".rs");
        if module == "lib" {
            continue;
        }
        let (_, below) = FLOORS
            .iter()
            .find(|(name, _)| *name == module)
            .unwrap_or_else(|| panic!("{path}: give the module {module} a floor in tests/docs/floors.rs"));
        for (number, line) in code(&source) {
            for name in named(&path, line) {
                if name != module && !below.contains(&name) {
                    problems.push(format!("{path}:{number}: {module} does not stand on {name}: {line}"));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn few_places_name_the_crates_that_come_and_go() {
    let mut problems = Vec::new();
    for (path, source) in sources() {
        for (wanted, places) in PLACES {
            if places.iter().any(|place| path.starts_with(place)) {
                continue;
            }
            let found = code(&source).filter(|(_, line)| line.contains(wanted));
            problems.extend(found.map(|(number, line)| format!("{path}:{number}: {wanted} has no place here: {line}")));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn no_file_is_longer_than_a_reader_takes_in() {
    for (path, source) in sources() {
        let lines = source.lines().count();
        assert!(lines <= MAX_LINES, "{path} has {lines} lines; split it at {MAX_LINES}");
    }
}
