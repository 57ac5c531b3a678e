//! Audits a destination with one output for each object.

use serde_json::json;

use crate::layout::FILE;
use crate::merge::plan::Place;
use crate::object::hex;

use super::super::Stop;
use super::compare::{self, name_hash};
use super::findings::Findings;
use super::known::{BAD, FOUND, HAS_EVENTS, HAS_REJECTS, Known, REJECTED, YOUNG};
use super::output::{Verdict, check as check_output, id_in};
use super::{Audit, Places, WAVE, failed};

/// A file of the destination.
pub(super) struct OutputFile {
    pub(super) place: Place,
    /// Its name in its place.
    pub(super) name: String,
    /// Its name in the destination, as it is shown.
    pub(super) shown: String,
    pub(super) bytes: u64,
}

/// Checks every output, and notes which objects have some.
pub(super) fn check(audit: &Audit<'_>, known: &mut Known, findings: &mut Findings) -> Result<(), Stop> {
    let expected = if audit.is_deep {
        Some(compare::all(audit, known, findings)?)
    } else {
        None
    };
    let mut checked = 0;
    audit.each_wave(|wave| {
        let mut to_check = Vec::new();
        for file in wave {
            let id = id_in(&file.name);
            let Some((id, position)) = id.and_then(|id| Some((id, known.position_of_id(id)?))) else {
                if audit.scope.covers_output(&file.name) {
                    draft(findings, "extra", id, &file.shown, "")?;
                }
                continue;
            };
            match &expected {
                _ if known.flags(position) & YOUNG != 0 => {}
                None => to_check.push((file, id, position)),
                Some(_) if known.flags(position) & BAD != 0 => {}
                Some(expected) if expected.binary_search(&name_hash(file.place, &file.name)).is_err() => {
                    draft(findings, "extra", None, &file.shown, "")?;
                }
                Some(_) => {}
            }
        }
        checked += wave.len();
        audit.bar.set_message(format!("{checked} outputs checked"));
        let verdicts = audit.pool.run(
            &to_check,
            |(file, id, _)| Some(check_output(audit.places.store(file.place), *id, &file.name)),
            |_, _| None,
        );
        for ((file, id, position), verdict) in to_check.into_iter().zip(verdicts) {
            let verdict = verdict.ok_or_else(internal)?.map_err(|error| failed(&error))?;
            note(known, findings, (file, id, position), verdict)?;
        }
        Ok(())
    })
}

fn note(
    known: &mut Known,
    findings: &mut Findings,
    (file, id, position): (&OutputFile, [u8; 8], usize),
    verdict: Verdict,
) -> Result<(), Stop> {
    match verdict {
        Verdict::Gone => Ok(()),
        Verdict::Corrupt(reason) => {
            known.add(position, BAD);
            draft(findings, "corrupt", Some(id), &file.shown, &reason)
        }
        Verdict::Unbalanced(reason) => {
            known.add(position, BAD);
            draft(findings, "unbalanced", Some(id), &file.shown, &reason)
        }
        Verdict::Intact(counts) => {
            let found = match file.place {
                Place::Events => FOUND,
                Place::Quarantine => REJECTED,
            };
            let has_events = counts.is_some_and(|counts| counts.events > 0);
            let has_rejects = counts.is_some_and(|counts| counts.quarantined > 0);
            known.add(position, found);
            known.add(position, if has_events { HAS_EVENTS } else { 0 });
            known.add(position, if has_rejects { HAS_REJECTS } else { 0 });
            Ok(())
        }
    }
}

/// Adds a finding whose object is named later.
pub(super) fn draft(
    findings: &mut Findings,
    list: &str,
    id: Option<[u8; 8]>,
    output: &str,
    reason: &str,
) -> Result<(), Stop> {
    let id = id.map(|id| hex(&id));
    findings
        .drafts
        .add(&json!({"list": list, "id": id, "output": output, "reason": reason}))
}

pub(super) fn internal() -> Stop {
    Stop::Failed("internal error while looking at a file; please report this".to_owned())
}

impl Audit<'_> {
    /// Lists the files that can be outputs, and calls a function with some of them at a time.
    pub(super) fn each_wave(&self, mut each: impl FnMut(&[OutputFile]) -> Result<(), Stop>) -> Result<(), Stop> {
        let mut wave = Vec::new();
        let mut places = vec![Place::Events];
        if self.places.quarantine_below.is_none() {
            places.push(Place::Quarantine);
        }
        for place in places {
            for file in self.places.store(place).files("").map_err(|error| failed(&error))? {
                let file = file.map_err(|error| failed(&error))?;
                wave.extend(self.output_file(place, file.name, file.bytes));
                if wave.len() >= WAVE {
                    each(&wave)?;
                    wave.clear();
                }
            }
        }
        each(&wave)
    }

    /// Returns a listed file, unless it belongs to a merge or to the source.
    fn output_file(&self, listed: Place, name: String, bytes: u64) -> Option<OutputFile> {
        let Places {
            quarantine_below,
            source_below,
            ..
        } = &self.places;
        let is_below = |folder: &Option<String>| folder.as_ref().is_some_and(|folder| name.starts_with(folder));
        if listed == Place::Events && (name == FILE || is_below(source_below)) {
            return None;
        }
        let rejects = quarantine_below.as_ref().filter(|_| listed == Place::Events);
        let (place, name) = match rejects.and_then(|below| name.strip_prefix(below.as_str())) {
            Some(rejects) => (Place::Quarantine, rejects.to_owned()),
            None => (listed, name),
        };
        // Its log, and what it staged in either place.
        (!name.starts_with("_merge/")).then(|| OutputFile {
            shown: self.shown(place, &name),
            place,
            name,
            bytes,
        })
    }

    /// Returns the name of an output in the destination, as it is shown.
    pub(super) fn shown(&self, place: Place, name: &str) -> String {
        match (place, &self.places.quarantine_below) {
            (Place::Events, _) => name.to_owned(),
            (Place::Quarantine, Some(below)) => format!("{below}{name}"),
            (Place::Quarantine, None) => {
                format!("{}/{name}", self.config.quarantine.to_string().trim_end_matches('/'))
            }
        }
    }
}
