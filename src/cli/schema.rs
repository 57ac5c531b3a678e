//! `alb-ingest schema`: prints the columns of a table in a form that people or other tools read.

use std::io::Write as _;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::{OK, Stop};
use crate::formats::{Extra, Extras};
use crate::parse::line::time::timestamp_micros;
use crate::schema::catalog::{Folders, Store, TableFormat, arrow, athena, glue, iceberg, json_schema, markdown};
use crate::schema::mapping::{OutputTable, Schema};
use crate::storage::S3Prefix;

/// The options that describe the files of the table, and the forms that use them.
const STORE_OPTIONS: [(&str, &[&str]); 5] = [
    ("location", &["athena", "iceberg", "glue"]),
    ("partition-by", &["athena", "glue"]),
    ("format", &["athena", "glue"]),
    ("since", &["athena", "glue"]),
    ("database", &["athena", "iceberg"]),
];

/// Prints the schema of a table.
pub(super) fn schema(matches: &ArgMatches) -> Result<u8, Stop> {
    let Some(format) = super::table(matches) else {
        return Err(Stop::Usage("unknown table".to_owned()));
    };
    let form = matches.get_one::<String>("as").map_or("markdown", String::as_str);
    for (option, forms) in STORE_OPTIONS {
        if matches.value_source(option) == Some(ValueSource::CommandLine) && !forms.contains(&form) {
            return Err(Stop::Usage(format!("--{option} requires --as {}", forms.join(" or "))));
        }
    }
    let schema = matches.get_one::<String>("schema").and_then(|name| Schema::parse(name));
    let schema = schema.unwrap_or_default();
    if form == "iceberg" && schema != Schema::Native {
        return Err(Stop::Usage("--as iceberg requires --schema native".to_owned()));
    }
    let extras = match matches.get_one::<String>("enrich") {
        Some(names) => Extras::enrichment(names).ok_or_else(|| {
            let allowed = format!("names separated by commas: {}", Extras::ENRICHMENT);
            not_allowed("enrich", names, &allowed)
        })?,
        None => Extras::NONE,
    };
    let extras = if matches.get_flag("sample") {
        extras.with(Extra::SampleWeight)
    } else {
        extras
    };
    let table = OutputTable::of(schema, format.log_type.plan_with(extras));
    let text = match form {
        "arrow" => Ok(arrow::text(table)),
        "athena" => Ok(athena::ddl(table, &store(matches)?, database(matches)?)),
        "iceberg" => Ok(iceberg::ddl(table, &store(matches)?, database(matches)?)),
        "glue" => glue::table_input(table, &store(matches)?),
        "json-schema" => json_schema::schema(table),
        _ => Ok(markdown::page(table)),
    };
    let text = text.map_err(|error| Stop::Failed(format!("cannot generate the schema: {error}")))?;
    anstream::stdout().write_all(text.as_bytes())?;
    Ok(OK)
}

/// Reads the description of the files.
fn store(matches: &ArgMatches) -> Result<Store, Stop> {
    let mut store = Store::default();
    let text = |option: &str| matches.get_one::<String>(option).map(String::as_str);
    if let Some(value) = text("location") {
        store.location = value
            .strip_prefix("s3://")
            .and_then(S3Prefix::parse)
            .ok_or_else(|| not_allowed("location", value, "s3://BUCKET/PREFIX"))?
            .to_string();
    }
    if let Some(value) = text("since") {
        if value.len() != 10 || timestamp_micros(format!("{value}T00:00:00").as_bytes()).is_err() {
            return Err(not_allowed("since", value, "a day, YYYY-MM-DD"));
        }
        value.clone_into(&mut store.since);
    }
    store.folders = match text("partition-by") {
        Some("hour") => Folders::Hourly,
        Some("none") => Folders::Single,
        _ => Folders::Daily,
    };
    store.format = match text("format") {
        Some("json") => TableFormat::Json,
        _ => TableFormat::Parquet,
    };
    Ok(store)
}

/// Returns the database of the table.
fn database(matches: &ArgMatches) -> Result<Option<&str>, Stop> {
    let Some(name) = matches.get_one::<String>("database") else {
        return Ok(None);
    };
    let is_legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    if name.is_empty() || name.len() > 255 || !name.bytes().all(is_legal) {
        return Err(not_allowed("database", name, "lowercase letters, digits, _ and -"));
    }
    Ok(Some(name))
}

fn not_allowed(option: &str, value: &str, allowed: &str) -> Stop {
    Stop::Usage(format!("--{option} is {value:?}; allowed: {allowed}"))
}
