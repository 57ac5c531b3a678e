//! Fuzzes any responses of `PutRecordBatch` with the rule that decides what is sent again: no panic, and a record is only
//! dropped if the response confirms it.
//!
//! The first byte is the number of records. A response begins with a byte that chooses its number of entries and its count of
//! failures, and has a byte for each entry.

use alb_ingest::storage::confirmation::{Entry, Response};

/// The kinds of entries: the record id and the error code.
const KINDS: [(Option<&str>, Option<&str>); 8] = [
    (Some("id"), None),
    (None, Some("ServiceUnavailableException")),
    (Some("id"), Some("InternalFailure")),
    (None, None),
    (Some(""), None),
    (Some("id"), Some("")),
    (None, Some("\u{1b}]0;title\u{7} not a name")),
    (Some(" "), None),
];

/// Runs the target on one input.
pub fn run(bytes: &[u8]) {
    let Some((first, mut rest)) = bytes.split_first() else {
        return;
    };
    let sent = usize::from(*first % 16) + 1;
    // The records that are not confirmed yet, by number.
    let mut left: Vec<usize> = (0..sent).collect();
    let mut accepted = 0;
    while let Some((head, kinds)) = rest.split_first().filter(|_| !left.is_empty()) {
        let entries = entries(*head, left.len(), kinds);
        rest = kinds.get(left.len()..).unwrap_or_default();
        let rejected = entries.iter().filter(|entry| entry.error_code.is_some()).count();
        let count =
            i32::try_from(rejected).expect("few entries") + i32::from((head >> 4) % 3) - i32::from(head >> 6 == 3);
        let before = left.clone();
        match Response::read(entries.iter().copied(), count, before.len()) {
            Response::Contradictory(_) => {}
            Response::Consistent { rejected, code } => {
                assert_eq!(entries.len(), before.len(), "a response for other records");
                assert!(!code.contains(char::is_control), "{code:?}");
                rejected.keep(&mut left);
                accepted += before.len() - left.len();
                for (number, entry) in before.iter().zip(&entries) {
                    let is_confirmed = entry.error_code.is_none() && entry.record_id.is_some_and(|id| !id.is_empty());
                    assert_eq!(!left.contains(number), is_confirmed, "record {number}: {entry:?}");
                }
            }
        }
        assert_eq!(accepted + left.len(), sent, "a record is lost or counted twice");
    }
}

/// Returns the entries of a response: as many as there are records, one fewer, one more, or none.
fn entries(head: u8, records: usize, kinds: &[u8]) -> Vec<Entry<'static>> {
    let number = match head % 16 {
        13 => records - 1,
        14 => records + 1,
        15 => 0,
        _ => records,
    };
    let kind = |at: usize| usize::from(kinds.get(at).copied().unwrap_or_default()) % KINDS.len();
    let entry = |at| {
        let (record_id, error_code) = KINDS[kind(at)];
        Entry { record_id, error_code }
    };
    (0..number).map(entry).collect()
}
