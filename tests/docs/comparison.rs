//! The comparison with other forwarders: docs/comparison.md is generated from docs/comparison.json, in which each cell has its
//! evidence.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use serde::Deserialize;

use crate::generated::{package, update};
use crate::reliability::exists;

const SOURCE: &str = "docs/comparison.json";
const PAGE: &str = "docs/comparison.md";
const BEGIN: &str = "<!-- BEGIN generated: comparison -->\n";
const END: &str = "<!-- END generated: comparison -->\n";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Comparison {
    /// The day on which the other projects were read.
    read: String,
    cases: Vec<Case>,
    verdicts: Vec<Verdict>,
    /// The cells of this project, by case.
    ours: BTreeMap<String, Ours>,
    forwarders: Vec<Forwarder>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    title: String,
    input: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verdict {
    name: String,
    meaning: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ours {
    verdict: String,
    /// `path::name` of each test that checks it.
    tests: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Forwarder {
    name: String,
    /// Owner and name on GitHub.
    repository: String,
    version: String,
    commit: String,
    date: String,
    /// The part of the project, and the settings if they matter.
    part: String,
    /// The code that was run.
    ran: String,
    cells: BTreeMap<String, Cell>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cell {
    verdict: String,
    otherwise: Option<Otherwise>,
    how: How,
    /// `path#L1-L2` at the forwarder's commit, or the address of a file in another repository.
    at: Vec<String>,
    why: String,
}

/// The verdict under a condition, if it differs from the cell's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Otherwise {
    when: String,
    verdict: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum How {
    Run,
    Read,
}

impl Cell {
    fn verdicts(&self) -> String {
        let otherwise = self.otherwise.as_ref();
        let otherwise = otherwise.map(|other| format!("; {}: {}", other.when, other.verdict));
        format!("{}{}", self.verdict, otherwise.unwrap_or_default())
    }
}

impl Forwarder {
    fn link(&self, at: &str) -> String {
        let Self { repository, commit, .. } = self;
        let address = if at.contains("://") {
            at.to_owned()
        } else {
            format!("https://github.com/{repository}/blob/{commit}/{at}")
        };
        let path = at
            .rsplit_once("/blob/")
            .map_or(at, |(_, rest)| rest.split_once('/').unwrap().1);
        let label = path.replace("#L", ":").replace("-L", "-");
        format!("[`{label}`]({address})")
    }
}

fn comparison() -> Comparison {
    serde_json::from_str(&fs::read_to_string(package(SOURCE)).unwrap()).unwrap()
}

/// Returns the anchor of a heading without punctuation.
fn anchor(title: &str) -> String {
    title.to_lowercase().replace(' ', "-")
}

/// Returns a row of a table.
fn row(cells: impl IntoIterator<Item = String>) -> String {
    cells
        .into_iter()
        .fold("|".to_owned(), |row, cell| row + " " + &cell + " |")
        + "\n"
}

/// Returns the table of the verdicts of every forwarder in every case.
fn grid(comparison: &Comparison) -> String {
    let Comparison { forwarders, ours, .. } = comparison;
    let heads = forwarders
        .iter()
        .map(|forwarder| format!("[{}](#{})", forwarder.name, anchor(&forwarder.name)));
    let mut text = row(["case".to_owned(), "[alb-ingest](#alb-ingest)".to_owned()]
        .into_iter()
        .chain(heads));
    text += &row(std::iter::repeat_n("---".to_owned(), forwarders.len() + 2)).replace(' ', "");
    for case in &comparison.cases {
        let verdicts = forwarders.iter().map(|forwarder| {
            let cell = &forwarder.cells[&case.id];
            let mark = if cell.how == How::Run { " †" } else { "" };
            cell.verdicts() + mark
        });
        text += &row([case.title.clone(), ours[&case.id].verdict.clone() + " †"]
            .into_iter()
            .chain(verdicts));
    }
    text
}

/// Returns the evidence of a forwarder, case by case.
fn notes(comparison: &Comparison, forwarder: &Forwarder) -> String {
    let Forwarder {
        name,
        repository,
        version,
        commit,
        date,
        part,
        ran,
        ..
    } = forwarder;
    let mut text = format!(
        "\n### {name}\n\n[{repository}](https://github.com/{repository}/tree/{commit}), {version}, commit `{}` of {date}: {part}. \
         Run here: {ran}.\n\n",
        &commit[..12]
    );
    for (number, case) in (1..).zip(&comparison.cases) {
        let cell = &forwarder.cells[&case.id];
        let at = cell
            .at
            .iter()
            .map(|at| forwarder.link(at))
            .collect::<Vec<_>>()
            .join(", ");
        let how = if cell.how == How::Run { "run" } else { "read" };
        let (title, verdicts, why) = (&case.title, cell.verdicts(), &cell.why);
        writeln!(text, "{number}. {title}: **{verdicts}** ({how}). {why} {at}").unwrap();
    }
    text
}

/// Returns the generated part of the page.
fn page(comparison: &Comparison) -> String {
    let mut text = grid(comparison);
    text += "\n† run; the other cells were read.\n\n| case | input |\n|---|---|\n";
    for case in &comparison.cases {
        text += &row([case.title.clone(), case.input.clone()]);
    }
    text += "\n| verdict | meaning |\n|---|---|\n";
    for verdict in &comparison.verdicts {
        text += &row([verdict.name.clone(), verdict.meaning.clone()]);
    }
    text += "\n## Evidence\n\n### alb-ingest\n\nThis revision. The tests:\n\n";
    for (number, case) in (1..).zip(&comparison.cases) {
        let ours = &comparison.ours[&case.id];
        let tests = ours.tests.iter().map(|test| format!("`{test}`")).collect::<Vec<_>>();
        writeln!(
            text,
            "{number}. {}: **{}**. {}",
            case.title,
            ours.verdict,
            tests.join(", ")
        )
        .unwrap();
    }
    for forwarder in &comparison.forwarders {
        text += &notes(comparison, forwarder);
    }
    text
}

#[test]
fn the_comparison_is_up_to_date() {
    let path = package(PAGE);
    let committed = fs::read_to_string(&path).unwrap();
    let (head, rest) = committed.split_once(BEGIN).expect("the page has the mark of the grid");
    let (_, tail) = rest.split_once(END).expect("the page has the end of the grid");
    let comparison = comparison();
    assert!(head.contains(&comparison.read), "{PAGE} has the day of the reading");
    let expected = [head, BEGIN, &page(&comparison), END, tail].concat();
    if update() {
        fs::write(&path, expected).unwrap();
    } else {
        assert!(committed == expected, "{PAGE} is out of date; run `make generated`");
    }
}

/// Returns whether a text is a date, YYYY-MM-DD.
fn is_date(text: &str) -> bool {
    text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10
}

/// Returns whether evidence names lines of a file: `path#L1` or `path#L1-L2`.
fn names_lines(at: &str) -> bool {
    let Some((path, lines)) = at.split_once("#L") else {
        return false;
    };
    let numbers = lines.split("-L").map(str::parse).collect::<Result<Vec<u32>, _>>();
    !path.is_empty() && numbers.is_ok_and(|numbers| numbers.len() <= 2 && numbers.is_sorted())
}

#[test]
fn every_claim_has_its_evidence() {
    let comparison = comparison();
    assert!(is_date(&comparison.read));
    let cases: BTreeSet<_> = comparison.cases.iter().map(|case| &case.id).collect();
    assert_eq!(cases.len(), comparison.cases.len());
    assert!(comparison.ours.keys().eq(cases.iter().copied()));
    for (case, ours) in &comparison.ours {
        assert!(!ours.tests.is_empty(), "{case} has no test");
        for test in &ours.tests {
            assert!(exists(test), "{case}: {test} does not exist");
        }
    }
    for forwarder in &comparison.forwarders {
        let Forwarder { name, commit, .. } = forwarder;
        assert!(is_date(&forwarder.date) && forwarder.date <= comparison.read, "{name}");
        let is_hash = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(is_hash, "{name}: {commit} is not a commit");
        assert_eq!(forwarder.repository.split('/').count(), 2, "{name}");
        assert!(forwarder.cells.keys().eq(cases.iter().copied()), "{name} lacks a case");
        for (case, cell) in &forwarder.cells {
            assert!(!cell.at.is_empty(), "{name}, {case}: no line of evidence");
            for at in &cell.at {
                assert!(names_lines(at), "{name}, {case}: {at} names no lines");
            }
            assert!(cell.why.ends_with('.') && !cell.why.contains('|'), "{name}, {case}");
        }
    }
}

#[test]
fn every_verdict_is_defined_and_used() {
    let comparison = comparison();
    let defined: BTreeSet<_> = comparison.verdicts.iter().map(|verdict| &verdict.name).collect();
    let cells = comparison
        .forwarders
        .iter()
        .flat_map(|forwarder| forwarder.cells.values());
    let used: BTreeSet<_> = cells
        .flat_map(|cell| [Some(&cell.verdict), cell.otherwise.as_ref().map(|other| &other.verdict)])
        .flatten()
        .chain(comparison.ours.values().map(|ours| &ours.verdict))
        .collect();
    assert_eq!(defined, used);
}

#[test]
fn lines_of_evidence_are_recognized() {
    for (at, expected) in [
        ("src/a.py#L7", true),
        ("src/a.py#L7-L12", true),
        ("src/a.py#L12-L7", false),
        ("src/a.py#L7-L8-L9", false),
        ("src/a.py#Lx", false),
        ("src/a.py", false),
        ("#L7", false),
    ] {
        assert_eq!(names_lines(at), expected, "{at}");
    }
}
