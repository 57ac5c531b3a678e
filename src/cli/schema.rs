//! `schema`: a table's columns in the words of others.

use std::io::Write as _;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::{OK, Stop};
use crate::config::{Format, PartitionBy};
use crate::parse::line::time::timestamp_micros;
use crate::schema::catalog::{Store, arrow, athena, glue, json_schema, markdown};
use crate::schema::mapping::{OutputTable, Schema};
use crate::storage::S3Prefix;

/// The flags that say where and how the files lie, and the forms that ask for it.
const STORE_FLAGS: [(&str, &[&str]); 5] = [
    ("location", &["athena", "glue"]),
    ("partition-by", &["athena", "glue"]),
    ("format", &["athena", "glue"]),
    ("since", &["athena", "glue"]),
    ("database", &["athena"]),
];

/// Prints the schema of a table.
pub(super) fn schema(matches: &ArgMatches) -> Result<u8, Stop> {
    let Some(format) = super::table(matches) else {
        return Err(Stop::Usage("no such table".to_owned()));
    };
    let form = matches.get_one::<String>("as").map_or("markdown", String::as_str);
    for (flag, forms) in STORE_FLAGS {
        if matches.value_source(flag) == Some(ValueSource::CommandLine) && !forms.contains(&form) {
            return Err(Stop::Usage(format!("--{flag} needs --as {}", forms.join(" or "))));
        }
    }
    let schema = matches.get_one::<String>("schema").and_then(|name| Schema::parse(name));
    let shape = OutputTable::of(schema.unwrap_or_default(), format.plan());
    let text = match form {
        "arrow" => Ok(arrow::text(shape)),
        "athena" => Ok(athena::ddl(shape, &store(matches)?, database(matches)?)),
        "glue" => glue::table_input(shape, &store(matches)?),
        "json-schema" => json_schema::schema(shape),
        _ => Ok(markdown::page(shape)),
    };
    let text = text.map_err(|error| Stop::Failed(format!("cannot write the schema: {error}")))?;
    anstream::stdout().write_all(text.as_bytes())?;
    Ok(OK)
}

/// Where and how the files lie.
fn store(matches: &ArgMatches) -> Result<Store, Stop> {
    let mut store = Store::default();
    let text = |flag: &str| matches.get_one::<String>(flag).map(String::as_str);
    if let Some(value) = text("location") {
        store.location = value
            .strip_prefix("s3://")
            .and_then(S3Prefix::parse)
            .map(|place| place.to_string())
            .ok_or_else(|| not_allowed("location", value, "s3://BUCKET/PREFIX"))?;
    }
    if let Some(value) = text("since") {
        if value.len() != 10 || timestamp_micros(format!("{value}T00:00:00").as_bytes()).is_err() {
            return Err(not_allowed("since", value, "a day, YYYY-MM-DD"));
        }
        value.clone_into(&mut store.since);
    }
    store.partition_by = match text("partition-by") {
        Some("hour") => PartitionBy::Hour,
        Some("none") => PartitionBy::None,
        _ => PartitionBy::Day,
    };
    store.format = match text("format") {
        Some("json") => Format::Json,
        _ => Format::Parquet,
    };
    Ok(store)
}

/// The database in which the statement makes the table.
fn database(matches: &ArgMatches) -> Result<Option<&str>, Stop> {
    let Some(name) = matches.get_one::<String>("database") else {
        return Ok(None);
    };
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    if name.is_empty() || name.len() > 255 || !name.bytes().all(legal) {
        return Err(not_allowed("database", name, "lower case letters, digits, _ and -"));
    }
    Ok(Some(name))
}

fn not_allowed(flag: &str, value: &str, allowed: &str) -> Stop {
    Stop::Usage(format!("--{flag} is {value:?}; allowed: {allowed}"))
}
