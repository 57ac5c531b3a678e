//! Parses one line into parts and typed values, without regular expressions and without an allocation per field.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a broken invariant must stop the object instead of writing wrong values; the panic is caught per object"
)]

mod fast_split;
pub mod fast_value;
mod fault;
mod parts;
mod reading;
mod repair;
mod request;
mod second;
mod split;
pub(crate) mod swar;
pub mod text;
pub mod time;
pub mod tls;
mod usual;
pub mod value;

pub use fast_split::{Ends, Regular, split_regular};
pub use fault::{Fault, Reason};
pub use parts::Parts;
pub use reading::{Reading, accept, read_line, realign};
pub use repair::{Repair, repair};
pub use request::query;
pub(in crate::parse) use second::fits;
pub use second::{first_word, may_have_late_time, names_balancer, similar_fields, time_within};
pub use split::{Span, Tail, extra_tokens, split_line};
pub(in crate::parse) use split::{closing_quote, split_token};
pub use usual::contains;

use crate::formats::{ColumnSource, Plan, Presence};

/// Checks that every value of a split line fits its column. `base` is the text that the spans point into.
pub fn check(plan: &Plan, base: &[u8], parts: &[Span]) -> Result<(), Fault> {
    misfits(plan, base, parts).next().map_or(Ok(()), Err)
}

/// Returns the fault to report for a line that cannot be split. A value before the fault may already not fit its column,
/// which says more about the cause.
pub fn first_fault(plan: &Plan, base: &[u8], parts: &[Span], fault: Fault) -> Fault {
    // An absent value may belong after the fault, where nothing was read.
    let present = misfits(plan, base, parts).filter(|misfit| misfit.reason != Reason::Missing);
    present
        .min_by_key(|misfit| misfit.at)
        .filter(|misfit| misfit.at < fault.at)
        .unwrap_or(fault)
}

/// Returns the values that do not fit their columns, in the order of the columns.
pub fn misfits(plan: &Plan, base: &[u8], parts: &[Span]) -> impl Iterator<Item = Fault> {
    plan.columns.iter().filter_map(move |column| {
        let ColumnSource::Part {
            part, field, decode, ..
        } = column.source
        else {
            return None;
        };
        let span = parts[part];
        let reason = match span.value(base) {
            None if column.presence == Presence::Required => Reason::Missing,
            None => return None,
            Some(bytes) if column.first_word => first_word(column.known, bytes).err()?,
            Some(bytes) => value::check(decode, bytes).err()?,
        };
        Some(Fault::in_field(reason, plan, field, span))
    })
}
