//! The generated parts of `template.yaml`: the tables of the Glue catalog, and the saved queries of Athena.
//!
//! Both are YAML without the indentation of the section that contains them.

use std::fmt::Write as _;

use crate::formats::{ColumnSource, Extra, Extras, LogType};
use crate::schema::catalog::glue::{GlueColumn, TableInput, table_of};
use crate::schema::catalog::{Folders, Store, TableFormat};
use crate::schema::mapping::{Node, OutputTable, Schema, Value};

/// The value that removes a property.
const NOTHING: &str = "!Ref AWS::NoValue";
/// The day of a folder that a stream makes: <https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html>
const DELIVERY_DAY: &str =
    "Day on which Firehose received the oldest record of the file, UTC, YYYY-MM-DD; from the folder name.";

/// A saved query cannot be generated from its file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("saved query {name}: {problem}")]
pub struct QueryError {
    /// The name of the query.
    name: String,
    /// What is wrong with the file.
    problem: String,
}

/// Returns the tables of every log type, as resources.
///
/// # Errors
/// None in practice: texts are written as JSON strings, which YAML reads.
pub fn tables() -> Result<String, serde_json::Error> {
    let tables: Result<Vec<_>, _> = LogType::ALL.into_iter().map(table).collect();
    Ok(tables?.join("\n"))
}

/// Returns a saved query as a resource. Its text begins with comments: the question it answers, and `table: NAME`.
///
/// # Errors
/// The comments do not name exactly one table of a log type.
pub fn saved_query(name: &str, text: &str) -> Result<String, QueryError> {
    let error = |problem: String| QueryError {
        name: name.to_owned(),
        problem,
    };
    let comments = || text.lines().filter_map(|line| line.strip_prefix("-- "));
    let tables: Vec<_> = comments().filter_map(|line| line.strip_prefix("table: ")).collect();
    let [table] = tables[..] else {
        return Err(error(format!(
            "expected one comment 'table: NAME', found {}",
            tables.len()
        )));
    };
    let log_type = LogType::from_table(table).ok_or_else(|| error(format!("{table} is not a table")))?;
    let title: Vec<_> = comments().filter(|line| !line.starts_with("table: ")).collect();
    let title = quoted(&title.join(" ")).map_err(|problem| error(problem.to_string()))?;
    let resource = resource_name(log_type.table());
    // The query depends on its table, because it is of no use before the table exists.
    let mut yaml = format!(
        "Query{query}:\n  \
           Type: AWS::Athena::NamedQuery\n  \
           Condition: Query{resource}\n  \
           DependsOn: {resource}\n  \
           Properties:\n    \
             Name: {name}\n    \
             Description: {title}\n    \
             Database: !Ref Database\n    \
             WorkGroup: !Ref Workgroup\n    \
             QueryString: |\n",
        query = resource_name(name),
    );
    for line in text.lines().filter(|line| !line.starts_with("-- ")) {
        let indent = if line.is_empty() { "" } else { "      " };
        // Writing to a String cannot fail.
        let _ = writeln!(yaml, "{indent}{line}");
    }
    Ok(yaml)
}

/// A table as the template chooses between: over Parquet files by day, and over JSON files by hour.
struct Choices<'a> {
    parquet: TableInput<'a>,
    json: TableInput<'a>,
}

/// Returns a table over files as a resource. There are no Iceberg tables: each update by `CloudFormation` removes the pointer to
/// their metadata. <https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1919>
fn table(log_type: LogType) -> Result<String, serde_json::Error> {
    let native = OutputTable::of(Schema::Native, log_type.plan());
    let by_hour = Store {
        format: TableFormat::Json,
        folders: Folders::Hourly,
        ..Store::default()
    };
    let choices = Choices {
        parquet: table_of(native, &Store::default()),
        json: table_of(native, &by_hour),
    };
    let resource = resource_name(log_type.table());
    let mut lines = vec![
        format!("{resource}:"),
        "  Type: AWS::Glue::Table".to_owned(),
        format!("  Condition: Has{resource}"),
        "  Properties:".to_owned(),
        "    CatalogId: !Ref AWS::AccountId".to_owned(),
        "    DatabaseName: !Ref Database".to_owned(),
        "    TableInput:".to_owned(),
        format!("      Name: {}", choices.parquet.name),
        format!("      Description: {}", quoted(choices.parquet.description)?),
        format!("      TableType: {}", choices.parquet.table_type),
    ];
    choices.parameters(&mut lines)?;
    choices.storage(&mut lines)?;
    columns(log_type, &mut lines)?;
    Ok(lines.join("\n") + "\n")
}

impl Choices<'_> {
    /// Adds the parameters and the partition keys.
    fn parameters(&self, lines: &mut Vec<String>) -> Result<(), serde_json::Error> {
        lines.push("      Parameters:".to_owned());
        let mut folders = String::new();
        for (name, value) in &self.json.parameters {
            let in_parquet = self.parquet.parameters.iter().find(|(other, _)| other == name);
            match (*name, in_parquet) {
                // The folders differ, because the hour is one of them.
                ("storage.location.template", Some((_, by_day))) => {
                    folders = format!(
                        "        {name}: !If\n          - ByHour\n          - !Sub \"{}\"\n          - !Sub \"{}\"",
                        substituted(value),
                        substituted(by_day)
                    );
                }
                ("projection.date.range", _) => {
                    lines.push(format!("        {name}: !Sub \"${{FirstDay}},NOW\""));
                }
                (_, Some((_, parquet))) if parquet == value => {
                    lines.push(format!("        {name}: {}", quoted(value)?));
                }
                (_, Some((_, parquet))) => {
                    lines.push(format!("        {name}: !If [FilesAreJson, {value}, {parquet}]"));
                }
                (_, None) => {
                    lines.push(format!("        {name}: !If [ByHour, {}, {NOTHING}]", quoted(value)?));
                }
            }
        }
        lines.push(folders);
        lines.push("      PartitionKeys:".to_owned());
        let by_day = self.parquet.partition_keys.len();
        for (number, key) in self.json.partition_keys.iter().enumerate() {
            let own = column_line(key, &key.r#type)?;
            lines.push(if number < by_day {
                let of_stream = GlueColumn {
                    comment: Some(DELIVERY_DAY),
                    name: key.name.clone(),
                    r#type: key.r#type.clone(),
                };
                let of_stream = column_line(&of_stream, &key.r#type)?;
                format!("        - !If\n          - StreamToFiles\n          - {of_stream}\n          - {own}")
            } else {
                format!("        - !If [ByHour, {own}, {NOTHING}]")
            });
        }
        Ok(())
    }

    /// Adds the storage descriptor, except for the columns.
    fn storage(&self, lines: &mut Vec<String>) -> Result<(), serde_json::Error> {
        let (parquet, json) = (&self.parquet.storage_descriptor, &self.json.storage_descriptor);
        lines.push("      StorageDescriptor:".to_owned());
        lines.push(format!("        Location: !Sub \"{}\"", substituted(&parquet.location)));
        for (name, json, parquet) in [
            ("InputFormat", json.input_format, parquet.input_format),
            ("OutputFormat", json.output_format, parquet.output_format),
        ] {
            lines.push(format!("        {name}: !If [FilesAreJson, {json}, {parquet}]"));
        }
        let (parquet, json) = (&parquet.serde_info, &json.serde_info);
        lines.push(format!(
            "        SerdeInfo:\n          SerializationLibrary: !If [FilesAreJson, {}, {}]",
            json.serialization_library, parquet.serialization_library
        ));
        lines.push("          Parameters: !If\n            - FilesAreJson".to_owned());
        for parameters in [&json.parameters, &parquet.parameters] {
            for (number, (name, value)) in parameters.iter().enumerate() {
                let dash = if number == 0 { '-' } else { ' ' };
                lines.push(format!("            {dash} {name}: {}", quoted(value)?));
            }
        }
        Ok(())
    }
}

/// Returns the conditions of the columns on request. `CloudFormation` can split a text, but not search it: the second part of what a
/// column's name splits is empty only if the name is nowhere before the end.
pub fn conditions() -> String {
    let mut yaml = String::new();
    for extra in Extras::ENRICHMENT.iter() {
        let (name, condition) = (extra.name(), condition_of(extra));
        // Writing to a String cannot fail.
        let _ = writeln!(
            yaml,
            "{condition}: !Not [!Equals [!Select [1, !Split [{name}, !Sub \"${{Enrich}}|{name}\"]], \"\"]]"
        );
    }
    yaml
}

fn condition_of(extra: Extra) -> String {
    match extra {
        Extra::SampleWeight => "Sampling".to_owned(),
        Extra::RawLine => "KeepingRaw".to_owned(),
        _ => format!("Enrich{}", resource_name(extra.name())),
    }
}

/// Adds the columns in every schema, each selected by the condition that is named after the schema.
fn columns(log_type: LogType, lines: &mut Vec<String>) -> Result<(), serde_json::Error> {
    let (mut indent, mut head) = (" ".repeat(8), "Columns: ");
    let has_table = |schema: &Schema| *schema != Schema::Native && !schema.is_batched();
    for schema in Schema::ALL.into_iter().filter(has_table) {
        lines.push(format!("{indent}{head}!If\n{indent}  - {}", capitalized(schema.name())));
        let mut items = columns_of(schema, log_type)?;
        if schema == Schema::Panther {
            items.extend(columns_of_panther(log_type)?);
        }
        push_items(&format!("{indent}  "), items, lines);
        indent.push_str("  ");
        head = "- ";
    }
    push_items(&indent, columns_of(Schema::Native, log_type)?, lines);
    Ok(())
}

/// Adds a list as an item of another one.
fn push_items(indent: &str, items: Vec<String>, lines: &mut Vec<String>) {
    for (number, item) in items.into_iter().enumerate() {
        let dash = if number == 0 { "- -" } else { "  -" };
        lines.push(format!("{indent}{dash} {item}"));
    }
}

/// Returns the columns in a schema. A column on request depends on its own condition. A group of values is a single column, so it has
/// every value on request if there are any.
fn columns_of(schema: Schema, log_type: LogType) -> Result<Vec<String>, serde_json::Error> {
    let store = Store::default();
    let plain = table_of(OutputTable::of(schema, log_type.plan()), &store);
    let plain = &plain.storage_descriptor.columns;
    let extended = OutputTable::of(schema, log_type.plan_with(Extras::ALL));
    let columns = table_of(extended, &store).storage_descriptor.columns;
    let mut items = Vec::new();
    for (column, node) in columns.iter().zip(&extended.nodes) {
        let item = column_line(column, &kind_of(column)?)?;
        let before = plain.iter().find(|before| before.name == column.name);
        let before = before
            .map(|before| column_line(before, &kind_of(before)?))
            .transpose()?;
        items.push(match before {
            Some(before) if before == item => item,
            Some(before) => format!("!If [Extended, {item}, {before}]"),
            None => format!("!If [{}, {item}, {NOTHING}]", condition_of_node(extended, node)),
        });
    }
    Ok(items)
}

/// Returns the columns of the fields that Panther adds, which the tables have on request.
fn columns_of_panther(log_type: LogType) -> Result<Vec<String>, serde_json::Error> {
    let store = Store::default();
    let own = OutputTable::of(Schema::Panther, log_type.plan()).leaves.len();
    let all = table_of(OutputTable::with_panther_fields(log_type.plan()), &store);
    let added = all.storage_descriptor.columns.iter().skip(own);
    added
        .map(|column| {
            let item = column_line(column, &kind_of(column)?)?;
            Ok(format!("!If [WithPantherFields, {item}, {NOTHING}]"))
        })
        .collect()
}

/// Returns the condition of a column that the table has only on request.
fn condition_of_node(table: &OutputTable, node: &Node) -> String {
    let leaf = match node {
        Node::Leaf(leaf) => table.leaves.get(*leaf),
        Node::Group(_) => None,
    };
    let source = leaf.and_then(|leaf| match leaf.value {
        Value::Column(column) => table.plan.columns.get(column),
        Value::Constant(_) | Value::Conditional { .. } | Value::Computed { .. } => None,
    });
    match source.map(|column| column.source) {
        Some(ColumnSource::Extra(extra)) => condition_of(extra),
        _ => "Extended".to_owned(),
    }
}

/// Returns the type of a column as YAML.
fn kind_of(column: &GlueColumn<'_>) -> Result<String, serde_json::Error> {
    if column.r#type.contains('<') {
        return quoted(&column.r#type);
    }
    Ok(column.r#type.to_string())
}

/// Returns a column in braces. A group of values has no comment.
fn column_line(column: &GlueColumn<'_>, kind: &str) -> Result<String, serde_json::Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let name = if column.name.bytes().all(plain) {
        column.name.to_string()
    } else {
        quoted(&column.name)?
    };
    let comment = match column.comment {
        Some(comment) => format!(", Comment: {}", quoted(comment)?),
        None => String::new(),
    };
    Ok(format!("{{Name: {name}, Type: {kind}{comment}}}"))
}

/// Returns the text for `!Sub` of a location: the stack's bucket and prefix instead of the placeholders, and the variables
/// of the partition projection escaped.
fn substituted(location: &str) -> String {
    let placeholder = Store::default().location;
    location
        .replace("${", "${!")
        .replace(&placeholder, "s3://${EventBucketName}/${EventPrefix}")
}

/// Returns a text as a JSON string, which is also a YAML string.
fn quoted(text: &str) -> Result<String, serde_json::Error> {
    serde_json::to_string(text)
}

/// Returns `alb_access_log` or `who-made-the-5xx` as a logical id.
fn resource_name(name: &str) -> String {
    name.split(['_', '-']).map(capitalized).collect()
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_ascii_uppercase().to_string() + letters.as_str()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saved_queries_name_one_table() {
        let query = "-- How many?\n-- table: clb_access_log\nselect count(*)\n\nfrom clb_access_log;\n";
        let yaml = saved_query("how-many", query).unwrap();
        assert!(
            yaml.starts_with("QueryHowMany:\n  Type: AWS::Athena::NamedQuery\n"),
            "{yaml}"
        );
        assert!(yaml.contains("    Description: \"How many?\"\n"), "{yaml}");
        assert!(
            yaml.ends_with("    QueryString: |\n      select count(*)\n\n      from clb_access_log;\n"),
            "{yaml}"
        );
        for (text, problem) in [
            ("select 1;", "expected one comment 'table: NAME', found 0"),
            ("-- table: elb_log\nselect 1;", "elb_log is not a table"),
        ] {
            let error = saved_query("some", text).unwrap_err().to_string();
            assert_eq!(error, format!("saved query some: {problem}"));
        }
    }
}
