//! An output of the destination: whose it is, and whether it is intact.

use std::io::{self, Read, Seek, SeekFrom};

use crate::encode::is_output_of_id;
use crate::object::{Counts, hex, sha256_of};
use crate::storage::{OpenFile, ReadSeek, StorageError, Store};

/// What an output is.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is intact; the counts of its object, if they are recorded.
    Intact(Option<Counts>),
    /// It is damaged: the reason.
    Corrupt(String),
    /// The counts of its object do not balance: the reason.
    Unbalanced(String),
    /// It does not exist any more.
    Gone,
}

/// Returns the object id at the end of an output's name.
pub(super) fn id_in(name: &str) -> Option<[u8; 8]> {
    let file = name.rsplit('/').next()?;
    let stem = [".parquet", ".json", ".json.gz", ".json.zst"]
        .into_iter()
        .find_map(|extension| file.strip_suffix(extension))?;
    let (_, digits) = stem.rsplit_once('-')?;
    let number = u64::from_str_radix(digits, 16).ok()?.to_be_bytes();
    (hex(&number) == digits).then_some(number)
}

/// Looks at an output of the object with this id.
pub(super) fn check(store: &dyn Store, id: [u8; 8], name: &str) -> Result<Verdict, StorageError> {
    let Some(OpenFile { bytes, record, content }) = store.open(name)? else {
        return Ok(Verdict::Gone);
    };
    let id = hex(&id);
    let mut content = Guarded { content, failed: None };
    if record.source.as_ref().is_some_and(|source| source.id() != id) {
        return Ok(Verdict::Corrupt("its metadata names another object".to_owned()));
    }
    if let Some(sha256) = record.sha256.filter(|_| bytes <= OpenFile::END) {
        // It was read to its beginning already.
        if hash(&mut content)? != sha256 {
            return Ok(Verdict::Corrupt(
                "its bytes do not have the SHA-256 in its metadata".to_owned(),
            ));
        }
    } else if record.source.is_none() || name.ends_with(".parquet") {
        let is_output = is_output_of_id(&id, name, &mut content);
        if let Some(error) = content.failed {
            return Err(error);
        }
        match is_output {
            Ok(true) => {}
            Ok(false) => {
                let reason = if bytes == 0 {
                    "it is empty"
                } else {
                    "it is not an intact output of its object"
                };
                return Ok(Verdict::Corrupt(reason.to_owned()));
            }
            Err(error) => return Ok(Verdict::Corrupt(format!("it cannot be read: {error}"))),
        }
    }
    Ok(match record.counts {
        Some(counts) if !counts.is_even() => Verdict::Unbalanced(uneven(&counts)),
        counts => Verdict::Intact(counts),
    })
}

/// Returns counts that do not balance in words.
pub(super) fn uneven(counts: &Counts) -> String {
    let Counts {
        lines,
        events,
        filtered,
        quarantined,
        skipped,
    } = counts;
    let filtered = match filtered {
        0 => String::new(),
        filtered => format!(", {filtered} filtered"),
    };
    format!("{lines} lines, but {events} events{filtered}, {quarantined} quarantined and {skipped} skipped")
}

/// Returns the SHA-256 of a file's bytes.
pub(super) fn hash(content: &mut Guarded) -> Result<String, StorageError> {
    sha256_of(content).map_err(|error| content.failed.take().unwrap_or_else(|| unreadable(&error)))
}

fn unreadable(error: &io::Error) -> StorageError {
    use crate::storage::{ErrorKind, Operation};
    StorageError::new(
        Operation::Read,
        "an output".to_owned(),
        ErrorKind::Unavailable,
        error.to_string(),
    )
}

/// A file that keeps the failure of its storage, which must not be taken for damage of the file.
pub(super) struct Guarded {
    pub(super) content: Box<dyn ReadSeek>,
    pub(super) failed: Option<StorageError>,
}

impl Read for Guarded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.content
            .read(buffer)
            .map_err(|error| match error.downcast::<StorageError>() {
                Ok(error) => {
                    let text = error.to_string();
                    self.failed = Some(error);
                    io::Error::other(text)
                }
                Err(error) => error,
            })
    }
}

impl Seek for Guarded {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.content.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_at_the_end_of_names() {
        let id = Some([0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89]);
        for name in [
            "alb_access_log/date=2026-11-29/x_y-abcdef0123456789.parquet",
            "_quarantine/a/date=2026-11-29/x-abcdef0123456789.json",
            "x-abcdef0123456789.json.zst",
        ] {
            assert_eq!(id_in(name), id, "{name}");
        }
        for name in [
            "x-abcdef0123456789.csv",
            "x-ABCDEF0123456789.json",
            "x-bcdef0123456789.json",
            "x-+bcdef0123456789.json",
            "abcdef0123456789.json",
            "",
        ] {
            assert_eq!(id_in(name), None, "{name}");
        }
    }
}
