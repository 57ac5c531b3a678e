//! The names under which Amazon Security Lake knows the tables.

use super::rules::{HTTP_ACTIVITY, NETWORK_ACTIVITY};
use crate::formats::CLB_ACCESS;

/// The custom source that a table's events of a class belong to: the table, and for Classic balancers, whose table holds
/// both classes, one for each. A source takes one class, and a name of 20 characters at most.
/// <https://docs.aws.amazon.com/security-lake/latest/userguide/custom-sources.html>
/// <https://docs.aws.amazon.com/security-lake/latest/APIReference/API_CreateCustomLogSource.html>
pub fn security_lake_source(table: &'static str, class_uid: i32) -> &'static str {
    match class_uid {
        HTTP_ACTIVITY if table == CLB_ACCESS.name => "clb_http_log",
        NETWORK_ACTIVITY if table == CLB_ACCESS.name => "clb_tcp_log",
        _ => table,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::FORMATS;

    #[test]
    fn names_are_told_apart_and_short_enough() {
        let mut names: Vec<_> = FORMATS
            .iter()
            .flat_map(|format| [HTTP_ACTIVITY, NETWORK_ACTIVITY].map(|class| security_lake_source(format.name, class)))
            .collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FORMATS.len() + 1);
        assert!(names.iter().all(|name| name.len() <= 20), "{names:?}");
    }
}
