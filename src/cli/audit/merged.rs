//! Audits a destination with merged outputs: the plans say which objects are delivered, and in which files.

use serde_json::json;

use crate::ingest::Pool;
use crate::merge::plan::{Balance, Fate, File, Member, Place, Plan};
use crate::merge::{Folder, done_name, plan_name};
use crate::object::KeyFacts;
use crate::storage::StorageError;

use super::super::Stop;
use super::compare::name_hash;
use super::each::{OutputFile, internal};
use super::findings::{Findings, List};
use super::known::{BAD, EMPTY, FOUND, Flags, Known, LOST, YOUNG};
use super::output::{self, Guarded, uneven};
use super::plans::{FileRef, Logs, PlanRef};
use super::repair::Repair;
use super::{Audit, failed};

/// The number of plans that are in memory at the same time.
const PLANS: usize = 64;

/// A plan as it was read.
struct ReadPlan {
    /// The plan, or why it cannot be read.
    plan: Result<Plan, String>,
    /// The file that says that it is published.
    done: Option<Vec<u8>>,
}

/// Checks the plans and their files, and notes which objects are members.
pub(super) fn check(
    audit: &Audit<'_>,
    known: &mut Known,
    findings: &mut Findings,
    (repair, rejects): (&mut Repair, &mut Repair),
) -> Result<(), Stop> {
    let mut logs = Logs::list(audit.places.store(Place::Events)).map_err(|error| failed(&error))?;
    for (log, number) in logs.holes() {
        let reason = "it does not exist, although its log has later files";
        findings
            .corrupt
            .add(&json!({"output": plan_name(log, number), "reason": reason}))?;
    }
    let mut files = Vec::new();
    let mut plans = std::mem::take(&mut logs.plans);
    audit.each_plan(&logs, &mut plans, |number, plan_ref, read| {
        absorb(
            audit,
            &logs,
            (number, plan_ref),
            read,
            known,
            (findings, rejects),
            &mut files,
        )
    })?;
    files.sort_unstable_by_key(|file: &FileRef| file.name);
    logs.plans = plans;
    let mut suspects = List::default();
    check_files(audit, &logs, &mut files, findings, &mut suspects)?;
    report_plans(audit, &logs, &files, known, findings, repair)?;
    report_extras(audit, &logs, findings, &mut suspects)
}

impl Audit<'_> {
    /// Reads plans, and calls a function with each.
    fn each_plan(
        &self,
        logs: &Logs,
        plans: &mut [PlanRef],
        mut each: impl FnMut(u32, &mut PlanRef, ReadPlan) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mut number = 0;
        for wave in plans.chunks_mut(PLANS) {
            let read = read(self, &self.pool, logs, wave)?;
            for (plan, read) in wave.iter_mut().zip(read) {
                each(number, plan, read)?;
                number += 1;
            }
            self.bar.set_message(format!("{number} plans read"));
        }
        Ok(())
    }
}

fn read(audit: &Audit<'_>, pool: &Pool, logs: &Logs, plans: &[PlanRef]) -> Result<Vec<ReadPlan>, Stop> {
    let store = audit.places.store(Place::Events);
    let one = |plan: &PlanRef| -> Result<ReadPlan, StorageError> {
        let log = logs.log(plan);
        let bytes = store.read(&plan_name(log, plan.number))?;
        Ok(ReadPlan {
            plan: match bytes {
                Some(bytes) => Plan::decode(&bytes).map_err(|error| error.to_string()),
                None => Err("it does not exist any more".to_owned()),
            },
            done: if plan.is_done {
                store.read(&done_name(log, plan.number))?
            } else {
                None
            },
        })
    };
    let read = pool.run(plans, |plan| Some(one(plan)), |_, _| None);
    read.into_iter()
        .map(|read| read.ok_or_else(internal)?.map_err(|error| failed(&error)))
        .collect()
}

/// Notes the members and the files of a plan.
fn absorb(
    audit: &Audit<'_>,
    logs: &Logs,
    (number, plan_ref): (u32, &mut PlanRef),
    ReadPlan { plan, done }: ReadPlan,
    known: &mut Known,
    (findings, rejects): (&mut Findings, &mut Repair),
    files: &mut Vec<FileRef>,
) -> Result<(), Stop> {
    let name = plan_name(logs.log(plan_ref), plan_ref.number);
    let plan = match plan {
        Ok(plan) => plan,
        Err(reason) => return findings.corrupt.add(&json!({"output": name, "reason": reason})),
    };
    if audit
        .config
        .layout()
        .is_some_and(|layout| layout.fingerprint() != plan.layout)
    {
        let reason = "it was made for another _alb-ingest.json";
        findings.corrupt.add(&json!({"output": name, "reason": reason}))?;
    }
    let (members, identities) = (plan.members.iter(), plan.identities());
    for (member, identity) in members.zip(identities) {
        let key = format!("{}{}", plan.folder, member.key);
        if !audit.scope.covers(&plan.bucket, &key) {
            continue;
        }
        plan_ref.is_covered = true;
        let position = known.position(&identity);
        let before = position.map_or(0, |position| known.flags(position));
        let flags = note_member(member, (&key, &name), before & FOUND != 0, findings)?;
        // Other bytes under the key are another object, which the next merge takes.
        if position.is_some() && matches!(member.fate, Fate::Failed(_)) {
            rejects.object((&plan.bucket, &key), Some(&member.etag))?;
        }
        if let Some(position) = position {
            known.add(position, flags);
        }
    }
    if plan.members.is_empty() {
        plan_ref.is_covered = true;
    }
    files.extend(plan.files.iter().map(|file| FileRef::of(file, number)));
    match done {
        Some(done) if plan_ref.is_covered => check_balance(&plan, &done, &name, findings),
        _ => Ok(()),
    }
}

/// Reports what is wrong with a member, and returns what is known of it.
fn note_member(
    member: &Member,
    (key, plan): (&str, &str),
    is_planned: bool,
    findings: &mut Findings,
) -> Result<Flags, Stop> {
    if is_planned {
        let reason = "it is a member of another plan, too, so its rows are doubled";
        findings
            .corrupt
            .add(&json!({"key": key, "plan": plan, "reason": reason}))?;
        return Ok(BAD);
    }
    match &member.fate {
        Fate::Ingested(balance) if !balance.is_even() => {
            let reason = uneven(&(*balance).into());
            findings
                .unbalanced
                .add(&json!({"key": key, "plan": plan, "reason": reason}))?;
            Ok(FOUND | BAD)
        }
        Fate::Ingested(_) => Ok(FOUND),
        Fate::Skipped(_) => Ok(FOUND | EMPTY),
        Fate::Failed(reason) => {
            findings
                .failed
                .add(&json!({"key": key, "plan": plan, "reason": reason}))?;
            Ok(FOUND | BAD)
        }
    }
}

/// Compares the counts of a plan with those that were published.
fn check_balance(plan: &Plan, done: &[u8], name: &str, findings: &mut Findings) -> Result<(), Stop> {
    let sum = plan.balance();
    match serde_json::from_slice::<Balance>(done) {
        Ok(published) if published == sum => Ok(()),
        Ok(published) => {
            let reason = format!(
                "it has {}; its .done has {}",
                uneven(&sum.into()),
                uneven(&published.into())
            );
            findings.unbalanced.add(&json!({"plan": name, "reason": reason}))
        }
        Err(_) => {
            let reason = "its .done cannot be read";
            findings.corrupt.add(&json!({"plan": name, "reason": reason}))
        }
    }
}

/// Compares the files of the destination with those of the plans.
fn check_files(
    audit: &Audit<'_>,
    logs: &Logs,
    files: &mut [FileRef],
    findings: &mut Findings,
    suspects: &mut List,
) -> Result<(), Stop> {
    let mut checked = 0;
    audit.each_wave(|wave| {
        let mut to_hash = Vec::new();
        for file in wave {
            let name = name_hash(file.place, &file.name);
            let Ok(position) = files.binary_search_by_key(&name, |file| file.name) else {
                if audit.scope.covers_output(&file.name) {
                    suspects.add(&json!([crate::object::hex(&name), file.shown]))?;
                }
                continue;
            };
            let Some(planned) = files.get_mut(position) else {
                continue;
            };
            planned.is_found = true;
            if planned.bytes != file.bytes {
                let reason = format!("it has {} bytes, and its plan says {}", file.bytes, planned.bytes);
                report_damage(logs, (file, planned), &reason, findings)?;
            } else if audit.is_deep {
                to_hash.push((file, position));
            }
        }
        let hashes = audit
            .pool
            .run(&to_hash, |(file, _)| Some(hash(audit, file)), |_, _| None);
        for ((file, position), hash) in to_hash.into_iter().zip(hashes) {
            let hash = hash.ok_or_else(internal)?.map_err(|error| failed(&error))?;
            let Some(planned) = files.get_mut(position) else {
                continue;
            };
            if hash.is_some_and(|hash| !planned.has_sha256(&hash)) {
                let reason = "its bytes do not have the SHA-256 of its plan";
                report_damage(logs, (file, planned), reason, findings)?;
            }
        }
        checked += wave.len();
        audit.bar.set_message(format!("{checked} outputs checked"));
        Ok(())
    })
}

fn hash(audit: &Audit<'_>, file: &OutputFile) -> Result<Option<String>, StorageError> {
    let opened = audit.places.store(file.place).open(&file.name)?;
    opened
        .map(|opened| {
            output::hash(&mut Guarded {
                content: opened.content,
                failed: None,
            })
        })
        .transpose()
}

fn report_damage(
    logs: &Logs,
    (file, planned): (&OutputFile, &mut FileRef),
    reason: &str,
    findings: &mut Findings,
) -> Result<(), Stop> {
    planned.is_damaged = true;
    let Some(plan) = logs.plan(planned.plan).filter(|plan| plan.is_covered) else {
        return Ok(());
    };
    let plan = plan_name(logs.log(plan), plan.number);
    findings
        .corrupt
        .add(&json!({"output": file.shown, "plan": plan, "reason": reason}))
}

/// Reads the plans again that are not published, or whose files are missing or damaged, and reports their members.
fn report_plans(
    audit: &Audit<'_>,
    logs: &Logs,
    files: &[FileRef],
    known: &mut Known,
    findings: &mut Findings,
    repair: &mut Repair,
) -> Result<(), Stop> {
    let mut wrong = vec![false; logs.plans.len()];
    for file in files.iter().filter(|file| file.is_damaged || !file.is_found) {
        if let Some(wrong) = usize::try_from(file.plan).ok().and_then(|plan| wrong.get_mut(plan)) {
            *wrong = true;
        }
    }
    let to_read = logs.plans.iter().zip(wrong);
    let to_read = to_read.filter(|(plan, wrong)| plan.is_covered && (*wrong || !plan.is_done));
    let mut to_read: Vec<_> = to_read.map(|(plan, _)| PlanRef { is_done: true, ..*plan }).collect();
    audit.each_plan(logs, &mut to_read, |_, plan_ref, ReadPlan { plan, done }| {
        // One that cannot be read is reported already.
        let Ok(plan) = plan else { return Ok(()) };
        let name = plan_name(logs.log(plan_ref), plan_ref.number);
        let mut is_wrong = true;
        let created = plan_ref.created.map(|seconds| seconds.saturating_mul(1_000_000));
        if done.is_none() && audit.scope.is_young(created) {
            // It is being published.
            is_wrong = false;
            note_members(&plan, known, YOUNG, |_| true);
        } else if done.is_none() {
            let reason = "it is committed and not published: its .done does not exist";
            findings.failed.add(&json!({"plan": name, "reason": reason}))?;
            note_members(&plan, known, BAD, |_| true);
        } else {
            is_wrong = report_files(audit, (&plan, &name), files, known, findings)?;
        }
        if is_wrong {
            repair.folder(Folder {
                bucket: plan.bucket,
                prefix: plan.folder,
            });
        }
        Ok(())
    })
}

/// Reports the missing files of a plan, and notes the members that are affected by missing and damaged ones.
fn report_files(
    audit: &Audit<'_>,
    (plan, name): (&Plan, &str),
    files: &[FileRef],
    known: &mut Known,
    findings: &mut Findings,
) -> Result<bool, Stop> {
    let mut is_wrong = false;
    for file in &plan.files {
        let hash = name_hash(file.place, &file.key);
        let found = files.binary_search_by_key(&hash, |file| file.name).ok();
        let found = found.and_then(|position| files.get(position));
        if found.is_some_and(|found| found.is_damaged) {
            is_wrong = true;
            note_members(plan, known, BAD, |member| has_rows_in(member, plan, file));
        } else if !found.is_some_and(|found| found.is_found) {
            // It may have been published after the listing.
            let opened = audit.places.store(file.place).open(&file.key);
            if opened.map_err(|error| failed(&error))?.is_some() {
                continue;
            }
            is_wrong = true;
            let shown = audit.shown(file.place, &file.key);
            findings.missing_outputs.add(&json!({"output": shown, "plan": name}))?;
            note_members(plan, known, LOST, |member| has_rows_in(member, plan, file));
        }
    }
    Ok(is_wrong)
}

fn note_members(plan: &Plan, known: &mut Known, flags: Flags, concerns: impl Fn(&Member) -> bool) {
    for (member, identity) in plan.members.iter().zip(plan.identities()) {
        if concerns(member)
            && let Some(position) = known.position(&identity)
        {
            known.add(position, flags);
        }
    }
}

/// Returns whether a member can have rows in a file of its plan.
fn has_rows_in(member: &Member, plan: &Plan, file: &File) -> bool {
    let Fate::Ingested(balance) = &member.fate else {
        return false;
    };
    let has_rows = match file.place {
        Place::Events => balance.events > 0,
        Place::Quarantine => balance.quarantined > 0,
    };
    let facts = KeyFacts::of(&format!("{}{}", plan.folder, member.key));
    let table = file.key.split('/').next();
    has_rows && facts.log_type.is_none_or(|log_type| table == Some(log_type.table()))
}

/// Reports files that belong to no plan, unless a plan that was made in the meantime names them.
fn report_extras(audit: &Audit<'_>, logs: &Logs, findings: &mut Findings, suspects: &mut List) -> Result<(), Stop> {
    if suspects.count() == 0 {
        return Ok(());
    }
    let again = Logs::list(audit.places.store(Place::Events)).map_err(|error| failed(&error))?;
    let mut new: Vec<_> = again
        .plans
        .iter()
        .filter(|plan| !logs.has(&again, plan))
        .copied()
        .collect();
    let mut named = Vec::new();
    audit.each_plan(&again, &mut new, |_, _, ReadPlan { plan, .. }| {
        let files = plan.iter().flat_map(|plan| &plan.files);
        named.extend(files.map(|file| crate::object::hex(&name_hash(file.place, &file.key))));
        Ok(())
    })?;
    named.sort_unstable();
    suspects.each(|suspect| {
        let (Some(hash), Some(shown)) = (suspect[0].as_str(), suspect.get(1)) else {
            return Ok(());
        };
        match named.binary_search_by(|named| named.as_str().cmp(hash)) {
            Ok(_) => Ok(()),
            Err(_) => findings.extra.add(shown),
        }
    })
}
