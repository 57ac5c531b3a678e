//! How requests to Application and Classic Load Balancers end: actions, redirects, WAF, authentication, errors.

use std::collections::BTreeMap;

use crate::parse::batch::Lists;
use crate::report::figures::{Action, Authentication, ErrorReason, OwnError, OwnErrorCause, Ranking, Redirect, Waf};
use crate::report::sketch::{Entry, KeyBuffer, Tally, Top, single, texts_of};

use super::columns::TextColumn;
use super::meanings::meaning;
use super::volume::Class;
use super::{Event, MAX_ROWS, Rows};

/// The maximum number of distinct values of each kind.
const CAPACITY: usize = 1_024;

/// How requests end.
pub(super) struct Outcomes {
    actions: Top<Ends>,
    /// By status code, and by whether the load balancer responded.
    redirects: Top<()>,
    /// By status code, reason and last action.
    own_errors: Top<()>,
    /// By reason and status code.
    reasons: Top<()>,
    waf: Waf,
    authentication: Authentication,
    buffer: KeyBuffer,
}

/// How the requests with an action end.
#[derive(Default)]
struct Ends {
    fine: u64,
    client_errors: u64,
    server_errors: u64,
}

impl Tally for Ends {
    fn merge(&mut self, other: Self) {
        self.fine += other.fine;
        self.client_errors += other.client_errors;
        self.server_errors += other.server_errors;
    }
}

/// Columns that only Application Load Balancers have.
#[derive(Clone, Copy)]
pub(super) struct OutcomeColumns<'a> {
    pub(super) text: &'a [u8],
    pub(super) actions: &'a Lists,
    pub(super) reason: TextColumn<'a>,
}

impl Outcomes {
    pub(super) const fn new() -> Self {
        Self {
            actions: Top::new(CAPACITY),
            redirects: Top::new(CAPACITY),
            own_errors: Top::new(CAPACITY),
            reasons: Top::new(CAPACITY),
            waf: Waf {
                evaluated: 0,
                blocked: 0,
                failed: 0,
            },
            authentication: Authentication {
                requests: 0,
                passed: 0,
                sent_to_log_in: 0,
                failed: 0,
            },
            buffer: KeyBuffer::new(),
        }
    }

    /// Adds requests.
    pub(super) fn add(&mut self, rows: Rows<'_>, columns: Option<OutcomeColumns<'_>>) {
        for (row, event) in rows.requests() {
            let last_action = columns.and_then(|columns| self.actions(row, event, columns));
            let reason = columns.and_then(|columns| columns.reason.get(row));
            let Some(status) = event.status else { continue };
            let is_own = status >= 400 && !event.by_target;
            if !is_own && event.class != Some(Class::Redirection) && reason.is_none() {
                continue;
            }
            let mut digits = itoa::Buffer::new();
            let status = Some(digits.format(status).as_bytes());
            if event.class == Some(Class::Redirection) {
                let by: &[u8] = if event.by_target { b"target" } else { b"load balancer" };
                self.redirects.count(self.buffer.key(&[status, Some(by)]));
            }
            if is_own {
                self.own_errors.count(self.buffer.key(&[status, reason, last_action]));
            }
            if reason.is_some() {
                self.reasons.count(self.buffer.key(&[reason, status]));
            }
        }
    }

    /// Counts the actions of a request; returns the last one.
    #[inline]
    fn actions<'a>(&mut self, row: usize, event: &Event, columns: OutcomeColumns<'a>) -> Option<&'a [u8]> {
        let (mut last, mut evaluated, mut failed, mut authenticated) = (None, false, false, false);
        for action in columns.actions.get(row, columns.text)? {
            let ends = &mut self.actions.count(single(Some(action))).value;
            match event.status {
                Some(..400) => ends.fine += 1,
                Some(400..500) => ends.client_errors += 1,
                Some(500..) => ends.server_errors += 1,
                None => {}
            }
            evaluated |= action == b"waf";
            failed |= action == b"waf-failed";
            authenticated |= is_authentication(action);
            last = Some(action);
        }
        self.waf.evaluated += u64::from(evaluated);
        self.waf.failed += u64::from(failed);
        self.waf.blocked += u64::from(last == Some(b"waf".as_slice()));
        if authenticated {
            let authentication = &mut self.authentication;
            authentication.requests += 1;
            let count = if last.is_none_or(|last| !is_authentication(last)) {
                &mut authentication.passed
            } else if event.class == Some(Class::Redirection) {
                &mut authentication.sent_to_log_in
            } else {
                &mut authentication.failed
            };
            *count += 1;
        }
        last
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.actions.merge(other.actions);
        self.redirects.merge(other.redirects);
        self.own_errors.merge(other.own_errors);
        self.reasons.merge(other.reasons);
        self.waf.evaluated += other.waf.evaluated;
        self.waf.blocked += other.waf.blocked;
        self.waf.failed += other.waf.failed;
        self.authentication.requests += other.authentication.requests;
        self.authentication.passed += other.authentication.passed;
        self.authentication.sent_to_log_in += other.authentication.sent_to_log_in;
        self.authentication.failed += other.authentication.failed;
    }

    pub(super) fn action_figures(&self) -> Option<Ranking<Action>> {
        self.actions.ranking(MAX_ROWS, |entry| {
            let [action] = texts_of(&entry.key);
            let Ends {
                fine,
                client_errors,
                server_errors,
            } = entry.value;
            Action {
                action: action.unwrap_or_default(),
                requests: entry.count,
                fine,
                client_errors,
                server_errors,
            }
        })
    }

    pub(super) fn redirects(&self) -> Option<Ranking<Redirect>> {
        self.redirects.ranking(MAX_ROWS, |entry| {
            let [status, by] = texts_of(&entry.key);
            Redirect {
                status: number(status.as_deref()).unwrap_or_default(),
                by_load_balancer: by.as_deref() != Some("target"),
                requests: entry.count,
            }
        })
    }

    pub(super) fn waf(&self) -> Option<Waf> {
        (self.waf.evaluated + self.waf.failed > 0).then(|| self.waf.clone())
    }

    pub(super) fn authentication(&self) -> Option<Authentication> {
        (self.authentication.requests > 0).then(|| self.authentication.clone())
    }

    pub(super) fn error_reasons(&self) -> Option<Ranking<ErrorReason>> {
        self.reasons.ranking(MAX_ROWS, |entry| {
            let [reason, status] = texts_of(&entry.key);
            ErrorReason {
                reason: reason.unwrap_or_default(),
                status: number(status.as_deref()),
                requests: entry.count,
            }
        })
    }

    /// Returns the errors of load balancers by status code, the most frequent first.
    pub(super) fn own_errors(&self) -> Option<Ranking<OwnError>> {
        let mut by_status: BTreeMap<i32, (u64, Vec<&Entry<()>>)> = BTreeMap::new();
        for entry in self.own_errors.entries() {
            let [status] = texts_of(&entry.key);
            let (missed, causes) = by_status
                .entry(number(status.as_deref()).unwrap_or_default())
                .or_default();
            *missed += entry.missed();
            causes.push(entry);
        }
        let distinct = by_status.len() as u64;
        let errors = by_status.into_iter().map(|(status, (missed, mut causes))| {
            causes.sort_unstable_by(|one, other| other.count.cmp(&one.count).then_with(|| one.key.cmp(&other.key)));
            let error = OwnError {
                status,
                requests: causes.iter().map(|cause| cause.count).sum(),
                meaning: meaning(status).map(str::to_owned),
                causes: causes.into_iter().take(MAX_ROWS).map(cause).collect(),
            };
            (missed, error)
        });
        let mut errors: Vec<(u64, OwnError)> = errors.collect();
        errors.sort_by_key(|(_, error)| std::cmp::Reverse(error.requests));
        errors.truncate(MAX_ROWS);
        (!self.own_errors.is_empty()).then(|| Ranking {
            undercount: errors.iter().map(|(missed, _)| *missed).max().unwrap_or(0),
            rows: errors.into_iter().map(|(_, error)| error).collect(),
            distinct,
            unseen: self.own_errors.unseen(),
        })
    }
}

fn cause(entry: &Entry<()>) -> OwnErrorCause {
    let [_, reason, last_action] = texts_of(&entry.key);
    OwnErrorCause {
        reason,
        last_action,
        requests: entry.count,
    }
}

fn number(text: Option<&str>) -> Option<i32> {
    text?.parse().ok()
}

/// Returns whether an action authenticates: `authenticate`, or the verification of a JWT.
fn is_authentication(action: &[u8]) -> bool {
    action.starts_with(b"authenticate") || action.starts_with(b"jwt")
}
