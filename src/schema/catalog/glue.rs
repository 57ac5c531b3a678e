//! A table as the Glue catalog takes it: the `TableInput` of `aws glue create-table --table-input`.
//! <https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog-tables.html#aws-glue-api-catalog-tables-TableInput>

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::Store;
use super::hive::{HiveColumn, hive_columns};
use crate::schema::mapping::OutputTable;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TableInput<'a> {
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    pub(crate) table_type: &'a str,
    #[serde(serialize_with = "ordered")]
    pub(crate) parameters: Vec<(&'a str, String)>,
    pub(crate) partition_keys: Vec<GlueColumn<'a>>,
    pub(crate) storage_descriptor: StorageDescriptor<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StorageDescriptor<'a> {
    pub(crate) location: String,
    pub(crate) input_format: &'a str,
    pub(crate) output_format: &'a str,
    pub(crate) serde_info: SerdeInfo<'a>,
    pub(crate) columns: Vec<GlueColumn<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SerdeInfo<'a> {
    pub(crate) serialization_library: &'a str,
    #[serde(serialize_with = "ordered")]
    pub(crate) parameters: Vec<(&'a str, String)>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GlueColumn<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) r#type: Cow<'a, str>,
    /// One sentence; a group of values has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<&'a str>,
}

/// Serializes pairs as an object, in their order.
fn ordered<S: Serializer>(pairs: &[(&str, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

/// Returns the table over the files of a run.
pub(crate) fn table_of<'a>(table: &'a OutputTable, store: &Store) -> TableInput<'a> {
    let classes = store.classes();
    let format = table.plan.format;
    let keys = store.partition_keys().iter().map(|key| GlueColumn {
        name: key.name.into(),
        r#type: key.kind.into(),
        comment: Some(key.doc),
    });
    let columns = hive_columns(table, "")
        .into_iter()
        .map(|HiveColumn { name, kind, doc }| GlueColumn {
            name: name.into(),
            r#type: kind.into(),
            comment: doc,
        });
    let mut parameters = vec![("EXTERNAL", "TRUE".to_owned())];
    parameters.extend(store.properties(format.name));
    let serde_parameters = classes.parameters.iter();
    TableInput {
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
                parameters: serde_parameters
                    .map(|(name, value)| (*name, (*value).to_owned()))
                    .collect(),
            },
            columns: columns.collect(),
        },
    }
}

/// Returns the `TableInput` of the table over the files of a run, as JSON.
///
/// # Errors
/// None in practice: the JSON contains only texts.
pub fn table_input(table: &OutputTable, store: &Store) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&table_of(table, store)).map(|json| json + "\n")
}
