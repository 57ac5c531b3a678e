//! A table as Athena's DDL for Iceberg, for the rows that Firehose inserts.
//! <https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-creating-tables.html>

use std::fmt::Write as _;

use super::Store;
use super::athena::{column_line, list, literal, table_name};
use super::hive::hive_columns;
use crate::schema::mapping::OutputTable;

/// Returns the statement that creates the Iceberg table in the folder of the table, in the given or the current database.
///
/// Times and dates are text, as in the events: Firehose converts only numbers to the timestamps of Iceberg.
pub fn ddl(table: &OutputTable, store: &Store, database: Option<&str>) -> String {
    let format = table.plan.format;
    let mut ddl = format!("CREATE TABLE {} (\n", table_name(format.name, database));
    let columns = hive_columns(table, "`");
    let columns = columns.iter().map(|column| {
        let kind = if ["timestamp", "date"].contains(&column.kind.as_str()) {
            "string"
        } else {
            &column.kind
        };
        column_line(&column.name, kind, column.doc)
    });
    ddl.push_str(&list(columns));
    // Writing to a String cannot fail.
    let _ = writeln!(ddl, ")\nLOCATION {}", literal(&store.folder(format.name)));
    ddl.push_str("TBLPROPERTIES (\n  'table_type' = 'ICEBERG',\n  'format' = 'parquet'\n)\n");
    ddl
}
