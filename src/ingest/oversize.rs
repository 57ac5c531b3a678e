//! Events that are larger than the destination takes.

use crate::encode::EventWriter;
use crate::object::ObjectFacts;
use crate::parse::batch::{Batch, LineParser, Malformed};
use crate::parse::line::{Fault, Reason};
use crate::schema::mapping::OutputTable;

/// The bytes of an entry below which no event is measured. In JSON a byte takes six at most (an escape), and stands in
/// three columns at most (a URL, and a part of it); with the names of the columns and the object's own values, an event
/// is then far below the limits that there are.
pub(super) const HARMLESS: usize = 16 * 1024;

/// Takes the events out of the batch that are longer than `limit` bytes as a JSON line, and adds them to the malformed
/// lines. The parser has to keep entries from [`HARMLESS`] on.
pub(super) fn take_out(
    limit: usize,
    parser: &mut LineParser,
    batch: &mut Batch,
    (shape, facts): (&OutputTable, &ObjectFacts),
    malformed: &mut Vec<Malformed>,
) {
    let mut too_large = parser.take_kept();
    if too_large.is_empty() {
        return;
    }
    let mut events = EventWriter::new(shape, facts);
    events.begin(batch);
    too_large.retain(|kept| events.line_len(batch, kept.row) > limit);
    if too_large.is_empty() {
        return;
    }
    let out: Vec<usize> = too_large.iter().map(|kept| kept.row).collect();
    let rest: Vec<usize> = (0..batch.rows())
        .filter(|row| out.binary_search(row).is_err())
        .collect();
    let mut selected = Batch::new(batch.plan);
    batch.select_into(&rest, &mut selected);
    *batch = selected;
    malformed.extend(too_large.into_iter().map(|kept| Malformed {
        line: kept.line,
        offset: kept.offset,
        fault: Fault::of_line(Reason::EventTooLarge, 0),
        raw: kept.raw,
    }));
    malformed.sort_by_key(|malformed| malformed.line);
}
