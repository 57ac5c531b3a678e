//! A plan: which objects were merged, what became of each, and which staged files have their rows.
//!
//! A plan is the commit of a merge. It is created after everything that it names was read and staged, so nothing that happens
//! later changes what it means.

use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::object::{Counts, Identity, ObjectRef, ObjectRequest};

use super::Folder;

/// The version of the format. A program that reads another version stops.
pub const VERSION: u32 = 1;

/// The plan of one merge.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Plan {
    /// The version of the format: [`VERSION`].
    pub version: u32,
    /// The fingerprint of the destination's layout.
    pub layout: String,
    /// The bucket of the members.
    pub bucket: String,
    /// The folder of the members: the part of their keys up to the last slash.
    pub folder: String,
    /// The members, in the order of their rows.
    pub members: Vec<Member>,
    /// The files that have their rows. They are visible under their keys once the plan is published.
    pub files: Vec<File>,
    /// The identities of the members of the plans before this one in its block.
    #[serde(with = "identities")]
    pub repeated: Vec<Identity>,
}

/// A member of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Member {
    /// The part of its key after the folder.
    pub key: String,
    /// Its etag, without quotes.
    pub etag: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// What became of it.
    #[serde(flatten)]
    pub fate: Fate,
}

/// What became of a member.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Its rows are in the files of the plan.
    Ingested(Balance),
    /// It has no rows: the reason.
    Skipped(String),
    /// It was not read and never will be by a plan: the reason.
    Failed(String),
}

/// The counts of a member, which balance: `lines = events + filtered + quarantined + skipped`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Balance {
    /// Lines.
    pub lines: u64,
    /// Events.
    pub events: u64,
    /// Events that the filter or the sample leaves out. The file does not mention them if there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub filtered: u64,
    /// Malformed lines, which are in the quarantine.
    pub quarantined: u64,
    /// Blank lines.
    pub skipped: u64,
}

/// A file of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct File {
    /// The destination that it belongs to.
    pub place: Place,
    /// The key under which it becomes visible, relative to its destination.
    pub key: String,
    /// The SHA-256 of its bytes, under which it is staged.
    pub sha256: String,
    /// The etag of the staged file; empty if its storage has none.
    pub etag: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// A destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The destination of events.
    Events,
    /// The destination of malformed lines.
    Quarantine,
}

/// Why a plan cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It is not a plan.
    #[error("it is not a plan of this program (line {line}, column {column})")]
    Invalid {
        /// The line of the fault.
        line: usize,
        /// Its column.
        column: usize,
    },
    /// Its format is newer.
    #[error("its format has version {version}, and this program knows version {VERSION}; use a newer release")]
    Version {
        /// The version.
        version: u32,
    },
}

impl From<Counts> for Balance {
    fn from(counts: Counts) -> Self {
        Self {
            lines: counts.lines,
            events: counts.events,
            filtered: counts.filtered,
            quarantined: counts.quarantined,
            skipped: counts.skipped,
        }
    }
}

impl From<Balance> for Counts {
    fn from(balance: Balance) -> Self {
        Self {
            lines: balance.lines,
            events: balance.events,
            filtered: balance.filtered,
            quarantined: balance.quarantined,
            skipped: balance.skipped,
        }
    }
}

/// Returns whether a count is left out of a file.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Balance {
    /// Returns whether every line is accounted for.
    pub fn is_even(&self) -> bool {
        Counts::from(*self).is_even()
    }
}

impl Plan {
    /// Returns the file's contents.
    pub fn encode(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// The bytes are not a plan, or its format is newer.
    pub fn decode(bytes: &[u8]) -> Result<Self, PlanError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let invalid = |error: serde_json::Error| PlanError::Invalid {
            line: error.line(),
            column: error.column(),
        };
        let Version { version } = serde_json::from_slice(bytes).map_err(invalid)?;
        if version != VERSION {
            return Err(PlanError::Version { version });
        }
        serde_json::from_slice(bytes).map_err(invalid)
    }

    /// Returns the identities of the members.
    pub fn identities(&self) -> impl Iterator<Item = Identity> {
        let folder = Folder {
            bucket: self.bucket.clone(),
            prefix: self.folder.clone(),
        };
        self.members
            .iter()
            .map(move |member| folder.object(&member.key, &member.etag).identity())
    }

    /// Returns the sum of the counts of the members.
    pub fn balance(&self) -> Balance {
        let mut sum = Balance::default();
        for member in &self.members {
            if let Fate::Ingested(one) = member.fate {
                // A plan that was changed may have any numbers.
                sum.lines = sum.lines.saturating_add(one.lines);
                sum.events = sum.events.saturating_add(one.events);
                sum.filtered = sum.filtered.saturating_add(one.filtered);
                sum.quarantined = sum.quarantined.saturating_add(one.quarantined);
                sum.skipped = sum.skipped.saturating_add(one.skipped);
            }
        }
        sum
    }

    /// Returns the members that failed, each with the reason.
    pub fn failed(&self) -> impl Iterator<Item = (&Member, &str)> {
        self.members.iter().filter_map(|member| match &member.fate {
            Fate::Failed(reason) => Some((member, reason.as_str())),
            Fate::Ingested(_) | Fate::Skipped(_) => None,
        })
    }
}

impl Folder {
    /// Returns a request for an object of the folder, as it was listed.
    pub fn request(&self, key: &str, etag: Option<&str>, bytes: Option<u64>) -> ObjectRequest {
        ObjectRequest {
            bucket: self.bucket.clone(),
            key: format!("{}{key}", self.prefix),
            etag: etag.map(str::to_owned),
            size: bytes,
            ..ObjectRequest::default()
        }
    }

    /// Returns an object of the folder.
    pub fn object(&self, key: &str, etag: &str) -> ObjectRef {
        ObjectRef {
            bucket: self.bucket.clone(),
            key: format!("{}{key}", self.prefix),
            version: etag.to_owned(),
        }
    }
}

/// Identities as one text: 16 bytes each, in base64.
mod identities {
    use serde::de::Error as _;
    use serde::{Deserializer, Serializer};

    use base64::Engine as _;
    use serde::Deserialize as _;

    use super::{Identity, STANDARD};

    pub(super) fn serialize<S: Serializer>(identities: &[Identity], out: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = identities.iter().flat_map(|identity| identity.0).collect();
        out.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Identity>, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = STANDARD.decode(text).map_err(D::Error::custom)?;
        let (identities, rest) = bytes.as_chunks::<16>();
        if rest.is_empty() {
            Ok(identities.iter().copied().map(Identity).collect())
        } else {
            Err(D::Error::custom("identities have 16 bytes each"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let balance = Balance {
            lines: 3,
            events: 1,
            filtered: 0,
            quarantined: 1,
            skipped: 1,
        };
        let member = |key: &str, fate| Member {
            key: key.to_owned(),
            etag: "e".to_owned(),
            bytes: 7,
            fate,
        };
        Plan {
            version: VERSION,
            layout: "l".to_owned(),
            bucket: "logs".to_owned(),
            folder: "a/b/".to_owned(),
            members: vec![
                member("x", Fate::Ingested(balance)),
                member("y", Fate::Failed("gone".to_owned())),
                member("z", Fate::Skipped("empty".to_owned())),
            ],
            files: vec![File {
                place: Place::Quarantine,
                key: "k".to_owned(),
                sha256: "s".to_owned(),
                etag: String::new(),
                bytes: 1,
            }],
            repeated: vec![Identity([1; 16]), Identity([2; 16])],
        }
    }

    #[test]
    fn a_plan_survives_its_file() {
        let plan = plan();
        assert_eq!(Plan::decode(&plan.encode()), Ok(plan.clone()));
        let identities: Vec<_> = plan.identities().collect();
        let object = |key: &str| ObjectRef {
            bucket: "logs".to_owned(),
            key: key.to_owned(),
            version: "e".to_owned(),
        };
        assert_eq!(identities[1], object("a/b/y").identity());
        assert_eq!(plan.balance().lines, 3);
        assert_eq!(plan.failed().count(), 1);
    }

    #[test]
    fn filtered_events_are_in_a_plan_if_there_are_any() {
        let mut filtered = plan();
        let text = String::from_utf8(filtered.encode()).unwrap();
        assert!(!text.contains("filtered"), "{text}");
        let Fate::Ingested(balance) = &mut filtered.members[0].fate else {
            unreachable!()
        };
        (balance.lines, balance.filtered) = (7, 4);
        assert!(balance.is_even());
        assert_eq!(Plan::decode(&filtered.encode()), Ok(filtered.clone()));
        assert_eq!(filtered.balance().filtered, 4);
    }

    #[test]
    fn other_versions_and_cut_plans_are_refused() {
        let newer = Plan {
            version: VERSION + 1,
            ..plan()
        };
        assert_eq!(
            Plan::decode(&newer.encode()),
            Err(PlanError::Version { version: VERSION + 1 })
        );
        let whole = plan().encode();
        for cut in 0..whole.len() - 1 {
            assert!(Plan::decode(&whole[..cut]).is_err(), "{cut}");
        }
    }
}
