//! A table as Athena's DDL.

use std::fmt::Write as _;

use super::hive::hive_columns;
use super::{Folders, Store, TableFormat};
use crate::schema::mapping::OutputTable;

/// Returns the statement that creates the table over the files of a run, in the given or the current database.
///
/// Every name is in backticks, because `date`, `timestamp` and others are reserved words in Athena's DDL. Athena accepts
/// only comments of the form `-- ` there. They contain no quotes, which simple parsers take for the start of a text.
pub fn ddl(table: &OutputTable, store: &Store, database: Option<&str>) -> String {
    let format = table.plan.format;
    let mut ddl = head(table, store);
    let name = table_name(format.name, database);
    // Writing to a String cannot fail.
    let _ = writeln!(ddl, "CREATE EXTERNAL TABLE IF NOT EXISTS {name} (");
    let columns = hive_columns(table, "`");
    let columns = columns
        .iter()
        .map(|column| column_line(&column.name, &column.kind, column.doc));
    ddl.push_str(&list(columns));
    let _ = writeln!(ddl, ")\nCOMMENT {}", literal(format.title));
    let keys = store.partition_keys();
    if !keys.is_empty() {
        let keys = keys.iter().map(|key| column_line(key.name, key.kind, Some(key.doc)));
        let _ = writeln!(ddl, "PARTITIONED BY (\n{})", list(keys));
    }
    let classes = store.classes();
    let _ = writeln!(ddl, "ROW FORMAT SERDE {}", literal(classes.serde));
    let parameters = classes.parameters.iter().map(|(name, value)| property(name, value));
    let _ = writeln!(ddl, "WITH SERDEPROPERTIES (\n{})", list(parameters));
    let _ = writeln!(ddl, "STORED AS INPUTFORMAT {}", literal(classes.input));
    let _ = writeln!(ddl, "OUTPUTFORMAT {}", literal(classes.output));
    let _ = writeln!(ddl, "LOCATION {}", literal(&store.folder(format.name)));
    let properties = store.properties(format.name);
    let properties = properties.iter().map(|(name, value)| property(name, value));
    let _ = writeln!(ddl, "TBLPROPERTIES (\n{})", list(properties));
    ddl
}

/// Returns the name of a table, in the given or the current database.
pub(super) fn table_name(name: &str, database: Option<&str>) -> String {
    database.map_or_else(
        || identifier(name),
        |database| format!("{}.{}", identifier(database), identifier(name)),
    )
}

/// Returns the comments at the top of the statement.
fn head(table: &OutputTable, store: &Store) -> String {
    let format = match store.format {
        TableFormat::Parquet => "Parquet",
        TableFormat::Json => "JSON lines",
    };
    let folders = match store.folders {
        Folders::Daily => "one folder per day",
        Folders::Hourly => "one folder per hour",
        // Security Lake creates its own tables; as plain files they are one folder.
        Folders::Single => "one folder",
    };
    let mut head = format!(
        "-- {}: {}, {} columns, schema version {}. {format}, {folders}.\n",
        table.plan.format.name,
        table.plan.format.title,
        table.schema.name(),
        table.schema.version()
    );
    if store.location == Store::default().location {
        head.push_str(
            "-- Replace every s3://BUCKET/PREFIX below with the destination of your runs,\n\
             -- or print this statement with --location.\n",
        );
    }
    if !store.partition_keys().is_empty() {
        let _ = write!(
            head,
            "-- No crawler is needed: Athena computes the folders from {} to today. Change it to the day of your first log,\n\
             -- because a query without a condition on date looks for every folder in this range.\n",
            store.since
        );
    }
    head
}

pub(super) fn column_line(name: &str, kind: &str, doc: Option<&str>) -> String {
    let comment = doc.map_or_else(String::new, |doc| format!(" COMMENT {}", literal(doc)));
    format!("{} {kind}{comment}", identifier(name))
}

fn property(name: &str, value: &str) -> String {
    format!("{} = {}", literal(name), literal(value))
}

/// Joins items with commas, one per line.
pub(super) fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.map(|item| format!("  {item}")).collect();
    items.join(",\n") + "\n"
}

fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Returns a text in Athena's DDL, which escapes with a backslash, unlike its queries.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_are_escaped() {
        assert_eq!(identifier("a`b"), "`a``b`");
        assert_eq!(literal("the key's \\ end"), r"'the key\'s \\ end'");
    }
}
