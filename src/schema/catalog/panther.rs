//! A table as Panther's custom log types take it: a schema of the events, and a data model for detections.
//! <https://docs.panther.com/data-onboarding/custom-log-types/reference>
//! <https://docs.panther.com/detections/rules/python/data-models>

use std::fmt::Write as _;

use serde_json::to_string as quoted;

use crate::formats::{Kind, Presence};
use crate::schema::mapping::{Indicator, Leaf, OutputTable, Value, custom_log_type, data_model as mappings, indicator};

/// Returns the custom schema of the table's events in JSON, as YAML. The table must be in Panther's schema.
///
/// # Errors
/// None in practice: the YAML contains only texts.
pub fn custom_schema(table: &OutputTable) -> Result<String, serde_json::Error> {
    let format = table.plan.format;
    let mut yaml = format!(
        "schema: {}\ndescription: {}\nreferenceURL: {}\nfields:\n",
        custom_log_type(format.log_type),
        quoted(&format!("An event of the {}, by alb-ingest.", format.title))?,
        format.page
    );
    for leaf in &table.leaves {
        // Writing to a String cannot fail.
        let _ = writeln!(yaml, "  - name: {}\n    description: {}", leaf.path, quoted(leaf.doc)?);
        if leaf.presence == Presence::Required {
            yaml.push_str("    required: true\n");
        }
        yaml.push_str(match leaf.kind {
            Kind::Text => "    type: string\n",
            Kind::Int32 | Kind::Int64 => "    type: bigint\n",
            Kind::Float64 => "    type: float\n",
            Kind::Timestamp | Kind::NaiveTimestamp | Kind::Date => "    type: timestamp\n    timeFormats: [rfc3339]\n",
            Kind::TextList => "    type: array\n    element:\n      type: string\n",
        });
        if leaf.path == EVENT_TIME {
            yaml.push_str("    isEventTime: true\n");
        }
        if let Some(indicator) = indicator_of(table, leaf) {
            // Indicators of a list are those of its items.
            let indent = if leaf.kind == Kind::TextList { "      " } else { "    " };
            let _ = writeln!(yaml, "{indent}indicators: [{}]", indicator.name());
        }
    }
    Ok(yaml)
}

/// The time of the event in every table.
const EVENT_TIME: &str = "timestamp";

fn indicator_of(table: &OutputTable, leaf: &Leaf) -> Option<Indicator> {
    let Value::Column(number) = leaf.value else { return None };
    indicator(table.plan.format.log_type, table.plan.columns.get(number)?.name)
}

/// Returns the data model of the table's custom log type, as YAML. The table must be in Panther's schema. No field needs a
/// method, so no Python file belongs to it.
///
/// # Errors
/// None in practice: the YAML contains only texts.
pub fn data_model(table: &OutputTable) -> Result<String, serde_json::Error> {
    let format = table.plan.format;
    let log_type = custom_log_type(format.log_type);
    let mut yaml = format!(
        "AnalysisType: datamodel\nDataModelID: {log_type}\nDisplayName: {}\nEnabled: true\nLogTypes:\n  - {log_type}\nMappings:\n",
        quoted(&format!("{}, by alb-ingest", format.title))?,
    );
    for (name, column) in mappings(format.log_type) {
        let leaf = table.leaves.iter().find(|leaf| is_column(table, leaf, column));
        if let Some(leaf) = leaf {
            let _ = writeln!(yaml, "  - Name: {name}\n    Path: {}", leaf.path);
        }
    }
    Ok(yaml)
}

fn is_column(table: &OutputTable, leaf: &Leaf, name: &str) -> bool {
    matches!(leaf.value, Value::Column(number) if table.plan.column(name) == Some(number))
}
