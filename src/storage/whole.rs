//! Reads a file that a setting names.

use crate::deadline::Deadline;
use crate::object::ObjectRequest;

use super::{Body, ErrorKind, Operation, Origin, Storage, StorageError};

/// Reads an object or a file into memory. It is read before any work, so without a deadline.
///
/// # Errors
/// It does not exist, cannot be read, or is larger than `max` bytes.
pub fn read_whole(storage: &dyn Storage, origin: &Origin, max: u64) -> Result<Vec<u8>, StorageError> {
    let mut body = open(storage, origin)?;
    let too_large = || {
        let message = format!("it is larger than {max} bytes");
        StorageError::new(Operation::Read, origin.to_string(), ErrorKind::TooLarge, message)
    };
    let known = body.bytes().unwrap_or(0);
    if known > max {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(known).unwrap_or(0));
    while let Some(chunk) = body.next_chunk()? {
        bytes.extend_from_slice(chunk);
        if bytes.len() as u64 > max {
            return Err(too_large());
        }
    }
    Ok(bytes)
}

fn open(storage: &dyn Storage, origin: &Origin) -> Result<Box<dyn Body>, StorageError> {
    if let Origin::S3 { bucket, key } = origin {
        // Without listing, for which there may be no permission.
        let object = ObjectRequest {
            bucket: bucket.clone(),
            key: key.clone(),
            ..ObjectRequest::default()
        };
        return storage.source(Deadline::NONE).open(&object);
    }
    let mut entries = storage.list(origin, Deadline::NONE)?;
    let (first, second) = (entries.next().transpose()?, entries.next());
    if let (Some(entry), None) = (first, second) {
        return entry.source.open(&entry.object);
    }
    let message = "it is a directory, not a file";
    Err(StorageError::new(
        Operation::Read,
        origin.to_string(),
        ErrorKind::Unsupported,
        message,
    ))
}
