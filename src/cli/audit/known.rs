//! The objects of the source by identity, and what is known of each.

use crate::layout::Delivery;
use crate::object::{Identity, KeyFacts};
use crate::storage::{Entry, StorageError};

use super::super::Stop;
use super::super::input::find;
use super::findings::Findings;
use super::gaps::Gaps;
use super::scope::Class;
use super::{Audit, failed};

/// What is known of an object: some of the flags below.
pub(super) type Flags = u8;

/// It is not counted yet.
pub(super) const YOUNG: Flags = 1;
/// It needs no output. Together with [`YOUNG`]: the settings exclude it.
pub(super) const EMPTY: Flags = 2;
/// An intact output of its events exists; in merged delivery, it is a member of a plan.
pub(super) const FOUND: Flags = 4;
/// An intact output of its malformed lines exists.
pub(super) const REJECTED: Flags = 8;
/// Its metadata counts events.
pub(super) const HAS_EVENTS: Flags = 16;
/// Its metadata counts malformed lines.
pub(super) const HAS_REJECTS: Flags = 32;
/// An output that it needs does not exist.
pub(super) const LOST: Flags = 64;
/// Something else is wrong with it, which is reported.
pub(super) const BAD: Flags = 128;

/// The objects of the source, sorted.
pub(super) struct Known {
    objects: Vec<(Identity, Flags)>,
    /// Listed objects that cannot be identified.
    pub(super) unreadable: u64,
}

impl Known {
    fn new(mut objects: Vec<(Identity, Flags)>, unreadable: u64) -> Self {
        objects.sort_unstable();
        objects.dedup_by_key(|(identity, _)| *identity);
        Self { objects, unreadable }
    }

    /// Returns the position of an object.
    pub(super) fn position(&self, identity: &Identity) -> Option<usize> {
        self.objects.binary_search_by_key(identity, |(known, _)| *known).ok()
    }

    /// Returns the position of the object with an id, the first half of its identity.
    pub(super) fn position_of_id(&self, id: [u8; 8]) -> Option<usize> {
        let first = self
            .objects
            .partition_point(|(known, _)| known.0.get(..8) < Some(&id[..]));
        let (found, _) = self.objects.get(first)?;
        found.0.starts_with(&id).then_some(first)
    }

    pub(super) fn flags(&self, position: usize) -> Flags {
        self.objects.get(position).map_or(0, |(_, flags)| *flags)
    }

    pub(super) fn add(&mut self, position: usize, more: Flags) {
        if let Some((_, flags)) = self.objects.get_mut(position) {
            *flags |= more;
        }
    }

    /// Returns the number of objects that are counted.
    pub(super) fn counted(&self) -> u64 {
        self.unreadable + self.number(|flags| flags & YOUNG == 0)
    }

    /// Returns the number of objects whose flags have a property.
    pub(super) fn number(&self, is_counted: impl Fn(Flags) -> bool) -> u64 {
        self.objects.iter().filter(|(_, flags)| is_counted(*flags)).count() as u64
    }

    /// Returns the number of objects that are delivered, or need not be.
    pub(super) fn complete(&self, delivery: Delivery) -> u64 {
        self.number(|flags| flags & (YOUNG | BAD) == 0 && !is_missing(flags, delivery))
    }
}

/// Returns whether an object is missing in the destination, or a part of it.
pub(super) fn is_missing(flags: Flags, delivery: Delivery) -> bool {
    let has = |flag| flags & flag != 0;
    if has(LOST) {
        return true;
    }
    if has(YOUNG | EMPTY | BAD) {
        return false;
    }
    match delivery {
        Delivery::Merged => !has(FOUND),
        Delivery::PerObject => {
            !has(FOUND | REJECTED) || has(HAS_EVENTS) && !has(FOUND) || has(HAS_REJECTS) && !has(REJECTED)
        }
    }
}

impl Audit<'_> {
    /// Lists the source.
    pub(super) fn list(&self, findings: &mut Findings) -> Result<Known, Stop> {
        let mut gaps = Gaps::default();
        let (mut objects, mut unreadable) = (Vec::new(), 0);
        self.each_object(findings, |findings, entry, class| {
            let flags = match class {
                Class::Due => 0,
                Class::Young => YOUNG,
                Class::Empty => EMPTY,
                Class::Excluded => YOUNG | EMPTY,
            };
            if class == Class::Due {
                gaps.add(&entry.object.key, &KeyFacts::of(&entry.object.key));
            }
            match identity(entry) {
                Ok((identity, _)) => objects.push((identity, flags)),
                Err(error) => {
                    unreadable += 1;
                    findings.fail(&entry.object.key, &error.to_string())?;
                }
            }
            if objects.len() % 1_000 == 0 {
                self.bar.set_message(format!("{} objects listed", objects.len()));
            }
            Ok(())
        })?;
        gaps.report(findings)?;
        Ok(Known::new(objects, unreadable))
    }

    /// Lists the source, and calls a function with each object of the range of time.
    pub(super) fn each_object(
        &self,
        findings: &mut Findings,
        mut each: impl FnMut(&mut Findings, &Entry, Class) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let outputs = [&self.config.destination, &self.config.quarantine];
        let origins = std::slice::from_ref(&self.scope.origin);
        let mut objects = find(origins, outputs, self.storage, self.scope.selection.clone())?;
        for entry in &mut objects {
            let class = self.scope.class(&entry, &self.config.ingest);
            each(findings, &entry, class)?;
        }
        // Objects that are not listed could be missing, and their outputs would be extra.
        match objects.unlisted.first() {
            Some(error) => Err(failed(error)),
            None => Ok(()),
        }
    }
}

/// Returns the identity and the etag of a listed object. A local file is read for it.
pub(super) fn identity(entry: &Entry) -> Result<(Identity, String), StorageError> {
    let etag = match &entry.object.etag {
        Some(etag) => etag.clone(),
        None => entry.source.open(&entry.object)?.object().version.clone(),
    };
    Ok((entry.object.identity(&entry.object.key, &etag).identity(), etag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_by_identity_and_by_id() {
        let identity = |first: u8| Identity([first; 16]);
        let mut known = Known::new(vec![(identity(3), 0), (identity(1), YOUNG), (identity(2), EMPTY)], 1);
        let two = known.position(&identity(2)).unwrap();
        assert_eq!(known.position_of_id([2; 8]), Some(two));
        assert_eq!(known.position(&identity(4)), None);
        assert_eq!(known.position_of_id([0; 8]), None);
        assert_eq!(known.position_of_id([4; 8]), None);
        assert_eq!(known.counted(), 3);
        assert_eq!(known.complete(Delivery::PerObject), 1);
        let three = known.position_of_id([3; 8]).unwrap();
        known.add(three, FOUND | HAS_REJECTS);
        assert!(is_missing(known.flags(three), Delivery::PerObject));
        known.add(three, REJECTED);
        assert!(!is_missing(known.flags(three), Delivery::PerObject));
        assert_eq!(known.complete(Delivery::PerObject), 2);
    }
}
