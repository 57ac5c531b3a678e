//! Every relative link and anchor in the Markdown files resolves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Folders that contain no pages of the project.
const SKIPPED: [&str; 3] = ["target", "out", "dist"];

/// Returns the Markdown files of the project and their texts, by path from the package.
fn pages() -> BTreeMap<PathBuf, String> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let skipped = |name: &str| name.starts_with('.') || SKIPPED.contains(&name);
    walkdir::WalkDir::new(package)
        .min_depth(1)
        .into_iter()
        .filter_entry(|entry| !entry.file_name().to_str().is_some_and(skipped))
        .map(Result::unwrap)
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "md"))
        .map(|file| {
            let path = file.path().strip_prefix(package).unwrap().to_owned();
            (path, fs::read_to_string(file.path()).unwrap())
        })
        .collect()
}

/// Returns the lines of a page outside of code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    })
}

/// Returns a line without its code spans, which may contain brackets.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

/// Returns the targets of the links in a page.
fn links(text: &str) -> Vec<String> {
    // A link may be broken over lines between its words.
    let text = prose(text).map(without_code).collect::<Vec<_>>().join("\n");
    let targets = text.split("](").skip(1);
    targets
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target.to_owned()))
        .collect()
}

/// Returns the anchors that GitHub gives to the headings of a page.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen = BTreeMap::new();
    let headings = prose(text).filter_map(|line| {
        let title = line.trim_start_matches('#');
        (title.len() < line.len()).then(|| title.strip_prefix(' ')).flatten()
    });
    headings
        .map(|title| {
            let kept = title
                .trim()
                .chars()
                .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
            let slug = kept.collect::<String>().to_lowercase().replace(' ', "-");
            let number = seen.entry(slug.clone()).and_modify(|number| *number += 1).or_insert(0);
            if *number == 0 { slug } else { format!("{slug}-{number}") }
        })
        .collect()
}

/// Resolves `.` and `..` in a path.
fn normalized(path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(found.pop(), "{} leaves the project", path.display()),
            Component::CurDir => {}
            other => found.push(other),
        }
    }
    found
}

#[test]
fn every_link_resolves() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = pages();
    let mut broken = Vec::new();
    let mut checked = 0;
    for (page, text) in &pages {
        for link in links(text) {
            if link.contains("://") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() {
                page.clone()
            } else {
                normalized(&page.parent().unwrap().join(path))
            };
            let resolves = match pages.get(&target) {
                Some(text) => anchor.is_empty() || anchors(text).contains(anchor),
                None => anchor.is_empty() && package.join(&target).exists(),
            };
            checked += 1;
            if !resolves {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(checked > 100, "found only {checked} links");
    assert!(broken.is_empty(), "these links do not resolve:\n{}", broken.join("\n"));
}

/// A page that no other page links is not found by readers.
#[test]
fn every_page_in_docs_is_linked() {
    let pages = pages();
    let linked: BTreeSet<PathBuf> = pages
        .iter()
        .flat_map(|(page, text)| {
            let folder = page.parent().unwrap();
            let files = links(text).into_iter().filter(|link| !link.contains("://"));
            files
                .map(|link| normalized(&folder.join(link.split('#').next().unwrap())))
                .collect::<Vec<_>>()
        })
        .collect();
    // The columns of a table are one page per schema, and only the native ones are linked one by one.
    let tables = Path::new("docs/reference/tables");
    let lost: Vec<_> = pages
        .keys()
        .filter(|page| page.starts_with("docs") && !page.starts_with(tables) && !linked.contains(*page))
        .collect();
    assert!(lost.is_empty(), "no page links {lost:?}");
}

/// The promises are stated in one page. Others that mention how often something is delivered link to it.
#[test]
fn pages_that_name_a_promise_link_to_it() {
    const PROMISES: [&str; 3] = ["effectively once", "exactly once", "at least once"];
    let promises = Path::new("docs/semantics.md");
    let mut checked = 0;
    for (page, text) in pages() {
        // Generated from the help, which has no links, and the history.
        let has_links = ![
            "docs/reference/options.md",
            "docs/reference/settings.md",
            "CHANGELOG.md",
        ]
        .iter()
        .any(|other| page == Path::new(other));
        let words = text.to_lowercase();
        if page == promises || !has_links || !PROMISES.iter().any(|promise| words.contains(promise)) {
            continue;
        }
        checked += 1;
        let folder = page.parent().unwrap();
        let is_linked = links(&text)
            .into_iter()
            .filter(|link| !link.contains("://"))
            .any(|link| {
                let (path, _) = link.split_once('#').unwrap_or((&link, ""));
                normalized(&folder.join(path)) == promises
            });
        assert!(
            is_linked,
            "{} names a promise without a link to {}",
            page.display(),
            promises.display()
        );
    }
    assert!(checked > 3, "{checked}");
}

#[test]
fn anchors_are_those_of_github() {
    let text =
        "# Files: effectively once\n## What, and why not?\n```\n# no heading\n```\n## `run` and S3\n## Same\n## Same\n";
    let expected = [
        "files-effectively-once",
        "run-and-s3",
        "same",
        "same-1",
        "what-and-why-not",
    ];
    assert!(anchors(text).into_iter().eq(expected.map(str::to_owned)));
}
