//! Columns that follow from the values of one event, without any data.

use crate::formats::Plan;
use crate::parse::batch::{Batch, Texts, Values};
use crate::parse::line::{Span, query, tls};

/// The digits of a microsecond, to which sums of times are rounded: the precision of the most precise table.
const MICROS: f64 = 1e6;

/// Returns the first of the columns that a table has.
fn first_of(plan: &Plan, names: &[&str]) -> Option<usize> {
    names.iter().find_map(|name| plan.column(name))
}

pub(super) fn status_class(batch: &mut Batch, number: usize) {
    let Some(status) = batch.plan.column("elb_status_code") else {
        return;
    };
    let (columns, text) = batch.columns_mut();
    let start = text.len();
    text.extend_from_slice(b"1xx2xx3xx4xx5xx");
    let class = |status: i32| {
        let class = usize::try_from(status / 100)
            .ok()
            .filter(|class| (1..=5).contains(class))?;
        let at = start + 3 * (class - 1);
        Some(Span::new(at, at + 3))
    };
    let Ok([Values::Int32(status), Values::Text(classes)]) = columns.get_disjoint_mut([status, number]) else {
        return;
    };
    for row in 0..status.values().len() {
        classes.push(status.get(row).and_then(class).unwrap_or(Span::NULL));
    }
}

pub(super) fn total_time(batch: &mut Batch, number: usize) {
    let plan = batch.plan;
    let target = first_of(plan, &["target_processing_time", "backend_processing_time"]);
    let (request, response) = (
        plan.column("request_processing_time"),
        plan.column("response_processing_time"),
    );
    let (Some(request), Some(target), Some(response)) = (request, target, response) else {
        return;
    };
    let (columns, _) = batch.columns_mut();
    let Ok(
        [
            Values::Float64(request),
            Values::Float64(target),
            Values::Float64(response),
            Values::Float64(totals),
        ],
    ) = columns.get_disjoint_mut([request, target, response, number])
    else {
        return;
    };
    for row in 0..request.values().len() {
        let times = [request.get(row), target.get(row), response.get(row)];
        totals.push(times.into_iter().sum::<Option<f64>>().and_then(rounded));
    }
}

/// Rounds to microseconds; none if the sum is not a number that a file can have.
fn rounded(seconds: f64) -> Option<f64> {
    let micros = seconds * MICROS;
    let rounded = if micros.is_finite() {
        micros.round() / MICROS
    } else {
        seconds
    };
    rounded.is_finite().then_some(rounded)
}

pub(super) fn tls_version(batch: &mut Batch, number: usize) {
    let Some(logged) = first_of(batch.plan, &["ssl_protocol", "tls_protocol", "tls_protocol_version"]) else {
        return;
    };
    let (columns, text) = batch.columns_mut();
    let Ok([Values::Text(logged), Values::Text(versions)]) = columns.get_disjoint_mut([logged, number]) else {
        return;
    };
    // The names that the batch has so far: few, of which the first is usually the one.
    let mut names: Vec<(&'static str, Span)> = Vec::new();
    for row in 0..logged.len() {
        let span = logged.get(row, text).and_then(tls::name).map(|name| {
            if let Some((_, span)) = names.iter().find(|(known, _)| *known == name) {
                return *span;
            }
            let span = append(text, name.as_bytes());
            names.push((name, span));
            span
        });
        versions.push(span.unwrap_or(Span::NULL));
    }
}

pub(super) fn request_query(batch: &mut Batch, number: usize) {
    let Some(url) = batch.plan.column("request_url") else {
        return;
    };
    let (columns, text) = batch.columns_mut();
    let Ok([Values::Text(urls), Values::Text(queries)]) = columns.get_disjoint_mut([url, number]) else {
        return;
    };
    for row in 0..urls.len() {
        queries.push(query_of(urls, row, text).unwrap_or(Span::NULL));
    }
}

/// Returns the place of a URL's query string: a part of the URL, without a copy.
fn query_of(urls: &Texts, row: usize, text: &[u8]) -> Option<Span> {
    let url = urls.view(row)?;
    let range = query(urls.get(row, text)?)?;
    Some(Span::new(url.start() + range.start, url.start() + range.end))
}

/// Appends a text; returns its place.
pub(super) fn append(text: &mut Vec<u8>, value: &[u8]) -> Span {
    let start = text.len();
    text.extend_from_slice(value);
    Span::new(start, text.len())
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn sums_have_no_more_digits_than_the_log() {
        assert_eq!(rounded(0.1 + 0.2), Some(0.3));
        assert_eq!(rounded(0.0 + 0.001 + 0.000_037), Some(0.001_037));
        assert_eq!(rounded(f64::MAX), Some(f64::MAX));
        assert_eq!(rounded(f64::INFINITY), None);
    }
}
