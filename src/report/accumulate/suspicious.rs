//! Requests that look like attacks, by the signatures of the query pack.
//!
//! The signatures are those of `queries/alb_access_log/injection_attempts.sql` and `scanners.sql`, and a test compares them. As
//! `lower` does in SQL, they ignore the case, but only of ASCII letters, of which they consist.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::report::Time;
use crate::report::figures::{self, Attempts, Desync, Ranking, Scanner};
use crate::report::sketch::{Entry, KeyBuffer, Tally, Top, hash, single, text_of, texts_of};

use super::columns::TextColumn;
use super::requests::Client;
use super::{Event, MAX_ROWS, MAX_TOP, Rows};

/// The number of kinds of attempts.
const NUMBER_OF_KINDS: usize = 5;
/// The signatures of a kind of attempt: the kind, texts in URLs, texts in paths. The first kind that fits a request counts.
static KINDS: [(&str, &[&str], &[&str]); NUMBER_OF_KINDS] = [
    ("path traversal", &["../", "..%2f", "..%5c", "/etc/passwd"], &[]),
    ("jndi lookup", &[JNDI, "%24%7bjndi"], &[]),
    ("script injection", &["<script", "%3cscript"], &[]),
    (
        "sql injection",
        &["union%20select", "union+select", "%27%20or%20", "'+or+"],
        &[],
    ),
    (
        "leaking file",
        &[],
        &["/.env", "/.git/", "/wp-login.php", "/phpmyadmin"],
    ),
];

/// The kind of the text that user agents have, too.
const JNDI_KIND: usize = 1;
/// The text of this kind that user agents have, too.
const JNDI: &str = "${jndi:";
/// The texts in user agents of scanners.
static SCANNERS: [&str; 9] = [
    "scan",
    "sqlmap",
    "nikto",
    "nuclei",
    "zgrab",
    "masscan",
    "gobuster",
    "dirbuster",
    "wpscan",
];

/// The number of paths that were refused from which on a client scans the site.
const MIN_REFUSED: usize = 10;
/// The number of different paths that are counted for a client.
const MAX_REFUSED: usize = 100;
/// The number of latest attempts that are shown.
const MAX_LATEST: usize = 20;
/// The maximum number of desync classifications with reasons.
const DESYNC: usize = 256;

/// The texts of all kinds; a text's number is its position among all of them.
static SIGNATURES: LazyLock<AhoCorasick> =
    LazyLock::new(|| searcher(KINDS.iter().flat_map(|(_, urls, paths)| urls.iter().chain(*paths))));
static SCANNER_SIGNATURES: LazyLock<AhoCorasick> = LazyLock::new(|| searcher(SCANNERS.iter()));
static JNDI_SIGNATURE: LazyLock<AhoCorasick> = LazyLock::new(|| searcher([&JNDI].into_iter()));
/// The kind of each text, and whether it has to be in the path.
static KIND_OF: LazyLock<Vec<(usize, bool)>> = LazyLock::new(|| {
    let kinds = KINDS.iter().enumerate();
    let texts = kinds.flat_map(|(kind, (_, urls, paths))| {
        let in_urls = urls.iter().map(move |_| (kind, false));
        in_urls.chain(paths.iter().map(move |_| (kind, true)))
    });
    texts.collect()
});

fn searcher<'a>(texts: impl Iterator<Item = &'a &'static str>) -> AhoCorasick {
    let mut builder = AhoCorasick::builder();
    builder.ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA));
    builder.build(texts.copied()).expect("there are few short signatures")
}

/// What is suspicious about a user agent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Agent {
    is_scanner: bool,
    has_jndi: bool,
}

impl Agent {
    pub(super) fn of(text: Option<&[u8]>) -> Self {
        let text = text.unwrap_or_default();
        Self {
            is_scanner: SCANNER_SIGNATURES.is_match(text),
            has_jndi: JNDI_SIGNATURE.is_match(text),
        }
    }
}

/// Returns the kind of attempt that a request is.
#[inline]
fn kind_of(url: Option<&[u8]>, path: Option<&[u8]>, agent: Agent) -> Option<usize> {
    let (in_url, in_path) = url.map_or((None, None), first_kinds);
    let in_agent = agent.has_jndi.then_some(JNDI_KIND);
    // The path is a part of the URL, but the signature can be in another part.
    let in_path = in_path.and_then(|_| first_kinds(path?).1);
    [in_url, in_agent, in_path].into_iter().flatten().min()
}

/// Returns the first kind with a signature for URLs in a text, and the first one with a signature for paths.
#[inline]
fn first_kinds(text: &[u8]) -> (Option<usize>, Option<usize>) {
    let (mut for_urls, mut for_paths) = (None, None);
    for found in SIGNATURES.find_overlapping_iter(text) {
        let (kind, is_for_paths) = KIND_OF[found.pattern().as_usize()];
        let first = if is_for_paths { &mut for_paths } else { &mut for_urls };
        *first = Some(first.map_or(kind, |known: usize| known.min(kind)));
    }
    (for_urls, for_paths)
}

/// What makes a client a scanner.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The number of requests to Application Load Balancers.
    requests: u64,
    last: Option<i64>,
    as_scanner: u64,
    /// Hashes of different paths that were refused, in order; at most [`MAX_REFUSED`].
    refused: Vec<u64>,
}

impl Scan {
    #[inline]
    pub(super) fn add(&mut self, event: &Event, agent: Agent, path: Option<&[u8]>) {
        self.requests += 1;
        self.last = self.last.max(Some(event.time));
        self.as_scanner += u64::from(agent.is_scanner);
        if let (Some(400 | 403 | 404), Some(path)) = (event.status, path) {
            self.refuse(hash(path));
        }
    }

    fn refuse(&mut self, path: u64) {
        if self.refused.len() < MAX_REFUSED
            && let Err(at) = self.refused.binary_search(&path)
        {
            self.refused.insert(at, path);
        }
    }
}

impl Tally for Scan {
    fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.last = self.last.max(other.last);
        self.as_scanner += other.as_scanner;
        for path in other.refused {
            self.refuse(path);
        }
    }
}

/// Suspicious requests.
pub(super) struct Suspicious {
    /// The number of requests by kind, and of those with a status code below 400.
    attempts: [(u64, u64); NUMBER_OF_KINDS],
    /// The latest attempts, the last one first.
    latest: Vec<Attempt>,
    /// By classification and reason.
    desync: Top<()>,
    buffer: KeyBuffer,
}

/// An attempt, with what decides its place among the latest.
struct Attempt {
    time: i64,
    object: String,
    line: i64,
    figures: figures::Attempt,
}

impl Attempt {
    /// Later attempts come first, and those at the same time in the order of their event ids.
    fn rank(&self) -> impl Ord + '_ {
        (std::cmp::Reverse(self.time), &self.object, self.line)
    }
}

/// The columns of requests to Application Load Balancers.
#[derive(Clone, Copy)]
pub(super) struct SuspiciousColumns<'a> {
    pub(super) object: &'a str,
    pub(super) lines: &'a [i64],
    pub(super) client: TextColumn<'a>,
    pub(super) verb: TextColumn<'a>,
    pub(super) url: TextColumn<'a>,
    pub(super) path: TextColumn<'a>,
    pub(super) classification: TextColumn<'a>,
    pub(super) classification_reason: TextColumn<'a>,
}

impl Suspicious {
    pub(super) const fn new() -> Self {
        Self {
            attempts: [(0, 0); NUMBER_OF_KINDS],
            latest: Vec::new(),
            desync: Top::new(DESYNC),
            buffer: KeyBuffer::new(),
        }
    }

    /// Adds requests to Application Load Balancers, with what is suspicious about their user agents.
    pub(super) fn add(&mut self, rows: Rows<'_>, agents: &[Agent], columns: SuspiciousColumns<'_>) {
        for ((row, event), agent) in rows.all().zip(agents) {
            if let Some(kind) = kind_of(columns.url.get(row), columns.path.get(row), *agent) {
                self.attempt(row, event, kind, columns);
            }
            if let Some(classification) = columns.classification.get(row) {
                let reason = columns.classification_reason.get(row);
                self.desync.count(self.buffer.key(&[Some(classification), reason]));
            }
        }
    }

    fn attempt(&mut self, row: usize, event: &Event, kind: usize, columns: SuspiciousColumns<'_>) {
        let (requests, fine) = &mut self.attempts[kind];
        *requests += 1;
        *fine += u64::from(event.status.is_some_and(|status| status < 400));
        if self.latest.len() >= MAX_LATEST && self.latest.last().is_some_and(|last| last.time > event.time) {
            return;
        }
        let text = |column: TextColumn<'_>| text_of(single(column.get(row)));
        self.insert(Attempt {
            time: event.time,
            object: columns.object.to_owned(),
            line: columns.lines[row],
            figures: figures::Attempt {
                time: Time(event.time),
                kind: KINDS[kind].0.to_owned(),
                client: text(columns.client),
                status: event.status,
                verb: text(columns.verb),
                url: text(columns.url),
            },
        });
    }

    fn insert(&mut self, attempt: Attempt) {
        let at = self.latest.partition_point(|other| other.rank() < attempt.rank());
        self.latest.insert(at, attempt);
        self.latest.truncate(MAX_LATEST);
    }

    pub(super) fn merge(&mut self, other: Self) {
        for ((requests, fine), (more, more_fine)) in self.attempts.iter_mut().zip(other.attempts) {
            *requests += more;
            *fine += more_fine;
        }
        for attempt in other.latest {
            self.insert(attempt);
        }
        self.desync.merge(other.desync);
    }

    /// Returns the figures, if anything is suspicious.
    pub(super) fn figures(&self, clients: &Top<Client>) -> Option<figures::Suspicious> {
        let attempts = KINDS
            .iter()
            .zip(self.attempts)
            .filter(|(_, (requests, _))| *requests > 0);
        let attempts = attempts.map(|((kind, ..), (requests, fine))| Attempts {
            kind: (*kind).to_owned(),
            requests,
            fine,
        });
        let found = figures::Suspicious {
            attempts: attempts.collect(),
            latest_attempts: self.latest.iter().map(|attempt| attempt.figures.clone()).collect(),
            scanners: scanners(clients),
            desync: self.desync.ranking(MAX_ROWS, |entry| {
                let [classification, reason] = texts_of(&entry.key);
                Desync {
                    classification: classification.unwrap_or_default(),
                    reason,
                    requests: entry.count,
                }
            }),
        };
        let is_empty = found.attempts.is_empty() && found.scanners.is_none() && found.desync.is_none();
        (!is_empty).then_some(found)
    }
}

fn scanners(clients: &Top<Client>) -> Option<Ranking<Scanner>> {
    let rank = |entry: &Entry<Client>| {
        let Scan {
            as_scanner, refused, ..
        } = &entry.value.scan;
        (*as_scanner > 0 || refused.len() >= MIN_REFUSED).then_some((*as_scanner, refused.len()))
    };
    let scanners = clients.ranking_by(MAX_TOP, rank, |entry| {
        let scan = &entry.value.scan;
        Scanner {
            client: text_of(&entry.key),
            requests: scan.requests,
            paths_refused: scan.refused.len() as u64,
            as_scanner: scan.as_scanner,
            last: Time(scan.last.unwrap_or_default()),
        }
    })?;
    (!scanners.rows.is_empty()).then_some(scanners)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const INJECTIONS: &str = include_str!("../../../queries/alb_access_log/injection_attempts.sql");
    const SCANS: &str = include_str!("../../../queries/alb_access_log/scanners.sql");

    fn agent(text: &str) -> Agent {
        Agent::of(Some(text.as_bytes()))
    }

    fn kind(url: &str, path: &str, user_agent: &str) -> Option<&'static str> {
        kind_of(Some(url.as_bytes()), Some(path.as_bytes()), agent(user_agent)).map(|kind| KINDS[kind].0)
    }

    /// The signatures of a branch of the query: `strpos(lower(COLUMN), 'TEXT')`.
    fn signatures(branch: &str, column: &str) -> BTreeSet<String> {
        let start = format!("strpos(lower({column}), '");
        let texts = branch.split(&start).skip(1);
        texts
            .map(|text| text.split("') > 0").next().unwrap().replace("''", "'"))
            .collect()
    }

    #[test]
    fn the_signatures_are_those_of_the_queries() {
        let cases = INJECTIONS
            .split_once("case\n")
            .unwrap()
            .1
            .split_once("end as attempt")
            .unwrap()
            .0;
        let branches: Vec<&str> = cases.split("when ").skip(1).collect();
        assert_eq!(branches.len(), KINDS.len());
        for (branch, (kind, urls, paths)) in branches.into_iter().zip(KINDS) {
            let named = branch.rsplit_once("then '").unwrap().1.split('\'').next().unwrap();
            assert_eq!(named, kind);
            let set = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<BTreeSet<_>>();
            assert_eq!(signatures(branch, "request_url"), set(urls), "{kind}");
            assert_eq!(signatures(branch, "request_path"), set(paths), "{kind}");
            let agents: &[&str] = if kind == KINDS[JNDI_KIND].0 { &[JNDI] } else { &[] };
            assert_eq!(signatures(branch, "user_agent"), set(agents), "{kind}");
        }
        let agents = SCANS.split("lower(user_agent) like '%").skip(1);
        let agents: Vec<&str> = agents.map(|text| text.split('%').next().unwrap()).collect();
        assert_eq!(agents, SCANNERS);
        assert!(SCANS.contains("elb_status_code in (400, 403, 404)"));
        assert!(SCANS.contains(&format!("paths_refused >= {MIN_REFUSED}")));
    }

    #[test]
    fn the_first_kind_that_fits_counts() {
        assert_eq!(kind("https://h:443/a/../b", "/a/../b", ""), Some("path traversal"));
        assert_eq!(kind("https://h:443/..%2Fx", "/..%2Fx", ""), Some("path traversal"));
        assert_eq!(kind("https://h:443/?q=${JNDI:x", "/", ""), Some("jndi lookup"));
        assert_eq!(kind("https://h:443/", "/", "x ${jNdi:ldap"), Some("jndi lookup"));
        assert_eq!(kind("https://h:443/?q=%3CScript", "/", "${jndi:"), Some("jndi lookup"));
        assert_eq!(kind("https://h:443/?a=<script>&b=../", "/", ""), Some("path traversal"));
        assert_eq!(kind("https://h:443/?id='+OR+1", "/", ""), Some("sql injection"));
        assert_eq!(kind("https://h:443/x/.env", "/x/.env", ""), Some("leaking file"));
        assert_eq!(
            kind("https://h:443/?x=/.env", "/", ""),
            None,
            "the query string has no files"
        );
        assert_eq!(kind("https://h:443/", "/", "Mozilla/5.0"), None);
        assert_eq!(kind_of(None, None, agent("")), None);
    }

    #[test]
    fn scanners_are_recognized_by_their_user_agents() {
        assert!(agent("sqlMap/1.8").is_scanner && agent("WPScan v3").is_scanner);
        assert!(!agent("curl/8.5.0").is_scanner && !Agent::of(None).is_scanner);
    }

    #[test]
    fn refused_paths_are_counted_once_and_up_to_a_limit() {
        let (mut one, mut other) = (Scan::default(), Scan::default());
        for path in 0..60 {
            one.refuse(path);
            one.refuse(path);
            other.refuse(path + 50);
        }
        assert_eq!(one.refused.len(), 60);
        one.merge(other);
        assert_eq!(one.refused.len(), MAX_REFUSED);
    }
}
