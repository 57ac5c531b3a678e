use super::{Config, RawConfig, SETTINGS, SettingError};
use crate::encode::{Compression, FileFormat};
use crate::formats::{Extra, Extras};
use crate::ingest::PartitionBy;
use crate::storage::{FirehoseOptions, FirehoseRecords, Location};

fn raw(values: &[(&str, &str)]) -> Result<RawConfig, SettingError> {
    RawConfig::read(|setting| {
        values
            .iter()
            .find(|(name, _)| *name == setting.name)
            .map(|(_, value)| (*value).to_owned())
    })
}

/// Reads settings whose destination, unless they have one, is the directory `out`.
fn read(values: &[(&str, &str)]) -> Result<Config, SettingError> {
    let destination = [("DESTINATION", "out")];
    raw(&[values, &destination].concat())?.resolve()
}

#[test]
fn errors_name_the_setting_its_value_and_the_allowed_values() {
    for setting in SETTINGS
        .iter()
        .filter(|setting| !["DESTINATION", "QUARANTINE", "GEO_DATABASE"].contains(&setting.name))
        .filter(|setting| !OWN_LANGUAGE.contains(&setting.name))
    {
        let error = read(&[(setting.name, "[nonsense")]).unwrap_err().to_string();
        // A key in place of its place must not be shown.
        assert_eq!(error.contains("[nonsense"), setting.name != "REDACT_KEY", "{error}");
        assert!(
            error.contains(setting.name) && error.contains(setting.allowed),
            "{error}"
        );
    }
    assert!(read(&[("DESTINATION", "ftp://host/dir")]).is_err());
    assert!(read(&[("QUARANTINE", "-")]).is_err());
    assert!(read(&[("FORMAT", "json"), ("COMPRESSION", "snappy")]).is_err());
    assert!(read(&[("DESTINATION", "-"), ("FORMAT", "parquet")]).is_err());
}

/// The settings in a language of their own, whose errors point to the fault.
const OWN_LANGUAGE: [&str; 3] = ["FILTER", "SAMPLE", "REDACT"];

#[test]
fn errors_in_a_setting_with_its_own_language_point_to_the_fault() {
    for name in OWN_LANGUAGE {
        let error = read(&[(name, "[nonsense")]).unwrap_err().to_string();
        let pointed = error.starts_with(&format!("{name}: ")) && error.contains("\n  [nonsense\n  ^");
        assert!(pointed, "{error}");
    }
}

/// A valid value of each setting.
const VALID: [(&str, &str); 36] = [
    ("DESTINATION", "out"),
    ("FORMAT", "json"),
    ("COMPRESSION", "gzip"),
    ("PARTITION_BY", "hour"),
    ("SCHEMA", "ecs"),
    ("QUARANTINE", "s3://rejects/x"),
    ("MERGE", "true"),
    ("MERGE_OBJECTS", "100"),
    ("MERGE_BYTES", "2000000"),
    ("MERGE_GRACE", "5m"),
    ("MERGE_WINDOW", "15m"),
    ("MERGE_MAX_WAIT", "1d"),
    ("FIREHOSE_RECORDS", "single"),
    ("FIREHOSE_DYNAMIC_PARTITIONING", "true"),
    ("FIREHOSE_BYTES_PER_SECOND", "200000"),
    ("ON_CORRUPT", "strict"),
    ("ON_MISSING", "skip"),
    ("PARTIAL_BATCH", "true"),
    ("OVERWRITE", "true"),
    ("SOURCE", "s3://logs/lb"),
    ("QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/123456789012/logs"),
    ("REQUESTER_PAYS", "true"),
    ("SOURCE_OWNER", "123456789012"),
    ("DESTINATION_OWNER", "123456789012"),
    ("INCLUDE", "**/a/**"),
    ("EXCLUDE", "**/a/**, *.log"),
    ("FIELDS", "time,elb,request_line"),
    ("ENRICH", "status_class"),
    ("GEO_DATABASE", "s3://data/country.mmdb"),
    ("FILTER", "elb_status_code >= 500"),
    ("SAMPLE", "keep 1/100"),
    ("PANTHER_FIELDS", "true"),
    ("KEEP_RAW", "true"),
    ("REDACT", "client_ip=truncate(16,32),query=keys"),
    ("REDACT_KEY", "secretsmanager:alb-ingest/key"),
    ("QUARANTINE_RAW", "keep"),
];

/// Returns the settings as read, in a form that can be compared.
fn shown(values: &[(&str, &str)]) -> String {
    format!("{:?}", raw(values).unwrap())
}

#[test]
fn a_blank_value_counts_as_not_given() {
    assert_eq!(
        VALID.map(|(name, _)| name),
        SETTINGS.each_ref().map(|setting| setting.name)
    );
    for (name, value) in VALID {
        for blank in ["", " ", "\t", " \n ", "\u{a0}"] {
            assert_eq!(shown(&[(name, blank)]), shown(&[]), "{name} {blank:?}");
        }
        let padded = format!(" {value}\n");
        assert_eq!(shown(&[(name, &padded)]), shown(&[(name, value)]), "{name}");
        assert_ne!(shown(&[(name, value)]), shown(&[]), "{name}");
    }
}

#[test]
fn separators_and_letter_case_are_not_guessed_at() {
    for (name, value) in VALID.into_iter().filter(|(name, _)| !OWN_LANGUAGE.contains(name)) {
        // A list of one, and separators without a value.
        for wrong in [
            format!("{value},"),
            format!(",{value}"),
            ",".to_owned(),
            " , ".to_owned(),
            format!("{value},,{value}"),
        ] {
            let is_folder = name == "DESTINATION" || (name == "QUARANTINE" && !wrong.contains("://"));
            let is_prefix = ["SOURCE", "QUARANTINE"].contains(&name) && wrong.starts_with("s3://");
            // A comma is legal in the name of a folder and in a prefix.
            if !is_folder && !is_prefix {
                let error = read(&[(name, &wrong)]).unwrap_err().to_string();
                assert!(error.starts_with(name), "{error}");
            }
        }
        let upper = value.to_ascii_uppercase();
        let is_text = ["DESTINATION", "INCLUDE", "EXCLUDE"].contains(&name);
        if upper != value && !is_text {
            let error = read(&[(name, &upper)]).unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }
}

#[test]
fn a_path_that_looks_like_a_url_is_not_a_folder() {
    for name in ["DESTINATION", "QUARANTINE"] {
        for wrong in [
            "s3:/logs-out/x",
            "s3//logs-out",
            "firehose:",
            "S3://logs-out",
            "file:out",
            "://x",
        ] {
            let error = raw(&[(name, wrong)]).unwrap_err().to_string();
            assert!(error.starts_with(name) && error.contains(wrong), "{error}");
        }
    }
}

#[test]
fn the_destination_is_required() {
    for values in [
        &[][..],
        &[("DESTINATION", "")],
        &[("DESTINATION", " ")],
        &[("FORMAT", "json")],
    ] {
        let error = raw(values).unwrap().resolve().unwrap_err().to_string();
        assert!(
            error.starts_with("DESTINATION (--to) is not set; allowed: a directory"),
            "{error}"
        );
    }
}

#[test]
fn defaults_follow_the_destination() {
    let defaults = |destination: &str| {
        let config = read(&[("DESTINATION", destination)]).unwrap();
        let text = config.quarantine.to_string();
        (config.ingest.format, config.ingest.compression, text)
    };
    let file = |quarantine: &str| (FileFormat::Parquet, Compression::Zstd, quarantine.to_owned());
    assert_eq!(defaults("out"), file("out/_quarantine"));
    assert_eq!(defaults("s3://logs-out/a"), file("s3://logs-out/a/_quarantine/"));
    assert_eq!(
        defaults("-"),
        (FileFormat::Json, Compression::None, "_quarantine".to_owned())
    );
    assert_eq!(
        read(&[("DESTINATION", "file:///a/b")]).unwrap().destination,
        Location::Directory("/a/b".into())
    );
}

#[test]
fn batches_of_log_records_are_json() {
    const OTEL: (&str, &str) = ("SCHEMA", "otel");
    for destination in ["out", "s3://logs-out/a"] {
        let config = read(&[OTEL, ("DESTINATION", destination)]).unwrap();
        assert_eq!(
            (config.ingest.format, config.ingest.compression),
            (FileFormat::Json, Compression::Zstd)
        );
        let error = read(&[OTEL, ("DESTINATION", destination), ("FORMAT", "parquet")]).unwrap_err();
        assert!(matches!(error, SettingError::Conflict(_)), "{error:?}");
        let error = error.to_string();
        assert!(
            error.contains("SCHEMA is otel, and FORMAT is \"parquet\"") && error.contains("set FORMAT to json"),
            "{error}"
        );
    }
}

#[test]
fn only_events_in_panthers_schema_get_its_fields() {
    const FIELDS: (&str, &str) = ("PANTHER_FIELDS", "true");
    assert!(read(&[FIELDS, ("SCHEMA", "panther")]).unwrap().ingest.panther_fields);
    assert!(!read(&[("SCHEMA", "panther")]).unwrap().ingest.panther_fields);
    for schema in [None, Some(("SCHEMA", "ecs"))] {
        let values: Vec<_> = [FIELDS].into_iter().chain(schema).collect();
        let error = read(&values).unwrap_err().to_string();
        assert!(
            error.starts_with("PANTHER_FIELDS is true") && error.contains("set SCHEMA to panther"),
            "{error}"
        );
    }
}

#[test]
fn the_switches_of_columns_are_part_of_the_layout() {
    let layout = |values: &[(&str, &str)]| read(values).unwrap().layout().unwrap();
    let off = layout(&[("SCHEMA", "panther")]);
    for name in ["KEEP_RAW", "PANTHER_FIELDS"] {
        assert_eq!(off.setting(name).as_deref(), Some(""));
        let on = layout(&[("SCHEMA", "panther"), (name, "true")]);
        assert_eq!(on.setting(name).as_deref(), Some("true"));
        assert_ne!(on.fingerprint(), off.fingerprint());
    }
    // A file that was written without them is the same as before.
    let text = String::from_utf8(off.encode()).unwrap();
    assert!(!text.contains("keep_raw") && !text.contains("panther_fields"), "{text}");
}

#[test]
fn keys_are_selected_by_pattern() {
    let config = read(&[("INCLUDE", "**/us-east-1/**, *.log"), ("EXCLUDE", "**/conn_log*")]).unwrap();
    let keys = config.ingest.keys;
    assert!(keys.selects("AWSLogs/1/elasticloadbalancing/us-east-1/2026/x.log.gz"));
    assert!(keys.selects("x.log"));
    assert!(!keys.selects("AWSLogs/1/elasticloadbalancing/us-east-1/2026/conn_log_x.log.gz"));
    assert!(!keys.selects("AWSLogs/1/elasticloadbalancing/eu-west-1/2026/x.gz"));
}

#[test]
fn outputs_inside_the_source_are_rejected() {
    const SOURCE: (&str, &str) = ("SOURCE", "s3://logs/lb");
    for (destination, quarantine, rejected) in [
        ("s3://logs/lb/out", "s3://rejects", Some("DESTINATION")),
        ("s3://logs/out", "s3://logs/lb/rejects", Some("QUARANTINE")),
        ("s3://logs/out", "s3://rejects", None),
    ] {
        let config = read(&[SOURCE, ("DESTINATION", destination), ("QUARANTINE", quarantine)]);
        match (config, rejected) {
            (Ok(_), None) => {}
            (Err(error), Some(name)) => assert!(error.to_string().starts_with(name), "{error}"),
            (config, _) => panic!("{destination}, {quarantine}: {config:?}"),
        }
    }
}

mod firehose {
    use super::{Compression, FileFormat, FirehoseOptions, FirehoseRecords, Location, PartitionBy, read};

    const STREAM: (&str, &str) = ("DESTINATION", "firehose://alb-logs");
    const QUARANTINE: (&str, &str) = ("QUARANTINE", "s3://rejects/alb");

    #[test]
    fn a_stream_takes_json_lines_and_requires_a_quarantine() {
        let config = read(&[STREAM, QUARANTINE, ("PARTITION_BY", "hour")]).unwrap();
        let stream = "alb-logs".to_owned();
        assert_eq!(config.destination, Location::Firehose { stream });
        assert_eq!(
            (
                config.ingest.format,
                config.ingest.compression,
                config.ingest.partition_by
            ),
            (FileFormat::Json, Compression::None, PartitionBy::None)
        );
        assert_eq!(config.quarantine.to_string(), "s3://rejects/alb/");
        assert_eq!(config.storage.firehose, FirehoseOptions::default());
        for (setting, value, wanted) in [
            ("FORMAT", "parquet", "FORMAT is"),
            ("COMPRESSION", "zstd", "COMPRESSION is set"),
            ("COMPRESSION", "gzip", "COMPRESSION is set"),
            (
                "QUARANTINE",
                "firehose://other",
                "QUARANTINE is \"firehose://other\"; allowed:",
            ),
        ] {
            let error = read(&[STREAM, (setting, value), QUARANTINE]).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
        assert!(read(&[STREAM, QUARANTINE, ("FORMAT", "json"), ("COMPRESSION", "none")]).is_ok());
        let error = read(&[STREAM]).unwrap_err().to_string();
        assert!(error.contains("QUARANTINE is not set"), "{error}");
    }

    #[test]
    fn records_and_the_rate_limit_are_parsed() {
        let config = read(&[
            ("FIREHOSE_RECORDS", "single"),
            ("FIREHOSE_DYNAMIC_PARTITIONING", "true"),
            ("FIREHOSE_BYTES_PER_SECOND", "100000"),
        ]);
        let wanted = FirehoseOptions {
            records: FirehoseRecords::Single,
            dynamic_partitioning: true,
            bytes_per_second: Some(100_000),
        };
        assert_eq!(config.unwrap().storage.firehose, wanted);
        for limit in ["99999", "0", "-1", "1e6", "1MB"] {
            assert!(read(&[("FIREHOSE_BYTES_PER_SECOND", limit)]).is_err(), "{limit}");
        }
    }

    #[test]
    fn stream_names_are_validated() {
        for wrong in ["firehose://", "firehose://a/b", "firehose://a b", "firehose://ä"] {
            assert_eq!(Location::parse(wrong), None, "{wrong}");
        }
        let name = "a".repeat(64);
        assert!(Location::parse(&format!("firehose://{name}")).is_some());
        assert!(Location::parse(&format!("firehose://{name}a")).is_none());
        let stream = Location::parse("firehose://A.b_c-1").unwrap();
        assert_eq!(stream.to_string(), "firehose://A.b_c-1");
    }
}

mod security_lake {
    use super::read;

    const LAKE: (&str, &str) = ("PARTITION_BY", "security-lake");
    const OCSF: (&str, &str) = ("SCHEMA", "ocsf");
    const BUCKET: (&str, &str) = ("DESTINATION", "s3://aws-security-data-lake-eu-west-1-x/ext");
    const QUARANTINE: (&str, &str) = ("QUARANTINE", "s3://rejects");

    #[test]
    fn the_lake_takes_ocsf_in_parquet_and_requires_a_quarantine() {
        assert!(read(&[LAKE, OCSF, BUCKET, QUARANTINE]).is_ok());
        let rejected: [(&[(&str, &str)], &str); 4] = [
            (&[LAKE, BUCKET, QUARANTINE], "SCHEMA is not ocsf"),
            (&[LAKE, OCSF, BUCKET], "QUARANTINE is not set"),
            (
                &[LAKE, OCSF, BUCKET, QUARANTINE, ("FORMAT", "json")],
                "FORMAT is not parquet",
            ),
            (
                &[LAKE, OCSF, QUARANTINE, ("DESTINATION", "firehose://stream")],
                "is a Firehose stream",
            ),
        ];
        for (values, reason) in rejected {
            let error = read(values).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains("PARTITION_BY"), "{error}");
        }
    }
}

#[test]
fn the_columns_on_request_are_listed_and_accepted() {
    let setting = SETTINGS.iter().find(|setting| setting.name == "ENRICH").unwrap();
    let names: Vec<_> = Extras::ENRICHMENT.iter().map(Extra::name).collect();
    assert_eq!(setting.allowed, format!("comma-separated names: {}", names.join(", ")));
    let given = raw(&[("ENRICH", &names.join(" , "))]).unwrap();
    assert_eq!(given.enrich.unwrap().to_string(), names.join(","));
    // They come in a fixed order.
    let given = raw(&[("ENRICH", "bot_kind,status_class,bot_kind")]).unwrap();
    assert_eq!(given.enrich.unwrap().to_string(), "status_class,bot_kind");
}

#[test]
fn databases_are_files_or_objects() {
    let databases = |value: &str| {
        let given = raw(&[("GEO_DATABASE", value)]).ok()?.geo_database?;
        Some(given.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(
        databases("a.mmdb, s3://data/b.mmdb ,/opt/c.mmdb").unwrap(),
        ["a.mmdb", "s3://data/b.mmdb", "/opt/c.mmdb"]
    );
    for wrong in [
        "s3://data",
        "s3://data/",
        "s3://data/geo/",
        "s3:/data/a",
        "-",
        "a,,b",
        "a,",
        "firehose://a",
        "http://a/b",
    ] {
        assert_eq!(databases(wrong), None, "{wrong}");
    }
}
