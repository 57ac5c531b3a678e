//! The metrics of an invocation in CloudWatch's embedded metric format: one line of JSON.
//!
//! Format: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use serde_json::{Map, Value, json};

use super::metrics::{DIMENSION, FILTER_METRICS, MERGE_METRICS, METRICS, NAMESPACE};
use super::tally::Tally;

/// Returns the line for one invocation, without a newline. A metric without a value is left out.
pub fn line(tally: &Tally, function: &str, request_id: &str) -> String {
    let values = METRICS.iter().chain(&FILTER_METRICS).chain(&MERGE_METRICS);
    let values = values.map(|metric| (metric, (metric.value)(tally)));
    let values: Vec<_> = values.filter(|(_, value)| *value != json!([])).collect();
    let declared: Vec<_> = values
        .iter()
        .map(|(metric, _)| json!({"Name": metric.name, "Unit": metric.unit}))
        .collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": tally.ended,
            "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": declared}],
        }),
    );
    line.insert(DIMENSION.to_owned(), function.into());
    line.insert("requestId".to_owned(), request_id.into());
    for (metric, value) in values {
        line.insert(metric.name.to_owned(), value);
    }
    if !tally.reasons.is_empty() {
        // Not a metric, because each reason would be billed as one; the dashboard queries the log instead.
        line.insert("malformed".to_owned(), json!(tally.reasons));
    }
    Value::Object(line).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::tally::MergeTally;
    use super::*;

    #[test]
    fn the_line_declares_every_metric_that_it_reports() {
        let mut tally = Tally {
            ingested: 2,
            lines: 10,
            filtered_events: 4,
            ends: vec![1_700_000_000_000_000, 1_699_999_990_000_000],
            merge: Some(MergeTally {
                oldest: Some(1_700_000_000_000_000),
                ..MergeTally::default()
            }),
            ..Tally::default()
        };
        tally.reasons.insert("not_a_time in time".to_owned(), 3);
        tally.end(1_700_000_060_500, 1_234);
        let line: Value = serde_json::from_str(&super::line(&tally, "alb-ingest", "id-1")).unwrap();
        let declared = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
        assert_eq!(
            declared.len(),
            METRICS.len() + FILTER_METRICS.len() + MERGE_METRICS.len()
        );
        for metric in declared {
            assert!(!line[metric["Name"].as_str().unwrap()].is_null());
        }
        assert_eq!(line["Delay"], json!([60.5, 70.5]));
        assert_eq!(line["EventsFiltered"], 4);
        assert_eq!(line["MergeLag"], 60.5);
        assert_eq!(line["FunctionName"], "alb-ingest");
        assert_eq!(line["malformed"]["not_a_time in time"], 3);
        let empty: Value = serde_json::from_str(&super::line(&Tally::default(), "f", "r")).unwrap();
        assert!(empty.get("Delay").is_none() && empty.get("EventsFiltered").is_none() && empty.get("Plans").is_none());
    }
}
