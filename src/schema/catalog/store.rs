//! How a table's files lie in a bucket, in the words that the Glue catalog has for it. Athena's DDL and Glue's JSON say
//! the same from here.

/// The day from which folders are looked for where nobody says another: Elastic Load Balancing has written logs since
/// 2014, and a day that lies too late would hide events.
pub const FIRST_DAY: &str = "2014-01-01";

/// How the Hive JSON `SerDe` reads the timestamps that the JSON encoder writes.
/// <https://docs.aws.amazon.com/athena/latest/ug/hive-json-serde.html>
const JSON_TIMESTAMP: &str = "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'";

/// Where and how a run wrote the files.
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

/// A column that a folder's name stands for.
pub(super) struct PartitionKey {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) doc: &'static str,
}

/// The classes that read and write a format.
pub(super) struct Classes {
    pub(super) input: &'static str,
    pub(super) output: &'static str,
    pub(super) serde: &'static str,
    /// The `SerDe`'s own parameters.
    pub(super) parameters: &'static [(&'static str, &'static str)],
}

const DATE: PartitionKey = PartitionKey {
    name: "date",
    // AWS advises text: a key of the type date is slower to select by.
    kind: "string",
    doc: "Day of the event, UTC, YYYY-MM-DD; from the folder.",
};

const HOUR: PartitionKey = PartitionKey {
    name: "hour",
    kind: "int",
    doc: "Hour of the event, UTC, 0 to 23; from the folder.",
};

impl Default for Store {
    /// Parquet by day, in a bucket that has still to be named.
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
    /// The folder of a table.
    pub(super) fn folder(&self, table: &str) -> String {
        format!("{}{table}/", self.location)
    }

    /// The columns that folders stand for.
    pub(super) const fn partition_keys(&self) -> &'static [PartitionKey] {
        match self.folders {
            Folders::Daily => &[DATE],
            Folders::Hourly => &[DATE, HOUR],
            Folders::Single => &[],
        }
    }

    /// The classes that read the files.
    pub(super) const fn classes(&self) -> Classes {
        match self.format {
            TableFormat::Parquet => Classes {
                input: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                output: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                serde: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
                parameters: &[("serialization.format", "1")],
            },
            // Not OpenX's: its page warns that the rows it finds may change from one query to the next.
            TableFormat::Json => Classes {
                input: "org.apache.hadoop.mapred.TextInputFormat",
                output: "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                serde: "org.apache.hive.hcatalog.data.JsonSerDe",
                parameters: &[("timestamp.formats", JSON_TIMESTAMP)],
            },
        }
    }

    /// The table's properties: what the files are, and the folders that Athena works out instead of asking a catalog.
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
