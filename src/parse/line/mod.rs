//! One line: bytes in, parts and typed values out. No regular expressions, no allocation for a field.

mod fast_split;
pub mod fast_value;
mod fault;
mod repair;
mod request;
mod split;
pub(crate) mod swar;
pub mod text;
pub mod time;
pub mod value;

pub use fast_split::{Regular, split_regular};
pub use fault::{Fault, Reason};
pub use repair::{Repair, repair};
pub use split::{Span, Tail, extra_tokens, split_line};

use crate::formats::{Plan, Presence, Source};

/// Checks that every value of a line that was split fits its column. `base` is the text that the spans point into.
pub fn check(plan: &Plan, base: &[u8], parts: &[Span]) -> Result<(), Fault> {
    misfits(plan, base, parts).next().map_or(Ok(()), Err)
}

/// The fault of a line that does not split: a value in front of the fault may already not fit its column, which says
/// more about what is wrong.
pub fn first_fault(plan: &Plan, base: &[u8], parts: &[Span], fault: Fault) -> Fault {
    // What is absent may stand behind the fault, where nothing was read.
    let present = misfits(plan, base, parts).filter(|misfit| misfit.reason != Reason::Missing);
    present
        .min_by_key(|misfit| misfit.at)
        .filter(|misfit| misfit.at < fault.at)
        .unwrap_or(fault)
}

/// The values that do not fit their columns, in the order of the columns.
pub fn misfits(plan: &Plan, base: &[u8], parts: &[Span]) -> impl Iterator<Item = Fault> {
    plan.columns.iter().filter_map(move |column| {
        let Source::Part {
            part, field, decode, ..
        } = column.source
        else {
            return None;
        };
        let span = parts.get(part).copied().unwrap_or(Span::NULL);
        let reason = match span.value(base) {
            None if column.presence == Presence::Required => Reason::Missing,
            None => return None,
            Some(bytes) => value::check(decode, bytes).err()?,
        };
        Some(Fault::in_field(reason, plan, field, span))
    })
}
