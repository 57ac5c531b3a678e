//! A table as Athena's DDL.

use std::fmt::Write as _;

use super::hive::hive_columns;
use super::{Folders, Store, TableFormat};
use crate::schema::mapping::OutputTable;

/// The statement that makes the table over the files of a run, in the database named or the current one.
///
/// Every name stands in backticks: `date`, `timestamp` and others are reserved words in Athena's DDL. Athena takes
/// comments of the form `-- ` alone there; a quote in one could end a text for a simple reader, so that they hold none.
pub fn ddl(shape: &OutputTable, store: &Store, database: Option<&str>) -> String {
    let format = shape.plan.format;
    let mut ddl = head(shape, store);
    let name = database.map_or_else(
        || identifier(format.name),
        |database| format!("{}.{}", identifier(database), identifier(format.name)),
    );
    // Writing to a String does not fail.
    let _ = writeln!(ddl, "CREATE EXTERNAL TABLE IF NOT EXISTS {name} (");
    let columns = hive_columns(shape, "`");
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

/// What a person has to know before running the statement.
fn head(shape: &OutputTable, store: &Store) -> String {
    let format = match store.format {
        TableFormat::Parquet => "Parquet",
        TableFormat::Json => "JSON lines",
    };
    let folders = match store.folders {
        Folders::Daily => "a folder for each day",
        Folders::Hourly => "a folder for each hour",
        // The lake makes tables of its own; as files they are read whole.
        Folders::Single => "one folder",
    };
    let mut head = format!(
        "-- {}: {}, {} columns, schema version {}. {format}, {folders}.\n",
        shape.plan.format.name,
        shape.plan.format.title,
        shape.schema.name(),
        shape.schema.version()
    );
    if store.location == Store::default().location {
        head.push_str(
            "-- Put the destination of your runs in the place of s3://BUCKET/PREFIX wherever it stands below,\n\
             -- or make this statement with --location.\n",
        );
    }
    if !store.partition_keys().is_empty() {
        let _ = write!(
            head,
            "-- No crawler is needed: Athena works out the folders from {} to today. Make that the day of your first log,\n\
             -- because a query that does not select by date looks for every folder of the range.\n",
            store.since
        );
    }
    head
}

fn column_line(name: &str, kind: &str, doc: Option<&str>) -> String {
    let comment = doc.map_or_else(String::new, |doc| format!(" COMMENT {}", literal(doc)));
    format!("{} {kind}{comment}", identifier(name))
}

fn property(name: &str, value: &str) -> String {
    format!("{} = {}", literal(name), literal(value))
}

/// Items, each on a line of its own, with commas between them.
fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.map(|item| format!("  {item}")).collect();
    items.join(",\n") + "\n"
}

fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text in Athena's DDL, which escapes with a backslash, unlike its queries.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_cannot_end_early() {
        assert_eq!(identifier("a`b"), "`a``b`");
        assert_eq!(literal("the key's \\ end"), r"'the key\'s \\ end'");
    }
}
