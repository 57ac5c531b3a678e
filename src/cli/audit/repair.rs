//! Files of payloads: what delivers the missing or damaged objects, and what delivers failed members of plans elsewhere.

use std::collections::BTreeSet;

use clap::ArgMatches;
use serde_json::{Value, json};

use crate::escape::escaped_json;
use crate::merge::Folder;
use crate::trigger::FolderRequest;

use super::super::Stop;
use super::super::new_file::NewFile;
use super::super::replay::OBJECTS;

/// A file of payloads, if one was asked for.
pub(super) struct Repair(Option<Payloads>);

struct Payloads {
    /// The option that asked for the file.
    option: &'static str,
    file: NewFile,
    objects: Vec<Value>,
    folders: BTreeSet<Folder>,
    count: u64,
    lines: u64,
}

impl Repair {
    /// Creates the file that an option names, which must not exist.
    pub(super) fn of(matches: &ArgMatches, option: &'static str) -> Result<Self, Stop> {
        let Some(path) = matches.get_one::<String>(option) else {
            return Ok(Self(None));
        };
        Ok(Self(Some(Payloads {
            option,
            file: NewFile::create(path)?,
            objects: Vec::new(),
            folders: BTreeSet::new(),
            count: 0,
            lines: 0,
        })))
    }

    /// Adds an object.
    pub(super) fn object(&mut self, (bucket, key): (&str, &str), etag: Option<&str>) -> Result<(), Stop> {
        let Some(payloads) = &mut self.0 else { return Ok(()) };
        let mut named = json!({"bucket": bucket, "key": key});
        if let (Some(etag), Some(fields)) = (etag, named.as_object_mut()) {
            fields.insert("etag".to_owned(), etag.into());
        }
        payloads.objects.push(named);
        payloads.count += 1;
        if payloads.objects.len() >= OBJECTS {
            payloads.write_objects()?;
        }
        Ok(())
    }

    /// Adds a folder to merge.
    pub(super) fn folder(&mut self, folder: Folder) {
        if let Some(payloads) = &mut self.0 {
            payloads.folders.insert(folder);
        }
    }

    /// Writes the rest, and returns what to do with the file.
    pub(super) fn finish(self) -> Result<Option<String>, Stop> {
        let Some(mut payloads) = self.0 else {
            return Ok(None);
        };
        payloads.write_objects()?;
        let folders = std::mem::take(&mut payloads.folders);
        for folder in &folders {
            let request = FolderRequest {
                folder: folder.clone(),
                all: true,
                receives: 1,
            };
            payloads.write(&request.message())?;
        }
        let Payloads {
            option,
            file,
            count,
            lines,
            ..
        } = payloads;
        let text = format!(
            "{option:<12} {count} objects and {} folders in {lines} payloads, written to {}",
            folders.len(),
            file.path()
        );
        file.finish()?;
        Ok(Some(text))
    }
}

impl Payloads {
    fn write_objects(&mut self) -> Result<(), Stop> {
        let objects = std::mem::take(&mut self.objects);
        if objects.is_empty() {
            return Ok(());
        }
        self.write(&json!({ "objects": objects }).to_string())
    }

    fn write(&mut self, payload: &str) -> Result<(), Stop> {
        self.lines += 1;
        self.file.line(&escaped_json(payload))
    }
}
