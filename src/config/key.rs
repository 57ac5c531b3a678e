//! The key of the redaction: read once per start, because the settings name only its place.

use zeroize::Zeroizing;

use super::Config;
use crate::storage::{SecretLocation, StorageError};
use crate::transform::redact::{Key, KeyError};

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum RedactKeyError {
    /// It cannot be read.
    #[error("REDACT_KEY (--redact-key): {0}")]
    Storage(#[from] StorageError),
    /// What was read is not a key.
    #[error("REDACT_KEY (--redact-key): {place} does not contain a key: {error}")]
    NotAKey {
        /// The place that was read.
        place: SecretLocation,
        /// What is wrong with its content.
        error: KeyError,
    },
}

impl RedactKeyError {
    /// Returns whether another start can succeed without anyone changing anything.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Storage(error) => error.is_retryable(),
            Self::NotAKey { .. } => false,
        }
    }
}

impl Config {
    /// Reads the key of the redaction, if it needs one. Nothing may be delivered before.
    ///
    /// # Errors
    /// The key cannot be read, or is not one.
    pub fn read_key(
        &mut self,
        read: impl FnOnce(&SecretLocation) -> Result<Zeroizing<String>, StorageError>,
    ) -> Result<(), RedactKeyError> {
        let Some(place) = &self.redact_key else { return Ok(()) };
        let key = Key::parse(&read(place)?).map_err(|error| RedactKeyError::NotAKey {
            place: place.clone(),
            error,
        })?;
        let transform = &mut self.ingest.transform;
        transform.redact = transform.redact.take().map(|redact| redact.with_key(key.into()));
        self.storage.s3_write.redact = transform.redact_fingerprint();
        Ok(())
    }
}
