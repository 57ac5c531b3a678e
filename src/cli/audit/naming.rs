//! Names what is wrong: lists the source again, because only identities are kept of its objects.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::layout::Delivery;
use crate::merge::Folder;
use crate::object::hex;

use super::super::Stop;
use super::Audit;
use super::compare::has_no_output;
use super::findings::Findings;
use super::known::{BAD, EMPTY, FOUND, Known, LOST, REJECTED, YOUNG, identity, is_missing};
use super::repair::Repair;

/// The length up to which a missing object is read, because it may have no lines: an empty gzip file has some bytes.
const MAX_PROBED: u64 = 4_096;

/// Names the objects that are missing, and adds what was drafted.
pub(super) fn name(
    audit: &Audit<'_>,
    known: &mut Known,
    findings: &mut Findings,
    repair: &mut Repair,
) -> Result<(), Stop> {
    let delivery = findings.delivery;
    let wrong = known.number(|flags| is_missing(flags, delivery) || flags & BAD != 0);
    let mut names = Names::default();
    if wrong > 0 || known.unreadable > 0 || findings.drafts.count() > 0 {
        audit.bar.set_message("naming what is wrong");
        names = find_names(audit, known, findings, repair)?;
    }
    findings.young = known.number(|flags| flags & (YOUNG | EMPTY) == YOUNG);
    findings.without_output = known.number(|flags| flags & EMPTY != 0 && flags & YOUNG == 0);
    findings.objects = known.counted();
    names.add_drafts(findings)
}

/// What a second listing of the source says.
#[derive(Default)]
struct Names {
    /// The keys of objects with damaged outputs, by id.
    keys: BTreeMap<String, String>,
    /// The ids of objects that were not listed at first, sorted.
    new: Vec<String>,
}

fn find_names(
    audit: &Audit<'_>,
    known: &mut Known,
    findings: &mut Findings,
    repair: &mut Repair,
) -> Result<Names, Stop> {
    let delivery = findings.delivery;
    let mut names = Names::default();
    audit.each_object(findings, |findings, entry, _| {
        let key = &entry.object.key;
        let Ok((identity, etag)) = identity(entry) else {
            return repair.object((&entry.object.bucket, key), None);
        };
        let id = hex(&identity.0).chars().take(16).collect();
        let Some(position) = known.position(&identity) else {
            names.new.push(id);
            return Ok(());
        };
        let flags = known.flags(position);
        let is_missing = is_missing(flags, delivery);
        // Of an object of any length, every event may be left out.
        let may_be_empty = audit.config.ingest.transform.removes_events()
            || entry.object.size.is_some_and(|bytes| bytes <= MAX_PROBED);
        let is_unknown = delivery == Delivery::PerObject && flags & (FOUND | REJECTED | LOST | BAD) == 0;
        if is_missing && is_unknown && may_be_empty && has_no_output(audit, entry) {
            known.add(position, EMPTY);
            return Ok(());
        }
        if is_missing {
            findings.missing.add(&json!(key))?;
        }
        match delivery {
            Delivery::PerObject if is_missing || flags & BAD != 0 => {
                repair.object((&entry.object.bucket, key), Some(&etag))?;
            }
            Delivery::Merged if is_missing => repair.folder(Folder::of(&entry.object.bucket, key).0),
            Delivery::PerObject | Delivery::Merged => {}
        }
        if flags & BAD != 0 {
            names.keys.insert(id, key.clone());
        }
        Ok(())
    })?;
    names.new.sort_unstable();
    Ok(names)
}

impl Names {
    fn add_drafts(&self, findings: &mut Findings) -> Result<(), Stop> {
        let Findings {
            drafts,
            extra,
            corrupt,
            unbalanced,
            ..
        } = findings;
        drafts.each(|draft| {
            let text = |name: &str| draft.get(name).and_then(Value::as_str);
            let id = text("id").map(str::to_owned);
            let output = text("output").unwrap_or_default();
            let named = || {
                let key = id.as_ref().and_then(|id| self.keys.get(id));
                json!({"key": key, "output": output, "reason": text("reason")})
            };
            match text("list") {
                Some("corrupt") => corrupt.add(&named()),
                Some("unbalanced") => unbalanced.add(&named()),
                // The object and its output arrived after the listing.
                _ if id.as_ref().is_some_and(|id| self.new.binary_search(id).is_ok()) => Ok(()),
                _ => extra.add(&json!(output)),
            }
        })
    }
}
