//! What a response of a stream confirms about the records of its call.
//!
//! This decides what is sent again, so it is apart from the client, and fuzzed.

use crate::escape::is_name;

/// What a response says about one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The id of a stored record.
    pub record_id: Option<&'a str>,
    /// The reason why the record was rejected.
    pub error_code: Option<&'a str>,
}

/// What a response says about the records of its call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// The response accounts for every record.
    Consistent {
        /// The records that were rejected; the others are confirmed.
        rejected: Rejected,
        /// The error code of the first rejected one, or a note that there is none that can be shown.
        code: String,
    },
    /// The response contradicts the call or itself: the state of every record is unknown.
    Contradictory(&'static str),
}

/// The records of a call that were rejected, by position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected(Vec<bool>);

impl Rejected {
    /// Keeps the records that were rejected.
    pub fn keep<T>(self, records: &mut Vec<T>) {
        let mut failed = self.0.into_iter();
        records.retain(|_| failed.next() == Some(true));
    }
}

impl Response {
    /// Reads the response to a call with this many records, entry by entry. One that contradicts itself or its call confirms
    /// nothing: a record that is sent twice can be removed later, one that is not sent is lost.
    pub fn read<'a>(
        mut entries: impl ExactSizeIterator<Item = Entry<'a>> + Clone,
        failed_put_count: i32,
        records: usize,
    ) -> Self {
        if entries.len() != records {
            return Self::Contradictory("the response has another number of records");
        }
        let failed: Vec<bool> = entries.clone().map(|entry| entry.error_code.is_some()).collect();
        let count = failed.iter().filter(|failed| **failed).count();
        if usize::try_from(failed_put_count) != Ok(count) {
            return Self::Contradictory("the response's count of failures does not match its entries");
        }
        let is_confirmed = |entry: &Entry<'_>| entry.record_id.is_some_and(|id| !id.is_empty());
        if entries
            .clone()
            .any(|entry| entry.error_code.is_none() && !is_confirmed(&entry))
        {
            return Self::Contradictory("the response has an entry with neither a record id nor an error");
        }
        let first = entries.find_map(|entry| entry.error_code);
        let code = first.filter(|code| is_name(code)).unwrap_or("no error code");
        Self::Consistent {
            rejected: Rejected(failed),
            code: code.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIRMED: Entry<'_> = Entry {
        record_id: Some("id"),
        error_code: None,
    };
    const REJECTED: Entry<'_> = Entry {
        record_id: None,
        error_code: Some("ServiceUnavailableException"),
    };

    fn response(count: i32, entries: &[Entry<'_>]) -> Response {
        Response::read(entries.iter().copied(), count, 3)
    }

    #[test]
    fn a_response_is_read_entry_by_entry_or_not_at_all() {
        let consistent = |rejected: [bool; 3], code: &str| Response::Consistent {
            rejected: Rejected(rejected.to_vec()),
            code: code.to_owned(),
        };
        assert_eq!(response(0, &[CONFIRMED; 3]), consistent([false; 3], "no error code"));
        assert_eq!(
            response(2, &[REJECTED, CONFIRMED, REJECTED]),
            consistent([true, false, true], "ServiceUnavailableException")
        );
        let blank = Entry {
            record_id: None,
            error_code: None,
        };
        let nameless = Entry {
            record_id: Some(""),
            error_code: None,
        };
        for (count, entries) in [
            (0, &[][..]),
            (0, &[CONFIRMED; 2]),
            (0, &[CONFIRMED; 4]),
            (1, &[REJECTED, CONFIRMED, CONFIRMED, CONFIRMED]),
            (1, &[CONFIRMED; 3]),
            (0, &[CONFIRMED, REJECTED, CONFIRMED]),
            (-1, &[CONFIRMED; 3]),
            (0, &[CONFIRMED, blank, CONFIRMED]),
            (0, &[CONFIRMED, nameless, CONFIRMED]),
        ] {
            let text = format!("{count} {entries:?}");
            assert!(matches!(response(count, entries), Response::Contradictory(_)), "{text}");
        }
    }

    #[test]
    fn only_rejected_records_are_kept() {
        let mut records = vec!["a", "b", "c"];
        let Response::Consistent { rejected, .. } = response(2, &[REJECTED, CONFIRMED, REJECTED]) else {
            panic!("the response is consistent");
        };
        rejected.keep(&mut records);
        assert_eq!(records, ["a", "c"]);
    }

    #[test]
    fn a_code_that_is_not_a_name_is_not_shown() {
        let forged = Entry {
            record_id: None,
            error_code: Some("\u{1b}]0;title\u{7}"),
        };
        let Response::Consistent { code, .. } = response(1, &[CONFIRMED, forged, CONFIRMED]) else {
            panic!("the response is consistent");
        };
        assert_eq!(code, "no error code");
    }
}
