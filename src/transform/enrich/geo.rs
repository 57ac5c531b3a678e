//! Databases of countries and autonomous systems by address, in the format of `MaxMind`.
//! <https://maxmind.github.io/MaxMind-DB/>

use std::net::IpAddr;

use maxminddb::{LookupResult, PathElement, Reader};

use crate::formats::{Extra, Extras};

/// The number of networks of a database that are looked at to find out what it has.
const PROBED: usize = 10_000;

/// The names by which databases have the country: those of `MaxMind`, and of databases with a flat record.
const COUNTRY: [&[PathElement<'static>]; 3] = [
    &[PathElement::Key("country"), PathElement::Key("iso_code")],
    &[PathElement::Key("country_code")],
    &[PathElement::Key("country")],
];

/// The names by which databases have the number of the autonomous system.
const ASN: [&[PathElement<'static>]; 2] = [
    &[PathElement::Key("autonomous_system_number")],
    &[PathElement::Key("asn")],
];

/// The databases, in the order in which they are asked.
#[derive(Debug)]
pub struct Geo {
    databases: Vec<Reader<Vec<u8>>>,
}

/// A file is not a database, or the databases lack what a column needs.
#[derive(Debug, thiserror::Error)]
pub enum GeoError {
    /// A file is not a database.
    #[error("{place} is not a MaxMind database ({reason}); name a decompressed .mmdb file")]
    Malformed {
        /// The place of the file.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// No database has the values of a column.
    #[error(
        "no database of GEO_DATABASE has the values of {column}; name one that has, or remove {column} from ENRICH"
    )]
    Missing {
        /// The column.
        column: &'static str,
    },
}

/// What the databases say about an address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Two capital letters.
    pub(super) country: Option<[u8; 2]>,
    pub(super) asn: Option<u32>,
}

impl Geo {
    /// Reads databases, each with the place that it comes from.
    ///
    /// # Errors
    /// One of them is malformed.
    pub fn new(databases: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, GeoError> {
        let databases = databases.into_iter().map(|(place, bytes)| {
            Reader::from_source(bytes).map_err(|error| GeoError::Malformed {
                place,
                reason: error.to_string(),
            })
        });
        Ok(Self {
            databases: databases.collect::<Result<_, _>>()?,
        })
    }

    /// Checks that some database has the values of each of the columns.
    ///
    /// # Errors
    /// No database has the values of a column.
    pub fn check(&self, columns: Extras) -> Result<(), GeoError> {
        let places = self.databases.iter().flat_map(|database| {
            let networks = database.networks(maxminddb::WithinOptions::default());
            networks.into_iter().flatten().flatten().take(PROBED)
        });
        let mut found = Place::default();
        for place in places.map(|found| place(&found)) {
            found.country = found.country.or(place.country);
            found.asn = found.asn.or(place.asn);
            if found.country.is_some() && found.asn.is_some() {
                break;
            }
        }
        let missing = [
            (Extra::ClientCountry, found.country.is_none()),
            (Extra::ClientAsn, found.asn.is_none()),
        ];
        let missing = missing
            .into_iter()
            .find(|(column, missing)| columns.contains(*column) && *missing);
        missing.map_or(Ok(()), |(column, _)| Err(GeoError::Missing { column: column.name() }))
    }

    /// Returns what the databases say about an address: of each value, what the first that has one says.
    pub(super) fn place(&self, address: &[u8]) -> Place {
        let address = str::from_utf8(address)
            .ok()
            .and_then(|text| text.parse::<IpAddr>().ok());
        let Some(address) = address.map(|address| address.to_canonical()) else {
            return Place::default();
        };
        let found = self
            .databases
            .iter()
            .filter_map(|database| database.lookup(address).ok());
        found
            .map(|found| place(&found))
            .fold(Place::default(), |before, place| Place {
                country: before.country.or(place.country),
                asn: before.asn.or(place.asn),
            })
    }
}

/// Reads a record. A value of another type counts as absent.
fn place(found: &LookupResult<'_, Vec<u8>>) -> Place {
    let text = |path: &[PathElement<'_>]| found.decode_path::<&str>(path).ok().flatten();
    let number = |path: &[PathElement<'_>]| {
        let number = found.decode_path::<u32>(path).ok().flatten();
        number.or_else(|| text(path)?.trim_start_matches("AS").parse().ok())
    };
    Place {
        country: COUNTRY.into_iter().find_map(|path| country_code(text(path)?)),
        asn: ASN.into_iter().find_map(number).filter(|number| *number > 0),
    }
}

/// Returns a code of two letters in capitals.
fn country_code(text: &str) -> Option<[u8; 2]> {
    let code = <[u8; 2]>::try_from(text.as_bytes()).ok()?;
    let is_letters = code.iter().all(u8::is_ascii_alphabetic);
    is_letters.then(|| code.map(|letter| letter.to_ascii_uppercase()))
}
