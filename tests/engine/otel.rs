//! The schema `otel`: bounded batches of log records, and the values that OpenTelemetry's collector gives to the same lines.

use std::io::Cursor;

use alb_ingest::encode::{FileFormat, MAX_BATCH_BYTES, MAX_BATCH_EVENTS, is_output_of};
use alb_ingest::formats::{ALB_ACCESS, ALB_CONNECTION, CLB_ACCESS, Format, NLB_ACCESS};
use alb_ingest::generate::Object;
use alb_ingest::ingest::{Ingest, Options, Outcome, PartitionBy, Target};
use alb_ingest::object::ObjectFacts;
use alb_ingest::schema::mapping::Schema;
use alb_ingest::storage::{Sink, Staged, StorageError};
use serde_json::{Value, json};

use crate::common::any::bytes_of;
use crate::common::otlp::{batches, records};
use crate::common::{self, Memory, Run, ingest, ingest_chunks, ingest_on_two_threads, rows};
use crate::objects::{access, access_at, key};

fn otel() -> Options {
    Options {
        schema: Schema::Otel,
        ..common::json()
    }
}

/// Returns the lines of a run, with their newlines.
fn lines(run: &Run) -> Vec<Vec<u8>> {
    let events = run.events();
    events
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect()
}

fn uid(record: &Value) -> &str {
    record["attributes.log.record.uid"].as_str().unwrap()
}

/// Returns an access line of another load balancer.
fn access_of(balancer: &str, number: usize) -> String {
    access(number).replace("app/shop/7f3c9a1e5b2d4860", balancer)
}

/// Asserts that lines are bounded, have one resource each, and in all of them the records of an object in its order.
fn check_batches(run: &Run) -> Vec<usize> {
    let (lines, batches) = (lines(run), batches(&run.events()));
    assert_eq!(lines.len(), batches.len());
    let mut ids = Vec::new();
    for (line, batch) in lines.iter().zip(&batches) {
        assert!(batch.len() <= MAX_BATCH_EVENTS);
        assert!(line.len() <= MAX_BATCH_BYTES || batch.len() == 1, "{}", line.len());
        ids.extend(batch.iter().map(|record| uid(record).to_owned()));
    }
    assert!(ids.is_sorted());
    assert_eq!(ids.len() as u64, run.ledger().events);
    batches.iter().map(Vec::len).collect()
}

#[test]
fn lines_are_batches_bounded_by_number_and_bytes() {
    // Connections have short records, so their batches end by number.
    let object = Object::new(&ALB_CONNECTION, 3, 2_000);
    let run = ingest(&object.key(), &bytes_of(&object).0, &otel());
    let sizes = check_batches(&run);
    assert!(sizes.contains(&MAX_BATCH_EVENTS), "{sizes:?}");
    // Requests with long agents end them by bytes.
    let agent = "long ".repeat(2_000);
    let text: String = (0..200)
        .map(|_| access_at("2026-10-07T11:42:13Z", &agent) + "\n")
        .collect();
    let run = ingest(&key(&ALB_ACCESS), text.as_bytes(), &otel());
    let sizes = check_batches(&run);
    assert!(
        sizes.len() > 7 && sizes.iter().all(|size| (2..30).contains(size)),
        "{sizes:?}"
    );
    // Nothing is smaller than it needs to be: the next record would not have fitted.
    let lines = lines(&run);
    let record = lines[0].len() / sizes[0];
    let full = lines
        .iter()
        .filter(|line| line.len() + record > MAX_BATCH_BYTES)
        .count();
    assert!(full >= 5, "{full} of {}", lines.len());
}

#[test]
fn a_record_larger_than_a_batch_is_a_line_of_its_own() {
    // A path is in the URL, too.
    let large = access(2).replace("/items", &format!("/{}", "long".repeat(33_000)));
    let text = [access(1), large, access(3), access(4)].join("\n") + "\n";
    let run = ingest(&key(&ALB_ACCESS), text.as_bytes(), &otel());
    assert_eq!(check_batches(&run), [1, 1, 2]);
    let is_large = |line: &Vec<u8>| line.len() > MAX_BATCH_BYTES;
    assert_eq!(
        lines(&run).iter().map(is_large).collect::<Vec<_>>(),
        [false, true, false]
    );
}

#[test]
fn a_line_has_the_records_of_one_load_balancer() {
    let of = ["app/a/1", "app/a/1", "app/b/2", "-", "-", "app/a/1"];
    let text: String = of
        .iter()
        .enumerate()
        .map(|(number, elb)| access_of(elb, number) + "\n")
        .collect();
    let run = ingest("some/file.log", text.as_bytes(), &otel());
    assert_eq!(check_batches(&run), [2, 1, 2, 1]);
    let found = records(&run.events());
    let found: Vec<_> = found
        .iter()
        .map(|record| record.get("resource.cloud.resource_id"))
        .collect();
    let expected = of.map(|elb| json!(elb));
    let expected: Vec<_> = expected.iter().map(|elb| (*elb != "-").then_some(elb)).collect();
    assert_eq!(found, expected);
}

#[test]
fn batches_do_not_depend_on_chunks_and_threads() {
    let object = Object::new(&ALB_ACCESS, 5, 3_000);
    let bytes = bytes_of(&object).0;
    let reference = common::object(&object.key());
    let options = Options {
        partition_by: PartitionBy::Hour,
        ..otel()
    };
    let whole = ingest_chunks(reference.clone(), &bytes, &[], &options);
    check_batches(&whole);
    let chunks = [1, 700, 11, 90_000, 3];
    assert!(ingest_chunks(reference.clone(), &bytes, &chunks, &options).files == whole.files);
    assert!(ingest_on_two_threads(reference, &bytes, &chunks, &options).files == whole.files);
}

#[test]
fn a_file_has_only_the_records_of_its_partition() {
    let times = ["2026-10-07T10:59:59Z", "2026-10-07T11:00:00Z", "2026-10-07T10:00:00Z"];
    let text: String = times.iter().map(|time| access_at(time, "curl") + "\n").collect();
    let options = Options {
        partition_by: PartitionBy::Hour,
        ..otel()
    };
    let run = ingest(&key(&ALB_ACCESS), text.as_bytes(), &options);
    let files: Vec<_> = run.files.values().map(|file| records(file)).collect();
    let hours: Vec<Vec<_>> = files
        .iter()
        .map(|records| {
            records
                .iter()
                .map(|record| record["timeUnixNano"].as_str().unwrap().get(11..13).unwrap())
                .collect()
        })
        .collect();
    assert_eq!(hours, [vec!["10", "10"], vec!["11"]]);
}

/// Times that 64 bits of nanoseconds cannot express, and trace ids of zeros, are in attributes only.
#[test]
fn values_that_a_record_cannot_have_are_attributes() {
    for (time, is_unix) in [
        ("1969-12-31T23:59:59.999999Z", false),
        ("1970-01-01T00:00:00.000000Z", false),
        ("1970-01-01T00:00:00.000001Z", true),
        ("2554-07-21T23:34:33.709551Z", true),
        ("2554-07-21T23:34:33.709552Z", false),
    ] {
        let run = ingest("some/file.log", (access_at(time, "curl") + "\n").as_bytes(), &otel());
        let record = &records(&run.events())[0];
        let (own, attribute) = (record.get("timeUnixNano"), record.get("attributes.aws.elb.timestamp"));
        let expected = json!(time);
        assert_eq!(
            (own, attribute),
            if is_unix {
                (Some(&expected), None)
            } else {
                (None, Some(&expected))
            }
        );
    }
    let zeros = access(1).replace("Root=1", "Root=1-00000000-000000000000000000000000");
    let run = ingest(&key(&ALB_ACCESS), (zeros + "\n").as_bytes(), &otel());
    let record = &records(&run.events())[0];
    assert_eq!(record.get("traceId"), None);
    assert_eq!(
        record["attributes.aws.elb.aws_trace_id"],
        "Root=1-00000000-000000000000000000000000"
    );
}

#[test]
fn a_file_is_recognized_as_the_output_of_its_object() {
    let run = ingest(&key(&ALB_ACCESS), (access(1) + "\n").as_bytes(), &otel());
    let (name, file) = run.files.first_key_value().unwrap();
    for (object, is_output) in [(key(&ALB_ACCESS), true), (key(&CLB_ACCESS), false)] {
        let facts = ObjectFacts::new(common::object(&object));
        assert_eq!(is_output_of(&facts, name, Cursor::new(file)).unwrap(), is_output);
    }
}

#[test]
fn parquet_of_batches_is_an_error() {
    let options = Options {
        format: FileFormat::Parquet,
        ..otel()
    };
    let error = ingest(&key(&ALB_ACCESS), (access(1) + "\n").as_bytes(), &options).error();
    assert!(error.contains("the schema otel has no Parquet form"), "{error}");
}

/// A destination with a limit for the length of a line.
struct Limited(Memory, usize);

impl Sink for Limited {
    fn stage(&self, key: &str, source: &alb_ingest::object::ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        self.0.stage(key, source)
    }

    fn event_limit(&self) -> Option<usize> {
        Some(self.1)
    }
}

/// The length of a record includes what precedes and follows it on its line.
#[test]
fn a_record_is_too_large_if_its_line_is() {
    let text = access_at("2026-10-07T11:42:13Z", &"large ".repeat(4_000)) + "\n";
    let of = |limit: usize| {
        let sink = Limited(Memory::default(), limit);
        let quarantine = sink.0.below("_quarantine/");
        let options = otel();
        let target = Target {
            options: &options,
            events: &sink,
            quarantine: &quarantine,
        };
        let mut ingest = Ingest::begin(common::object(&key(&ALB_ACCESS)), target).ok().unwrap();
        ingest.push(text.as_bytes()).unwrap();
        let ledger = match ingest.finish().unwrap() {
            Outcome::Ingested(ledger) => ledger,
            Outcome::Skipped(skip, _) => panic!("{skip:?}"),
        };
        (ledger.events, ledger.quarantined, sink.0.files())
    };
    let (events, quarantined, files) = of(usize::MAX);
    assert_eq!((events, quarantined), (1, 0));
    let line = files.values().next().unwrap().len();
    let (events, quarantined, _) = of(line);
    assert_eq!((events, quarantined), (1, 0));
    let (events, quarantined, files) = of(line - 1);
    assert_eq!((events, quarantined), (0, 1));
    assert_eq!(rows(files.values().next().unwrap())[0]["reason"], "event_too_large");
}

const TARGET_GROUP: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/73e2d6bc24d8a067";
const CERTIFICATE: &str = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012";

/// Asserts that the record of a line has these values. Names without a group are attributes.
fn assert_values(format: &'static Format, line: &str, expected: &[(&str, Value)]) {
    let run = ingest(&key(format), (line.to_owned() + "\n").as_bytes(), &otel());
    let record = &records(&run.events())[0];
    for (name, value) in expected {
        let is_grouped = ["resource.", "scope.", "timeUnixNano", "traceId"]
            .iter()
            .any(|group| name.starts_with(group));
        let path = if is_grouped {
            (*name).to_owned()
        } else {
            format!("attributes.{name}")
        };
        let found = record.get(&path).unwrap_or(&Value::Null);
        assert_eq!(found, value, "{path}");
    }
}

/// The values that the collector's `awslogsencodingextension` gives to a request to an Application Load Balancer.
#[test]
fn a_request_has_the_values_of_the_collector() {
    let line = format!(
        "https 2018-07-02T22:23:00.186641Z app/shop/50dc6c495c0c9188 192.0.2.39:2817 198.51.100.1:80 0.086 0.048 0.037 200 201 \
         0 57 \"GET https://www.example.com:443/ HTTP/1.1\" \"curl/7.46.0\" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 {TARGET_GROUP} \
         \"Root=1-58337281-1d84f3d73c47ec4e58577259\" \"www.example.com\" \"{CERTIFICATE}\" 1 2018-07-02T22:22:48.364000Z \
         \"authenticate,forward\" \"https://www.example.com/new\" \"AuthInvalidCookie\" \"198.51.100.1:80\" \"201\" \"Ambiguous\" \
         \"UndefinedContentLengthSemantics\" TID_1234abcd5678ef90 \"new.example.com\" \"https://new.example.com/index.html\" \
         \"TransformSuccess\" 203.0.113.10"
    );
    let expected = [
        ("resource.cloud.provider", json!("aws")),
        ("resource.cloud.resource_id", json!("app/shop/50dc6c495c0c9188")),
        ("scope.encoding.format", json!("aws.elbaccess")),
        ("timeUnixNano", json!("2018-07-02T22:23:00.186641Z")),
        ("network.protocol.name", json!("https")),
        ("network.protocol.version", json!("1.1")),
        ("client.address", json!("192.0.2.39")),
        ("client.port", json!(2817)),
        ("http.request.method", json!("GET")),
        ("url.full", json!("https://www.example.com:443/")),
        ("http.request.size", json!(0)),
        ("http.response.size", json!(57)),
        ("aws.elb.status.code", json!(200)),
        ("aws.elb.backend.status.code", json!(201)),
        ("tls.protocol.version", json!("tlsv1.2")),
        ("tls.cipher", json!("ECDHE-RSA-AES128-GCM-SHA256")),
        ("user_agent.original", json!("curl/7.46.0")),
        ("url.domain", json!("www.example.com")),
        ("destination.address", json!("198.51.100.1")),
        ("destination.port", json!(80)),
        ("aws.elb.request_processing_time", json!(0.086)),
        ("aws.elb.target_processing_time", json!(0.048)),
        ("aws.elb.response_processing_time", json!(0.037)),
        (
            "aws.elb.aws_trace_id",
            json!("Root=1-58337281-1d84f3d73c47ec4e58577259"),
        ),
        ("aws.elb.target_group_arn", json!(TARGET_GROUP)),
        ("aws.elb.chosen_cert_arn", json!(CERTIFICATE)),
        ("aws.elb.actions_executed", json!(["authenticate", "forward"])),
        ("aws.elb.redirect_url", json!("https://www.example.com/new")),
        ("aws.elb.error_reason", json!("AuthInvalidCookie")),
        ("aws.elb.classification", json!("Ambiguous")),
        (
            "aws.elb.classification_reason",
            json!("UndefinedContentLengthSemantics"),
        ),
        ("aws.elb.connection_trace_id", json!("TID_1234abcd5678ef90")),
        ("aws.elb.transformed_host", json!("new.example.com")),
        ("aws.elb.transformed_uri", json!("https://new.example.com/index.html")),
        ("aws.elb.request_transform_status", json!("TransformSuccess")),
        // The collector does not have these.
        ("traceId", json!("583372811d84f3d73c47ec4e58577259")),
        ("http.response.status_code", json!(200)),
        ("server.address", json!("www.example.com")),
        ("network.local.address", json!("203.0.113.10")),
        ("aws.elb.target_port_list", json!(["198.51.100.1:80"])),
    ];
    assert_values(&ALB_ACCESS, &line, &expected);
}

#[test]
fn a_connection_has_the_values_of_the_collector() {
    let line = format!(
        "tls 2.0 2020-04-01T08:51:42 net/edge/c6e77e28c25b2234 g3d4b5e8bb8464cd 192.0.2.154:51341 198.51.100.185:443 5 2 98 246 \
         certificate_unknown {CERTIFICATE} - ECDHE-RSA-AES128-SHA tlsv12 x25519 www.example.com h2 h2 \"h2\",\"http/1.1\" \
         2020-04-01T08:51:20"
    );
    let expected = [
        ("resource.cloud.resource_id", json!("net/edge/c6e77e28c25b2234")),
        ("scope.encoding.format", json!("aws.elbaccess")),
        ("timeUnixNano", json!("2020-04-01T08:51:42.000000Z")),
        ("network.protocol.name", json!("tls")),
        ("network.protocol.version", json!("2.0")),
        ("client.address", json!("192.0.2.154")),
        ("client.port", json!(51341)),
        ("destination.address", json!("198.51.100.185")),
        ("destination.port", json!(443)),
        ("http.request.size", json!(98)),
        ("http.response.size", json!(246)),
        ("aws.elb.tls.listener.resource_id", json!("g3d4b5e8bb8464cd")),
        ("aws.elb.connection_time", json!(5)),
        ("aws.elb.tls_handshake_time", json!(2)),
        ("aws.elb.incoming_tls_alert", json!("certificate_unknown")),
        ("aws.elb.chosen_cert_arn", json!(CERTIFICATE)),
        ("aws.elb.chosen_cert_serial", Value::Null),
        ("tls.cipher", json!("ECDHE-RSA-AES128-SHA")),
        ("tls.protocol.version", json!("tlsv12")),
        ("aws.elb.tls_named_group", json!("x25519")),
        ("url.domain", json!("www.example.com")),
        ("aws.elb.alpn_fe_protocol", json!("h2")),
        ("aws.elb.alpn_be_protocol", json!("h2")),
        // The collector has the same instant as logged, and the list as one text.
        (
            "aws.elb.tls_connection_creation_time",
            json!("2020-04-01T08:51:20.000000Z"),
        ),
        ("aws.elb.alpn_client_preference_list", json!(["h2", "http/1.1"])),
    ];
    assert_values(&NLB_ACCESS, &line, &expected);
}

#[test]
fn a_classic_request_has_the_values_of_the_collector() {
    let line = "2015-05-13T23:39:43.945958Z classic 192.0.2.39:2817 198.51.100.1:80 0.000086 0.001048 0.001337 200 201 0 57 \
                \"GET https://www.example.com:443/ HTTP/1.1\" \"curl/7.38.0\" DHE-RSA-AES128-SHA TLSv1.2";
    let expected = [
        ("resource.cloud.resource_id", json!("classic")),
        ("scope.encoding.format", json!("aws.elbaccess")),
        ("timeUnixNano", json!("2015-05-13T23:39:43.945958Z")),
        ("client.address", json!("192.0.2.39")),
        ("client.port", json!(2817)),
        ("http.request.method", json!("GET")),
        ("url.full", json!("https://www.example.com:443/")),
        ("network.protocol.name", json!("http")),
        ("network.protocol.version", json!("1.1")),
        ("http.request.size", json!(0)),
        ("http.response.size", json!(57)),
        ("tls.protocol.version", json!("tlsv1.2")),
        ("tls.cipher", json!("DHE-RSA-AES128-SHA")),
        ("aws.elb.status.code", json!(200)),
        ("aws.elb.backend.status.code", json!(201)),
        ("user_agent.original", json!("curl/7.38.0")),
        ("destination.address", json!("198.51.100.1")),
        ("destination.port", json!(80)),
    ];
    assert_values(&CLB_ACCESS, line, &expected);
}
