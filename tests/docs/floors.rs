//! The layers of the crate: a module imports only from lower layers, the storage has no import circles, and only a few
//! places name the crates that may be replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The modules that each module may import from, besides itself. The lowest layer comes first.
const LAYERS: [(&str, &[&str]); 20] = [
    ("formats", &[]),
    ("cost", &[]),
    ("deadline", &[]),
    ("escape", &[]),
    ("parse", &["formats"]),
    ("schema", &["formats", "parse"]),
    ("object", &["escape", "formats", "parse"]),
    ("transform", &["escape", "formats", "parse", "object"]),
    ("encode", &["formats", "parse", "schema", "object"]),
    ("storage", &["deadline", "escape", "parse", "schema", "object"]),
    (
        "ingest",
        &[
            "deadline",
            "escape",
            "formats",
            "parse",
            "schema",
            "transform",
            "object",
            "encode",
            "storage",
        ],
    ),
    ("report", &["escape", "formats", "parse", "object", "ingest"]),
    ("layout", &["transform", "object", "encode", "storage", "ingest"]),
    ("merge", &["escape", "parse", "object", "storage", "ingest"]),
    ("trigger", &["escape", "parse", "object", "storage", "ingest", "merge"]),
    (
        "config",
        &[
            "formats",
            "schema",
            "transform",
            "encode",
            "storage",
            "ingest",
            "layout",
            "merge",
        ],
    ),
    (
        "function",
        &[
            "deadline", "escape", "formats", "parse", "object", "storage", "ingest", "layout", "merge", "trigger",
            "config",
        ],
    ),
    ("generate", &["formats", "schema"]),
    (
        "cli",
        &[
            "deadline", "escape", "formats", "parse", "schema", "object", "encode", "storage", "ingest", "layout",
            "merge", "trigger", "config", "cost", "function", "generate", "report",
        ],
    ),
    ("bin", &["function", "cli"]),
];

/// The crates and modules that only these places may name.
const PLACES: [(&str, &[&str]); 6] = [
    ("arrow_", &["src/schema/catalog/arrow.rs"]),
    ("parquet::", &["src/encode/parquet", "src/encode/mod.rs"]),
    (
        "flate2",
        &[
            "src/parse/input/",
            "src/encode/compressor.rs",
            "src/encode/parquet/",
            "src/generate/",
            "src/storage/local/body.rs",
        ],
    ),
    ("sqlparser", &["src/transform/filter/"]),
    ("std::env", &["src/bin/"]),
    (
        "aws_s",
        &[
            "src/storage/aws/",
            "src/storage/s3/",
            "src/storage/firehose/",
            "src/storage/sqs.rs",
        ],
    ),
];

const MAX_LINES: usize = 600;

/// Returns every source file with its path relative to the package.
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

/// Returns the lines of code, without comments, and their numbers.
fn code(source: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = source.lines().zip(1..).map(|(line, number)| (number, line.trim()));
    lines.filter(|(_, line)| !line.starts_with("//"))
}

/// Returns the modules that a line of code names after a path to the crate's root.
fn named<'a>(path: &str, line: &'a str) -> Vec<&'a str> {
    let roots: &[&str] = if path.starts_with("src/bin/") {
        &["alb_ingest::"]
    } else {
        &["crate::"]
    };
    let mut names = Vec::new();
    for root in roots {
        for (at, _) in line.match_indices(root) {
            let rest = &line.as_bytes()[at + root.len()..];
            let rest = str::from_utf8(rest).unwrap();
            // `crate::{a, b::c}` names several.
            let list = rest.strip_prefix('{').map_or_else(
                || vec![rest],
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

/// The paths that the `use` declarations of a file name, without its tests: whether each is public, and its segments.
fn imports(source: &str) -> Vec<(bool, Vec<String>)> {
    let source = source.split("#[cfg(test)]\nmod tests").next().unwrap();
    let code: Vec<_> = code(source).map(|(_, line)| line).collect();
    let mut paths = Vec::new();
    for declaration in code.join(" ").split(';') {
        let Some((before, tree)) = declaration.rsplit_once("use ") else {
            continue;
        };
        let is_public = before.trim_end().ends_with("pub");
        if before.trim().is_empty() || is_public || before.trim_end().ends_with(['}', ']']) {
            let mut expanded = Vec::new();
            expand(&[], tree, &mut expanded);
            paths.extend(expanded.into_iter().map(|path| (is_public, path)));
        }
    }
    paths
}

/// Adds every path of a tree such as `a::{b, c::{d, e}}`.
fn expand(prefix: &[String], tree: &str, paths: &mut Vec<Vec<String>>) {
    let (head, list) = tree
        .split_once('{')
        .map_or((tree, None), |(head, list)| (head, Some(list)));
    let mut path = prefix.to_vec();
    path.extend(
        head.split("::")
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned),
    );
    let Some(list) = list else {
        return paths.push(path);
    };
    let (mut depth, mut start) = (0, 0);
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                let part = list.get(start..at).unwrap();
                if !part.trim().is_empty() {
                    expand(&path, part, paths);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// The imports between the files below a folder of `src`, each by its module path.
fn import_graph(folder: &str) -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let sources: Vec<_> = sources()
        .into_iter()
        .filter(|(path, _)| path.starts_with(&format!("src/{folder}/")) && !path.ends_with("/tests.rs"))
        .map(|(path, source)| {
            let path = path.strip_prefix("src/").unwrap().strip_suffix(".rs").unwrap();
            let module = path.strip_suffix("/mod").unwrap_or(path);
            (
                module.split('/').map(str::to_owned).collect::<Vec<_>>(),
                imports(&source),
            )
        })
        .collect();
    let modules: BTreeSet<_> = sources.iter().map(|(module, _)| module.clone()).collect();
    let child = |module: &[String], name: &String| {
        let child = [module, std::slice::from_ref(name)].concat();
        modules.contains(&child).then_some(child)
    };
    // The file that defines an item which a module exports: itself, or the child that it re-exports from.
    let exports: BTreeMap<(Vec<String>, String), Vec<String>> = sources
        .iter()
        .flat_map(|(module, imports)| imports.iter().map(move |(is_public, path)| (module, is_public, path)))
        .filter(|(_, is_public, _)| **is_public)
        .filter_map(|(module, _, path)| Some(((module.clone(), path.last()?.clone()), child(module, &path[0])?)))
        .collect();
    let resolve = |from: &Vec<String>, path: &[String]| {
        let mut names = path.iter();
        let mut module = match path[0].as_str() {
            "crate" => Vec::new(),
            "super" | "self" => from.clone(),
            name => child(from, &name.to_owned()).map(|_| from.clone())?,
        };
        if path[0] == "crate" {
            names.next();
        }
        for name in names {
            match name.as_str() {
                "super" => drop(module.pop()),
                "self" => {}
                _ if module.is_empty() => module.push(name.clone()),
                _ => match child(&module, name).or_else(|| exports.get(&(module.clone(), name.clone())).cloned()) {
                    Some(next) => module = next,
                    None => break,
                },
            }
        }
        modules.contains(&module).then_some(module)
    };
    let edges = sources.iter().map(|(module, imports)| {
        let targets = imports.iter().filter(|(is_public, _)| !is_public);
        let targets = targets.filter_map(|(_, path)| resolve(module, path));
        (module.clone(), targets.filter(|target| target != module).collect())
    });
    edges.collect()
}

#[test]
fn the_storage_has_no_import_circles() {
    let mut graph = import_graph("storage");
    let edges: usize = graph.values().map(BTreeSet::len).sum();
    assert!(graph.len() > 25 && edges > 60, "{} files, {edges} imports", graph.len());
    // Files that import nothing any more are removed until none is left, or only circles are.
    while let Some(leaf) = graph
        .iter()
        .find(|(_, targets)| targets.is_empty())
        .map(|(leaf, _)| leaf.clone())
    {
        graph.remove(&leaf);
        for targets in graph.values_mut() {
            targets.remove(&leaf);
        }
    }
    let circles: Vec<_> = graph
        .iter()
        .map(|(module, targets)| {
            let targets: Vec<_> = targets.iter().map(|target| target.join("::")).collect();
            format!("{} imports {}", module.join("::"), targets.join(", "))
        })
        .collect();
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn modules_import_only_from_lower_layers() {
    let mut problems = Vec::new();
    let mut used = BTreeSet::new();
    for (path, source) in sources() {
        let module = path.split('/').nth(1).unwrap().trim_end_matches(".rs");
        if module == "lib" {
            continue;
        }
        let (_, below) = LAYERS
            .iter()
            .find(|(name, _)| *name == module)
            .unwrap_or_else(|| panic!("{path}: give the module {module} a layer in tests/docs/floors.rs"));
        for (number, line) in code(&source) {
            for name in named(&path, line) {
                used.insert((module.to_owned(), name.to_owned()));
                if name != module && !below.contains(&name) {
                    problems.push(format!("{path}:{number}: {module} must not import from {name}: {line}"));
                }
            }
        }
    }
    for (module, below) in LAYERS {
        let unused = below
            .iter()
            .filter(|name| !used.contains(&(module.to_owned(), (**name).to_owned())));
        problems.extend(unused.map(|name| format!("{module} does not import from {name}: remove the permission")));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn only_a_few_places_name_the_crates_that_may_be_replaced() {
    let mut problems = Vec::new();
    for (path, source) in sources() {
        for (wanted, places) in PLACES {
            if places.iter().any(|place| path.starts_with(place)) {
                continue;
            }
            let found = code(&source).filter(|(_, line)| line.contains(wanted));
            problems.extend(
                found.map(|(number, line)| format!("{path}:{number}: {wanted} must not be named here: {line}")),
            );
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    for (path, source) in sources() {
        let lines = source.lines().count();
        assert!(lines <= MAX_LINES, "{path} has {lines} lines; split it at {MAX_LINES}");
    }
}
