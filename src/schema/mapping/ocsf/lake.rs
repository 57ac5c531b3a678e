//! The custom sources of Amazon Security Lake.

use super::rules::HTTP_ACTIVITY;
use crate::formats::{LakeSources, LogType};

/// Returns the custom source that events of a log type and a class belong to.
pub fn security_lake_source(log_type: LogType, class_uid: i32) -> &'static str {
    match log_type.format().lake {
        LakeSources::One(source) => source,
        LakeSources::ByClass { requests, .. } if class_uid == HTTP_ACTIVITY => requests,
        LakeSources::ByClass { connections, .. } => connections,
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::NETWORK_ACTIVITY;
    use super::*;

    /// The maximum length of a source's name.
    const MAX_NAME: usize = 20;

    #[test]
    fn sources_are_distinct_and_short_enough() {
        let mut names: Vec<_> = LogType::ALL
            .into_iter()
            .flat_map(|log_type| [HTTP_ACTIVITY, NETWORK_ACTIVITY].map(|class| security_lake_source(log_type, class)))
            .collect();
        names.sort_unstable();
        names.dedup();
        let by_class = LogType::ALL
            .into_iter()
            .filter(|log_type| matches!(log_type.format().lake, LakeSources::ByClass { .. }));
        assert_eq!(names.len(), LogType::ALL.len() + by_class.count());
        assert!(names.iter().all(|name| name.len() <= MAX_NAME), "{names:?}");
    }
}
