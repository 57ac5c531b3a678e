//! A table as the Glue catalog takes it: the `TableInput` of `aws glue create-table --table-input`.
//! <https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog-tables.html#aws-glue-api-catalog-tables-TableInput>

use serde::{Serialize, Serializer};

use super::Store;
use super::hive::hive_columns;
use crate::schema::mapping::OutputTable;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TableInput<'a> {
    name: &'a str,
    description: &'a str,
    table_type: &'a str,
    #[serde(serialize_with = "ordered")]
    parameters: Vec<(&'a str, String)>,
    partition_keys: Vec<GlueColumn<'a>>,
    storage_descriptor: StorageDescriptor<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StorageDescriptor<'a> {
    location: String,
    input_format: &'a str,
    output_format: &'a str,
    serde_info: SerdeInfo<'a>,
    columns: Vec<GlueColumn<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SerdeInfo<'a> {
    serialization_library: &'a str,
    #[serde(serialize_with = "ordered")]
    parameters: Vec<(&'a str, String)>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GlueColumn<'a> {
    name: &'a str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
}

/// Pairs as an object, in their order.
fn ordered<S: Serializer>(pairs: &[(&str, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

/// The `TableInput` of the table over the files of a run, as JSON.
///
/// # Errors
/// None in practice: the JSON holds texts alone.
pub fn table_input(shape: &OutputTable, store: &Store) -> Result<String, serde_json::Error> {
    let classes = store.classes();
    let format = shape.plan.format;
    let columns = hive_columns(shape, "");
    let columns = columns.iter().map(|column| GlueColumn {
        name: &column.name,
        r#type: &column.kind,
        comment: column.doc,
    });
    let keys = store.partition_keys().iter().map(|key| GlueColumn {
        name: key.name,
        r#type: key.kind,
        comment: Some(key.doc),
    });
    let mut parameters = vec![("EXTERNAL", "TRUE".to_owned())];
    parameters.extend(store.properties(format.name));
    let input = TableInput {
        name: format.name,
        description: format.title,
        table_type: "EXTERNAL_TABLE",
        parameters,
        partition_keys: keys.collect(),
        storage_descriptor: StorageDescriptor {
            location: store.folder(format.name),
            input_format: classes.input,
            output_format: classes.output,
            serde_info: SerdeInfo {
                serialization_library: classes.serde,
                parameters: classes
                    .parameters
                    .iter()
                    .map(|(name, value)| (*name, (*value).to_owned()))
                    .collect(),
            },
            columns: columns.collect(),
        },
    };
    serde_json::to_string_pretty(&input).map(|json| json + "\n")
}
