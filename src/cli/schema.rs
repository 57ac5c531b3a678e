//! `alb-ingest schema`: prints the columns of a table in a form that people or other tools read.

use std::io::Write as _;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::{OK, Stop};
use crate::formats::{Extra, Extras};
use crate::parse::line::time::timestamp_micros;
use crate::schema::catalog::{
    Folders, Store, TableFormat, arrow, athena, elasticsearch, glue, iceberg, json_schema, markdown, panther,
};
use crate::schema::mapping::{OutputTable, Schema};
use crate::storage::S3Prefix;

/// The forms that have one schema.
const SCHEMAS: [(&str, Schema); 4] = [
    ("iceberg", Schema::Native),
    ("panther", Schema::Panther),
    ("panther-data-model", Schema::Panther),
    ("elasticsearch", Schema::Ecs),
];

/// The options that only some forms use, and these forms. Panther adds its fields itself.
const OPTIONS: [(&str, &[&str]); 6] = [
    (
        "panther-fields",
        &["markdown", "arrow", "athena", "glue", "json-schema"],
    ),
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
    for (option, forms) in OPTIONS {
        if matches.value_source(option) == Some(ValueSource::CommandLine) && !forms.contains(&form) {
            return Err(Stop::Usage(format!("--{option} requires --as {}", forms.join(" or "))));
        }
    }
    let schema = schema_of(matches, form)?;
    if form != "markdown" && schema.is_batched() {
        return Err(Stop::Usage(format!(
            "--as {form} does not describe --schema {}: a line of OTLP/JSON is a batch of log records, not a row of a table; --as markdown lists the attributes",
            schema.name()
        )));
    }
    let extras = match matches.get_one::<String>("enrich") {
        Some(names) => Extras::enrichment(names).ok_or_else(|| {
            let allowed = format!("names separated by commas: {}", Extras::ENRICHMENT);
            not_allowed("enrich", names, &allowed)
        })?,
        None => Extras::NONE,
    };
    let flags = [("sample", Extra::SampleWeight), ("keep-raw", Extra::RawLine)];
    let flags = flags.into_iter().filter(|(flag, _)| matches.get_flag(flag));
    let extras = flags.fold(extras, |extras, (_, extra)| extras.with(extra));
    let plan = format.log_type.plan_with(extras);
    let table = match (matches.get_flag("panther-fields"), schema) {
        (false, _) => OutputTable::of(schema, plan),
        (true, Schema::Panther) => OutputTable::with_panther_fields(plan),
        (true, _) => return Err(Stop::Usage("--panther-fields requires --schema panther".to_owned())),
    };
    let text = match form {
        "arrow" => Ok(arrow::text(table)),
        "athena" => Ok(athena::ddl(table, &store(matches)?, database(matches)?)),
        "iceberg" => Ok(iceberg::ddl(table, &store(matches)?, database(matches)?)),
        "glue" => glue::table_input(table, &store(matches)?),
        "json-schema" => json_schema::schema(table),
        "panther" => panther::custom_schema(table),
        "panther-data-model" => panther::data_model(table),
        "elasticsearch" => elasticsearch::index_template(table),
        _ => Ok(markdown::page(table)),
    };
    let text = text.map_err(|error| Stop::Failed(format!("cannot generate the schema: {error}")))?;
    anstream::stdout().write_all(text.as_bytes())?;
    Ok(OK)
}

/// Returns the schema that is given, or that of the form.
fn schema_of(matches: &ArgMatches, form: &str) -> Result<Schema, Stop> {
    let is_given = matches.value_source("schema") == Some(ValueSource::CommandLine);
    let given = matches.get_one::<String>("schema").filter(|_| is_given);
    let given = given.and_then(|name| Schema::parse(name));
    let of_form = SCHEMAS
        .iter()
        .find(|(name, _)| *name == form)
        .map(|(_, schema)| *schema);
    match (given, of_form) {
        (Some(given), Some(schema)) if given != schema => {
            let name = schema.name();
            Err(Stop::Usage(format!("--as {form} requires --schema {name}")))
        }
        (given, of_form) => Ok(given.or(of_form).unwrap_or_default()),
    }
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
