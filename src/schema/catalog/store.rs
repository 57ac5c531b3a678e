//! The storage of a table's files, with the terms of the Glue catalog. Athena's DDL and Glue's JSON share it.

/// The default first day of the folders. Elastic Load Balancing has written logs since 2014, and a later day would hide
/// events.
pub const FIRST_DAY: &str = "2014-01-01";

/// The format of the timestamps that the JSON encoder writes, for the Hive JSON `SerDe`.
/// <https://docs.aws.amazon.com/athena/latest/ug/hive-json-serde.html>
const JSON_TIMESTAMP: &str = "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'";

/// The location and the layout of a run's files.
#[derive(Debug, Clone)]
pub struct Store {
    /// The destination of the run: `s3://BUCKET/PREFIX/`.
    pub location: String,
    /// The folders of a table.
    pub folders: Folders,
    /// The format of the files.
    pub format: TableFormat,
    /// The first day that has a folder, `YYYY-MM-DD`.
    pub since: String,
}

/// The folders that the files of a table are partitioned into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folders {
    /// One folder per day.
    Daily,
    /// One folder per hour.
    Hourly,
    /// One folder for all files.
    Single,
}

/// The format of the files of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// Parquet.
    Parquet,
    /// JSON lines.
    Json,
}

/// A column whose value is in the name of a folder.
pub(super) struct PartitionKey {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) doc: &'static str,
}

/// The Hive classes that read and write a format.
pub(super) struct Classes {
    pub(super) input: &'static str,
    pub(super) output: &'static str,
    pub(super) serde: &'static str,
    /// The parameters of the `SerDe`.
    pub(super) parameters: &'static [(&'static str, &'static str)],
}

const DATE: PartitionKey = PartitionKey {
    name: "date",
    // AWS recommends text, because conditions on keys of the type date are slower.
    kind: "string",
    doc: "Day of the event, UTC, YYYY-MM-DD; from the folder name.",
};

const HOUR: PartitionKey = PartitionKey {
    name: "hour",
    kind: "int",
    doc: "Hour of the event, UTC, 0 to 23; from the folder name.",
};

impl Default for Store {
    /// Returns Parquet by day, in a placeholder bucket.
    fn default() -> Self {
        Self {
            location: "s3://BUCKET/PREFIX/".to_owned(),
            folders: Folders::Daily,
            format: TableFormat::Parquet,
            since: FIRST_DAY.to_owned(),
        }
    }
}

impl Store {
    /// Returns the folder of a table.
    pub(super) fn folder(&self, table: &str) -> String {
        format!("{}{table}/", self.location)
    }

    /// Returns the columns whose values are in the names of folders.
    pub(super) const fn partition_keys(&self) -> &'static [PartitionKey] {
        match self.folders {
            Folders::Daily => &[DATE],
            Folders::Hourly => &[DATE, HOUR],
            Folders::Single => &[],
        }
    }

    /// Returns the classes that read the files.
    pub(super) const fn classes(&self) -> Classes {
        match self.format {
            TableFormat::Parquet => Classes {
                input: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                output: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                serde: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
                parameters: &[("serialization.format", "1")],
            },
            // Not OpenX's, whose documentation warns that its results may change from one query to the next.
            TableFormat::Json => Classes {
                input: "org.apache.hadoop.mapred.TextInputFormat",
                output: "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                serde: "org.apache.hive.hcatalog.data.JsonSerDe",
                parameters: &[("timestamp.formats", JSON_TIMESTAMP)],
            },
        }
    }

    /// Returns the table's properties: the kind of files, and the partition projection, which replaces a crawler.
    /// <https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html>
    pub(super) fn properties(&self, table: &str) -> Vec<(&'static str, String)> {
        let classification = match self.format {
            TableFormat::Parquet => "parquet",
            TableFormat::Json => "json",
        };
        let mut properties = vec![("classification", classification.to_owned())];
        let mut put = |name, value: &str| properties.push((name, value.to_owned()));
        let mut template = self.folder(table);
        if !self.partition_keys().is_empty() {
            put("projection.enabled", "true");
            put("projection.date.type", "date");
            put("projection.date.range", &format!("{},NOW", self.since));
            put("projection.date.format", "yyyy-MM-dd");
            put("projection.date.interval", "1");
            put("projection.date.interval.unit", "DAYS");
            template.push_str("date=${date}/");
            if self.folders == Folders::Hourly {
                put("projection.hour.type", "integer");
                put("projection.hour.range", "0,23");
                put("projection.hour.digits", "2");
                template.push_str("hour=${hour}/");
            }
            put("storage.location.template", &template);
        }
        properties
    }
}
