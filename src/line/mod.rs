//! One line: bytes in, parts and typed values out. No regular expressions, no allocation for a field.

mod fault;
mod repair;
mod request;
mod split;
pub mod text;
pub mod time;
pub mod value;

pub use fault::{Fault, Reason};
pub use repair::{Repair, repair};
pub use split::{Span, Tail, extra_tokens, split_line};

use crate::format::{Plan, Presence, Source};

/// Checks that every value of a line that was split fits its column. `base` is the text that the spans point into.
pub fn check(plan: &Plan, base: &[u8], parts: &[Span]) -> Result<(), Fault> {
    for column in &plan.columns {
        let Source::Part {
            part, field, decode, ..
        } = column.source
        else {
            continue;
        };
        let span = parts.get(part).copied().unwrap_or(Span::NULL);
        let checked = match span.value(base) {
            None if column.presence == Presence::Required => Err(Reason::Missing),
            None => Ok(()),
            Some(bytes) => value::check(decode, bytes),
        };
        if let Err(reason) = checked {
            return Err(Fault::in_field(reason, plan, field, span));
        }
    }
    Ok(())
}

/// The fault of a line that does not split: a value in front of the fault may already not fit its column, which says
/// more about what is wrong.
pub fn first_fault(plan: &Plan, base: &[u8], parts: &[Span], fault: Fault) -> Fault {
    match check_present(plan, base, parts) {
        Err(earlier) if earlier.at < fault.at => earlier,
        _ => fault,
    }
}

/// As [`check`], for the parts that are there.
fn check_present(plan: &Plan, base: &[u8], parts: &[Span]) -> Result<(), Fault> {
    let mut first: Option<Fault> = None;
    for column in &plan.columns {
        let Source::Part {
            part, field, decode, ..
        } = column.source
        else {
            continue;
        };
        let span = parts.get(part).copied().unwrap_or(Span::NULL);
        if let Some(Err(reason)) = span.value(base).map(|bytes| value::check(decode, bytes)) {
            let fault = Fault::in_field(reason, plan, field, span);
            if first.is_none_or(|first| fault.at < first.at) {
                first = Some(fault);
            }
        }
    }
    first.map_or(Ok(()), Err)
}
