//! What settings name and only storage has: it is read once, before any work.

use std::sync::Arc;

use super::Config;
use crate::storage::{Origin, Storage, StorageError, read_whole};
use crate::transform::{Geo, GeoError, needs_geo};

/// The maximum size of a database of addresses: several times that of the common ones, which are read into memory.
const MAX_DATABASE: u64 = 512 * 1024 * 1024;

/// The error of a file that a setting names.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It cannot be read.
    #[error("GEO_DATABASE: {0}")]
    Storage(#[from] StorageError),
    /// It is not what the setting requires.
    #[error("GEO_DATABASE: {0}")]
    Geo(#[from] GeoError),
    /// Columns need databases of addresses, and none is given.
    #[error(
        "ENRICH has client_country or client_asn, and GEO_DATABASE is not set; set GEO_DATABASE to a MaxMind database (.mmdb), or remove the columns"
    )]
    NoDatabase,
    /// Databases of addresses are given, and no column needs them.
    #[error(
        "GEO_DATABASE is set, and ENRICH has neither client_country nor client_asn; add one of them to ENRICH, or remove GEO_DATABASE"
    )]
    NoColumn,
}

impl Config {
    /// Returns whether columns need databases of addresses.
    pub fn needs_databases(&self) -> bool {
        needs_geo(self.ingest.transform.extras)
    }

    /// Reads the files that settings name. An audit that does not read objects needs none of them, so their absence is an error
    /// here and not in [`RawConfig::resolve`](super::RawConfig::resolve).
    ///
    /// # Errors
    /// A setting lacks its file or is of no use, or a file cannot be read or is not what its setting requires.
    pub fn load(&mut self, storage: &dyn Storage) -> Result<(), LoadError> {
        match (self.needs_databases(), self.geo_databases.is_empty()) {
            (true, false) => {}
            (true, true) => return Err(LoadError::NoDatabase),
            (false, false) => return Err(LoadError::NoColumn),
            (false, true) => return Ok(()),
        }
        if self.ingest.transform.geo.is_some() {
            return Ok(());
        }
        let read = |origin: &Origin| Ok((origin.to_string(), read_whole(storage, origin, MAX_DATABASE)?));
        let databases = self.geo_databases.iter().map(read);
        let geo = Geo::new(databases.collect::<Result<Vec<_>, StorageError>>()?)?;
        geo.check(self.ingest.transform.extras)?;
        self.ingest.transform.geo = Some(Arc::new(geo));
        Ok(())
    }
}
