//! Removes events that are larger than the destination accepts.

use crate::encode::EventWriter;
use crate::object::ObjectFacts;
use crate::parse::batch::{Batch, LineParser, Malformed};
use crate::parse::line::{Fault, Reason};
use crate::schema::mapping::OutputTable;

/// The minimum length of an entry whose event is measured. A byte becomes at most six in JSON (an escape) and occurs in at
/// most six columns (a URL, a part of it, the line, and two on request); with the names of the columns and the object's own values, the event of a
/// shorter entry is far below every limit of a destination.
pub(super) const MIN_MEASURED: usize = 16 * 1024;

/// Moves events that are longer than `limit` bytes as a JSON line from the batch to the malformed lines. The parser must
/// keep entries from [`MIN_MEASURED`] on. Returns the line numbers of the removed events.
pub(super) fn remove_oversize(
    limit: usize,
    parser: &mut LineParser,
    batch: &mut Batch,
    (table, facts): (&OutputTable, &ObjectFacts),
    malformed: &mut Vec<Malformed>,
) -> Vec<i64> {
    let mut too_large = parser.take_kept();
    if too_large.is_empty() {
        return Vec::new();
    }
    let mut events = EventWriter::new(table, facts);
    let mut events = events.begin(batch);
    too_large.retain(|kept| events.line_len(kept.row) > limit);
    if too_large.is_empty() {
        return Vec::new();
    }
    let out: Vec<usize> = too_large.iter().map(|kept| kept.row).collect();
    let numbers = batch.line_numbers();
    let removed = out.iter().filter_map(|row| numbers.get(*row).copied()).collect();
    let keep: Vec<_> = (0..batch.rows()).map(|row| out.binary_search(&row).is_err()).collect();
    batch.retain(&keep);
    malformed.extend(too_large.into_iter().map(|kept| Malformed {
        line: kept.line,
        offset: kept.offset,
        fault: Fault::of_line(Reason::EventTooLarge, 0),
        raw: kept.raw,
    }));
    malformed.sort_by_key(|malformed| malformed.line);
    removed
}
