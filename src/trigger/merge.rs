//! The form of merged delivery: the folders that are due, and work on one folder.

use std::fmt;

use serde_json::json;

use crate::merge::Folder;
use crate::parse::line::time::timestamp_micros;

use super::Work;
use super::error::TriggerError;
use super::node::Node;

/// A request of merged delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeRequest {
    /// Find the folders that are due, and send a message for each to the queue.
    Due {
        /// The time of the schedule, in microseconds since 1970.
        at: i64,
    },
    /// Merge the objects of a folder.
    Folder(FolderRequest),
}

/// A request to merge the objects of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderRequest {
    /// The folder.
    pub folder: Folder,
    /// Whether every object is merged, however young it is and however few there are.
    pub all: bool,
    /// How often the message was received; 1 if there is no queue.
    pub receives: u64,
}

impl FolderRequest {
    /// Returns the payload that requests this, as the body of a message.
    pub fn message(&self) -> String {
        let mut merge = json!({"bucket": self.folder.bucket, "folder": self.folder.prefix});
        if self.all
            && let Some(fields) = merge.as_object_mut()
        {
            fields.insert("all".to_owned(), true.into());
        }
        json!({ "merge": merge }).to_string()
    }
}

impl fmt::Display for MergeRequest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Due { .. } => out.write_str("the folders that are due"),
            Self::Folder(request) => request.folder.fmt(out),
        }
    }
}

/// Reads the object in the field `merge` of a message that was received this often.
pub(super) fn read(merge: &Node, receives: u64) -> Result<Work, TriggerError> {
    if let Some(due) = merge.find("due") {
        let at = timestamp_micros(due.text()?.as_bytes());
        return match at {
            Ok(at) if at >= 0 => Ok(Work::Merge(MergeRequest::Due { at })),
            _ => Err(TriggerError::Time { at: due.path }),
        };
    }
    let folder = merge.get("folder")?;
    let prefix = folder.text()?;
    if !prefix.is_empty() && (!prefix.ends_with('/') || prefix.starts_with('/')) {
        return Err(TriggerError::Folder { at: folder.path });
    }
    Ok(Work::Merge(MergeRequest::Folder(FolderRequest {
        folder: Folder {
            bucket: merge.get_text("bucket")?.to_owned(),
            prefix: prefix.to_owned(),
        },
        all: merge.find_boolean("all")?.unwrap_or(false),
        receives,
    })))
}
