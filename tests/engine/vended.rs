//! Vended logs: the same events as those of the legacy lines, and hostile lines.

use alb_ingest::formats::{ALB_ACCESS, ALB_CONNECTION, ALB_HEALTH_CHECK, Extras, FORMATS, FieldOrder, Format, Quoting};
use alb_ingest::generate::{Object, Rate};
use alb_ingest::ingest::Options;
use alb_ingest::transform::Transform;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};

use crate::common::any::text_of;
use crate::common::{Run, gzip, ingest, json, rows};
use crate::objects::key;

/// A key as vended logs have it by default.
pub(crate) const KEY: &str = "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/07/a.json.gz";

/// A line: each name with its value, as text.
pub(crate) type Line = Vec<(String, String)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writing {
    JsonTexts,
    JsonTyped,
    W3c(char),
    Plain(char),
}

pub(crate) const WRITINGS: [Writing; 8] = [
    Writing::JsonTexts,
    Writing::JsonTyped,
    Writing::W3c('\t'),
    Writing::W3c(' '),
    Writing::W3c(','),
    Writing::Plain('\t'),
    Writing::Plain(' '),
    Writing::Plain(','),
];

/// Splits a generated line, whose texts have no quotes.
pub(crate) fn line_of(format: &Format, line: &str) -> Line {
    let mut rest = line;
    let mut values = Vec::new();
    for (field, name) in format.fields.iter().zip(format.vended_names()) {
        let in_quotes = rest.starts_with('"') && field.quoting != Quoting::QuotedParts;
        let (value, after) = if in_quotes {
            rest.strip_prefix('"').unwrap().split_once('"').unwrap()
        } else {
            rest.split_at(rest.find(' ').unwrap_or(rest.len()))
        };
        values.push((name.to_owned(), value.to_owned()));
        match after.strip_prefix(' ') {
            Some(next) => rest = next,
            None => break,
        }
    }
    values
}

fn is_number(value: &str) -> bool {
    serde_json::from_str::<serde_json::Number>(value).is_ok()
}

fn json_line(line: &Line, typed: bool) -> String {
    let pairs = line.iter().map(|(name, value)| {
        let value = match value.as_str() {
            "-" if typed => "null".to_owned(),
            number if typed && is_number(number) => number.to_owned(),
            text => Value::from(text).to_string(),
        };
        format!("{}:{value}", Value::from(name.as_str()))
    });
    format!("{{{}}}\n", pairs.collect::<Vec<_>>().join(","))
}

/// Writes lines that have the same names.
pub(crate) fn written(format: &Format, lines: &[Line], writing: Writing) -> String {
    let (delimiter, names_start) = match writing {
        Writing::JsonTexts => return lines.iter().map(|line| json_line(line, false)).collect(),
        Writing::JsonTyped => return lines.iter().map(|line| json_line(line, true)).collect(),
        Writing::W3c(delimiter) => (delimiter, "#Version: 1.0\n#Fields: "),
        Writing::Plain(delimiter) => (delimiter, ""),
    };
    let names: Vec<_> = lines[0].iter().map(|(name, _)| name.as_str()).collect();
    let between = if names_start.is_empty() { delimiter } else { ' ' };
    let mut text = format!("{names_start}{}\n", names.join(&between.to_string()));
    for line in lines {
        let values = line.iter().map(|(name, value)| {
            let field = &format.fields[format.vended_field(name.as_bytes()).unwrap()];
            let quoted = matches!(field.quoting, Quoting::Quoted | Quoting::QuotedOrBare);
            if delimiter == ' ' && quoted {
                format!("\"{value}\"")
            } else {
                value.clone()
            }
        });
        text += &values.collect::<Vec<_>>().join(&delimiter.to_string());
        text.push('\n');
    }
    text
}

/// Returns the events without what differs between two objects.
pub(crate) fn events(run: &Run) -> Vec<Map<String, Value>> {
    let mut rows: Vec<_> = rows(&run.events());
    rows.sort_by_key(|row| row["source_line"].as_u64());
    rows.into_iter()
        .map(|row| {
            let mut row = row.as_object().unwrap().clone();
            row.retain(|name, _| name != "event_id" && !name.starts_with("source_"));
            row
        })
        .collect()
}

pub(crate) fn balance(run: &Run) -> (u64, u64, u64, u64) {
    let ledger = run.ledger();
    assert_eq!(ledger.lines, ledger.events + ledger.quarantined + ledger.skipped_lines);
    (ledger.lines, ledger.events, ledger.quarantined, ledger.skipped_lines)
}

pub(crate) fn reasons(run: &Run) -> Vec<String> {
    let mut rows = rows(&run.quarantine());
    rows.sort_by_key(|row| row["line"].as_u64());
    rows.iter()
        .map(|row| row["reason"].as_str().unwrap().to_owned())
        .collect()
}

fn with_columns_on_request() -> Options {
    let extras =
        Extras::enrichment("status_class,total_time,tls_version,request_query,user_agent_family,bot_name").unwrap();
    Options {
        transform: Transform {
            extras,
            ..Transform::default()
        },
        ..json()
    }
}

pub(crate) fn vended_formats() -> Vec<&'static Format> {
    FORMATS.into_iter().filter(|format| format.vended.is_some()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(120) })]

    /// An event is the same in each form, in any order of the fields, and if the last ones are missing.
    #[test]
    fn an_event_is_that_of_the_legacy_line(
        format in select(vended_formats()),
        seed in any::<u64>(),
        short in any::<prop::sample::Index>(),
        hostile in 0_u32..1_000_000,
        writing in select(&WRITINGS[..]),
        order in any::<u64>(),
    ) {
        let mut object = Object::new(format, seed, 60);
        object.traffic.hostile = Rate::per_million(hostile);
        object.traffic.fields = Some(format.lengths[short.index(format.lengths.len())]);
        let delimiter = match writing {
            Writing::W3c(delimiter) | Writing::Plain(delimiter) if delimiter != ' ' => Some(delimiter),
            _ => None,
        };
        let text = text_of(&object);
        let mut legacy = String::new();
        let mut lines = Vec::new();
        for line in text.split(|byte| *byte == b'\n').filter_map(|line| str::from_utf8(line).ok()) {
            let values = line_of(format, line);
            let plain = line.matches('"').count() % 2 == 0 && !line.contains(['\r', '\t']) && !line.is_empty();
            if plain && values.iter().all(|(_, value)| !delimiter.is_some_and(|delimiter| value.contains(delimiter))) {
                legacy += line;
                legacy.push('\n');
                lines.push(values);
            }
        }
        prop_assume!(!lines.is_empty());
        let expected = ingest("AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/07/a.log", legacy.as_bytes(), &with_columns_on_request());
        prop_assume!(expected.result.is_ok() && expected.ledger().quarantined == 0);
        prop_assume!(expected.ledger().repairs.iter().all(|(_, count)| count == 0));
        let count = lines[0].len();
        for line in &mut lines {
            line.rotate_left(usize::try_from(order % count as u64).unwrap());
        }
        let vended = written(format, &lines, writing);
        let run = ingest(KEY, &gzip(vended.as_bytes()), &with_columns_on_request());
        let headers = vended.lines().count() - lines.len();
        let all = lines.len() as u64;
        prop_assert_eq!(balance(&run), (all + headers as u64, all, 0, headers as u64), "{:?} {:?}", writing, vended.lines().next());
        prop_assert_eq!(events(&run), events(&expected), "{:?}", writing);
    }
}

/// A line of an access log as JSON, with further text in the object.
pub(crate) fn access(more: &str) -> String {
    format!(
        r#"{{"type":"https","time":"2026-10-07T07:15:00.123456Z","elb":"app/web/50dc6c495c0c9188","client_port":"192.0.2.10:52044","elb_status_code":200,"request_line":"GET https://www.example.com:443/ HTTP/2.0"{more}}}"#
    )
}

#[test]
fn hostile_json_is_an_event_quarantined_or_skipped_and_never_wrong() {
    let digits = "9".repeat(400);
    for (line, reason) in [
        (access(r#","elb_status_code":201"#), "duplicate_field"),
        (access(r#","request":"GET / HTTP/1.1""#), "duplicate_field"),
        (access(r#","new":1,"new":2"#), "duplicate_field"),
        (access(r#","\u0074ype":"http""#), "duplicate_field"),
        (access("").split_at(80).0.to_owned(), "not_json"),
        (access("") + &access(""), "trailing_bytes"),
        (access("") + " x", "trailing_bytes"),
        (access(r#","received_bytes":{"a":1}"#), "not_a_scalar"),
        (access(r#","new":[1]"#), "not_a_scalar"),
        (access(r#","sent_bytes":true"#), "not_a_scalar"),
        (
            access(&format!(r#","new":{}1{}"#, "[".repeat(5_000), "]".repeat(5_000))),
            "not_a_scalar",
        ),
        ("[".repeat(10_000), "not_json"),
        (format!("[{}]", access("")), "not_json"),
        ("\u{feff}".to_owned() + &access(""), "not_json"),
        ("{}".to_owned(), "other_log_type"),
        (
            r#"{"time":"2026-10-07T07:15:00Z","type":"http","target_addr":"192.0.2.1:80"}"#.to_owned(),
            "other_log_type",
        ),
        (
            r#"{"event_id":"1","timestamp":"2026-10-07T07:15:00Z","elb_status_code":200}"#.to_owned(),
            "other_log_type",
        ),
        (access(&format!(r#","received_bytes":{digits}"#)), "out_of_range"),
        (
            access(&format!(r#","request_processing_time":{digits}"#)),
            "out_of_range",
        ),
        (access(r#","received_bytes":1e3"#), "not_an_integer"),
        (access(r#","received_bytes":200.0"#), "not_an_integer"),
        (access(r#","received_bytes":"""#), "not_an_integer"),
        (access(r#","received_bytes":-5"#), "not_an_integer"),
        (access(r#","target_port":"443""#), "not_an_address"),
        (
            access("").replace("2026-10-07T07:15:00.123456Z", "2026-13-07T07:15:00Z"),
            "not_a_time",
        ),
        (access("").replace(r#""type":"https","#, ""), "missing_value"),
        (
            access("").replace(r#""time":"2026-10-07T07:15:00.123456Z","#, ""),
            "missing_value",
        ),
        (access(r#","user_agent":"a\qb""#), "not_json"),
        (access(",\"user_agent\":\"a\u{1}b\""), "not_json"),
    ] {
        let text = [&access(""), "\r\n", &line, "\n\n", &access("")].concat();
        let run = ingest(KEY, text.as_bytes(), &json());
        assert_eq!(balance(&run), (4, 2, 1, 1), "{line}");
        assert_eq!(reasons(&run), [reason], "{line}");
        let row = &rows(&run.quarantine())[0];
        assert_eq!(row["raw"].as_str().unwrap(), line);
        assert_eq!(row["byte_offset"].as_u64().unwrap(), access("").len() as u64 + 2);
    }
    // Not UTF-8.
    let line = [
        access("").as_bytes(),
        b"\n",
        &access(r#","user_agent":"~""#).replace('~', "\u{7f}").into_bytes(),
    ]
    .concat();
    let line: Vec<u8> = line
        .into_iter()
        .map(|byte| if byte == 0x7f { 0xe9 } else { byte })
        .collect();
    let run = ingest(KEY, &line, &json());
    assert_eq!(
        (balance(&run), reasons(&run)),
        ((2, 1, 1, 0), vec!["not_json".to_owned()])
    );
}

#[test]
fn values_of_json_lines_are_what_their_digits_and_escapes_say() {
    for (more, column, value) in [
        (
            r#","received_bytes":9007199254740993"#,
            "received_bytes",
            "9007199254740993",
        ),
        (
            r#","target_processing_time":0.019584011"#,
            "target_processing_time",
            "0.019584011",
        ),
        (r#","target_processing_time":-1"#, "target_processing_time", "null"),
        (r#","matched_rule_priority":10"#, "matched_rule_priority", r#""10""#),
        (r#","user_agent":"""#, "user_agent", r#""""#),
        (r#","user_agent":"-""#, "user_agent", "null"),
        (r#","user_agent":null"#, "user_agent", "null"),
        (r#","user_agent":"a \ud800 b""#, "user_agent", "\"a \u{fffd} b\""),
        (
            r#","user_agent":"\ud83d\ude00é \"x\" \\x22""#,
            "user_agent",
            "\"\u{1f600}é \\\"x\\\" \\\"\"",
        ),
        (
            r#","new":"a b","newer":7,"third":null,"fourth":false"#,
            "extra_fields",
            r#"["new=a b","newer=7","third=-","fourth=false"]"#,
        ),
        (r#","client:port":null"#, "extra_fields", "null"),
    ] {
        let line = access(more).replace(
            r#""client_port":"192.0.2.10:52044","#,
            if more.contains("client:port") {
                ""
            } else {
                r#""client_port":"192.0.2.10:52044","#
            },
        );
        let run = ingest(KEY, [line.as_bytes(), b"\n"].concat().as_slice(), &json());
        assert_eq!(balance(&run), (1, 1, 0, 0), "{line}");
        let row = &rows(&run.events())[0];
        let found = row.get(column).map_or("null".to_owned(), Value::to_string);
        assert_eq!(found, value, "{line}");
        assert_eq!(
            (row["account_id"].as_str(), row["region"].as_str()),
            (Some("123456789012"), Some("us-east-1"))
        );
        let surrogates = run
            .ledger()
            .repairs
            .iter()
            .find(|(repair, _)| repair.name() == "lone_surrogate");
        assert_eq!(surrogates.unwrap().1, u64::from(line.contains(r"\ud800 ")));
    }
}

#[test]
fn long_lines_and_cut_first_lines_do_not_hide_the_others() {
    for len in [900_000, 1_200_000] {
        let long = access(&format!(r#","user_agent":"{}""#, "x".repeat(len)));
        let text = [&access(""), "\n", &long, "\n", &access(""), "\n"].concat();
        let run = ingest(KEY, &gzip(text.as_bytes()), &json());
        let expected = if len < 1_000_000 { (3, 3, 0, 0) } else { (3, 2, 1, 0) };
        assert_eq!(balance(&run), expected);
    }
    for first in ["\u{feff}", "\u{feff}\r\n\n"] {
        let run = ingest(KEY, (first.to_owned() + &access("") + "\r\n").as_bytes(), &json());
        assert_eq!((run.ledger().events, run.ledger().quarantined), (1, 0));
    }
    let cut = [access("").split_at(30).1, "\n", &access(""), "\n"].concat();
    let run = ingest(KEY, cut.as_bytes(), &json());
    assert_eq!(
        (balance(&run), reasons(&run)),
        ((2, 1, 1, 0), vec!["not_json".to_owned()])
    );
    // Other JSON is not a log, whatever the key says.
    for other in [
        "{\"secret\":\"token\"}\n",
        "{\"time\":\"2026-10-07T07:15:00Z\",\"status\":200,\"latency\":1}\n",
    ] {
        assert!(
            ingest(KEY, other.as_bytes(), &json())
                .error()
                .contains("fit no log type")
        );
        assert!(
            ingest("a", &gzip(other.as_bytes()), &json())
                .error()
                .contains("fit no log type")
        );
    }
}

#[test]
fn headers_are_state_and_are_skipped() {
    let values = "http\t2026-10-07T07:15:00.123456Z\tapp/web/1\t192.0.2.1:80\t-\tPASS";
    let permuted = "app/web/1\t-\thttp\t2026-10-07T07:15:00.123456Z\tPASS\t192.0.2.1:80\tx y";
    let header = "type\ttime\telb\ttarget_addr\treason_code\tstatus";
    let other = "elb\treason_code\ttype\ttime\tstatus\ttarget_addr\tnew_field";
    let w3c = format!(
        "#Version: 1.0\n#Fields: {}\n{values}\n#Version: 1.0\n#Date: 2026-10-07\n#Fields: {other}\n{permuted}\n",
        header.replace('\t', " ")
    );
    let plain = format!("{header}\n{values}\n\n{other}\n{permuted}\n");
    for (text, counts) in [(w3c, (7, 2, 0, 5)), (plain, (5, 2, 0, 3))] {
        let cut = text.len() / 2;
        let members = [gzip(&text.as_bytes()[..cut]), gzip(&text.as_bytes()[cut..])].concat();
        let run = ingest(KEY, &members, &json());
        assert_eq!(balance(&run), counts);
        let rows = rows(&run.events());
        for row in &rows {
            assert_eq!(
                (row["elb"].as_str(), row["status"].as_str()),
                (Some("app/web/1"), Some("PASS"))
            );
            assert_eq!(row["target_ip"], "192.0.2.1");
        }
        assert_eq!(rows[1]["extra_fields"], serde_json::json!(["new_field=x y"]));
        assert_eq!(run.ledger().table, Some(ALB_HEALTH_CHECK.name));
    }
}

#[test]
fn delimited_lines_that_are_not_certain_are_quarantined() {
    let header = "#Version: 1.0\n#Fields: time client_ip leaf_client_cert_subject tls_verify_status\n";
    let event = "2026-10-07T07:15:00Z,192.0.2.1,CN=a,Success\n";
    for (lines, reason) in [
        (
            "2026-10-07T07:15:00Z,192.0.2.1,CN=a,O=b,Success\n",
            "ambiguous_delimiter",
        ),
        ("2026-10-07T07:15:00Z,192.0.2.1,CN=a\n", "ambiguous_delimiter"),
        ("#Unknown directive\n", "ambiguous_delimiter"),
        ("#Fields: time time tls_verify_status\n", "duplicate_field"),
        ("#Fields: time type target_addr\n", "other_log_type"),
        ("-,192.0.2.1,CN=a,Success\n", "missing_value"),
        ("7,192.0.2.1,CN=a,Success\n", "not_a_time"),
    ] {
        let run = ingest(KEY, [header, event, event, lines].concat().as_bytes(), &json());
        assert_eq!(
            (balance(&run), reasons(&run)),
            ((5, 2, 1, 2), vec![reason.to_owned()]),
            "{lines}"
        );
        assert_eq!(run.ledger().table, Some(ALB_CONNECTION.name));
    }
    // After a header that cannot be used, no line is read by the one before it.
    let text = [header, event, "#Fields: time type target_addr\n", event].concat();
    let run = ingest(KEY, text.as_bytes(), &json());
    assert_eq!(
        (balance(&run), reasons(&run)),
        ((5, 1, 2, 2), vec!["other_log_type".to_owned(); 2])
    );
    // Between spaces, a quote within a value may be its end.
    let header = "#Fields: time elb_status_code user_agent request_line\n";
    let event = "2026-10-07T07:15:00Z 200 \"curl\" \"GET / HTTP/1.1\"\n";
    let typed = |text: &str| text.replace("#Fields: ", "#Fields: type ").replace("2026", "http 2026");
    for (lines, reason) in [
        (
            "2026-10-07T07:15:00Z 200 \"cu\"rl\" \"GET / HTTP/1.1\"\n",
            "stray_quote",
        ),
        (
            "2026-10-07T07:15:00Z 200 \"curl\" \"GET / HTTP/1.1\n",
            "unterminated_quote",
        ),
        ("2026-10-07T07:15:00Z  200 \"curl\" \"GET / HTTP/1.1\"\n", "empty_field"),
        (
            "2026-10-07T07:15:00Z 200 curl 8 \"GET / HTTP/1.1\"\n",
            "ambiguous_delimiter",
        ),
    ] {
        let run = ingest(KEY, typed(&[header, event, lines].concat()).as_bytes(), &json());
        assert_eq!(
            (balance(&run), reasons(&run)),
            ((3, 1, 1, 1), vec![reason.to_owned()]),
            "{lines}"
        );
        assert_eq!(run.ledger().table, Some(ALB_ACCESS.name));
    }
}

/// Lines of health checks between tabs or commas, without a header.
fn bare(delimiter: char) -> String {
    let line = "http 2026-10-07T12:44:59.875678Z 0.019584011 192.0.2.97:80 targets PASS 200 - app/web/1 192.0.2.1\n";
    line.replace(' ', &delimiter.to_string()).repeat(30)
}

#[test]
fn lines_without_names_are_read_only_if_their_order_is_certain() {
    for delimiter in ['\t', ','] {
        let text = bare(delimiter);
        let run = ingest(KEY, text.as_bytes(), &json());
        assert_eq!(balance(&run), (30, 30, 0, 0));
        assert_eq!(rows(&run.events())[0]["reason_code"], Value::Null);
        let legacy = ingest(KEY, bare(' ').as_bytes(), &json());
        assert_eq!(events(&run), events(&legacy));
        // A later line may be malformed, the first ones may not.
        let last = text.replacen("http", "x", 0) + &format!("http{delimiter}2026-10-07T12:44:59Z\n");
        let run = ingest(KEY, last.as_bytes(), &json());
        assert_eq!(
            (balance(&run), reasons(&run)),
            ((31, 30, 1, 0), vec!["ambiguous_delimiter".to_owned()])
        );
        let first = format!("http{delimiter}2026-10-07T12:44:59Z\n") + &text;
        // The place of the time and of the target, and the number of values.
        let permuted = text.replace(
            &format!("2026-10-07T12:44:59.875678Z{delimiter}0.019584011"),
            &format!("0.019584011{delimiter}2026-10-07T12:44:59.875678Z"),
        );
        let target = format!("192.0.2.97:80{delimiter}targets");
        let swapped = text.replace(&target, &format!("targets{delimiter}192.0.2.97:80"));
        let longer = text.replace('\n', &format!("{delimiter}new\n"));
        for (unsure, values) in [
            (&first, None),
            (&permuted, Some(10)),
            (&swapped, Some(10)),
            (&longer, Some(11)),
        ] {
            let error = ingest(KEY, unsure.as_bytes(), &json()).error();
            assert!(error.contains("fit no log type"), "{error}");
            if let Some(values) = values {
                assert!(
                    error.contains(&format!("have {values} values without names")) && error.contains("FIELDS"),
                    "{error}"
                );
            }
        }
    }
}

#[test]
fn an_order_of_fields_is_that_of_lines_without_names_only() {
    let order = "ip_address,elb,reason_code,status_code,status,target_group_id,target_addr,latency,time,type";
    let with = |order: &str| Options {
        fields: FieldOrder::parse(order),
        ..json()
    };
    let reversed = |delimiter: char, quoted: bool| -> String {
        let lines = bare(' ');
        let lines = lines.lines().map(|line| {
            let values = line.split(' ').rev().map(|value| {
                if quoted {
                    format!("\"{value}\"")
                } else {
                    value.to_owned()
                }
            });
            values.collect::<Vec<_>>().join(&delimiter.to_string())
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let expected = events(&ingest(KEY, bare(' ').as_bytes(), &json()));
    for delimiter in ['\t', ',', ' '] {
        let run = ingest(KEY, reversed(delimiter, false).as_bytes(), &with(order));
        assert_eq!(
            (balance(&run), events(&run) == expected),
            ((30, 30, 0, 0), true),
            "{delimiter:?}"
        );
        // Without the setting, no value is in a column of another.
        assert!(
            ingest(KEY, reversed(delimiter, false).as_bytes(), &json())
                .error()
                .contains("fit no log type")
        );
    }
    // A delivery without some fields, and with one that no table has.
    let run = ingest(
        KEY,
        b"a\thttp\t2026-10-07T12:44:59Z\t192.0.2.97:80\n",
        &with("new,type,time,target_addr"),
    );
    assert_eq!(rows(&run.events())[0]["extra_fields"], serde_json::json!(["new=a"]));
    // Other lines do not have that order, and are not read in another.
    for other in [bare('\t'), bare(' '), "x\n".repeat(30)] {
        let error = ingest(KEY, other.as_bytes(), &with(order)).error();
        assert!(error.contains("not in the order of FIELDS"), "{error}");
    }
    // The names in an object and the key of a legacy one come first.
    let run = ingest(&key(&ALB_HEALTH_CHECK), bare(' ').as_bytes(), &with(order));
    assert_eq!(events(&run).len(), 30);
    let run = ingest(KEY, access("").as_bytes(), &with(order));
    assert_eq!(balance(&run), (1, 1, 0, 0));
}
