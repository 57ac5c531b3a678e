//! The columns on request, on lines of each table.

use std::sync::Arc;

use alb_ingest::formats::{Extra, Extras, Format, LogType};
use alb_ingest::ingest::Options;
use alb_ingest::transform::{Geo, Transform};
use serde_json::{Value, json};

use crate::common;
use crate::common::mmdb::{self, Datum};

const AGENT: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36";
const BOT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

fn geo(databases: impl IntoIterator<Item = Vec<u8>>) -> Geo {
    Geo::new(databases.into_iter().map(|bytes| ("test".to_owned(), bytes))).unwrap()
}

/// Returns the columns on request of each event of a table's lines.
fn enriched(table: &str, lines: &str) -> Vec<Value> {
    let format = Format::by_name(table).unwrap();
    let options = Options {
        table: Some(format),
        ..common::enriched(common::json())
    };
    let run = common::ingest("key.log", lines.as_bytes(), &options);
    assert_eq!(run.ledger().quarantined, 0, "{lines}");
    let plan = format.log_type.plan_with(Extras::ENRICHMENT);
    let names: Vec<_> = plan
        .columns
        .iter()
        .skip(plan.source_line + 1)
        .map(|column| column.name)
        .collect();
    let rows = common::rows(&run.events()).into_iter().map(|row| {
        let Value::Object(row) = row else { panic!("{row}") };
        row.into_iter()
            .filter(|(name, _)| names.contains(&name.as_str()))
            .collect()
    });
    rows.collect()
}

fn alb(client: &str, times: &str, status: &str, url: &str, agent: &str, tls: &str) -> String {
    format!(
        "https 2026-10-07T11:45:00.186641Z app/shop/7f3c9a1e5b2d4860 {client} 10.0.0.1:80 {times} {status} 200 68 571 \"GET {url} HTTP/1.1\" \"{agent}\" - {tls} - \"Root=1-5\" \"-\" \"-\" 0 2026-10-07T11:45:00.137000Z \"forward\" \"-\" \"-\" \"10.0.0.1:80\" \"200\" \"-\" \"-\" TID_1\n"
    )
}

#[test]
fn requests_of_an_application_load_balancer() {
    let found = enriched(
        "alb_access_log",
        &[
            alb(
                "192.0.2.10:40124",
                "0.1 0.2 0.000",
                "200",
                "https://www.example.com:443/a?token=1&b=?2",
                AGENT,
                "TLSv1.2",
            ),
            alb(
                "2001:db8::7:40124",
                "0.001 0.037 -1",
                "503",
                "https://www.example.com:443/a?",
                BOT,
                "TLSv1",
            ),
            alb(
                "198.51.100.1:1",
                "-1 -1 -1",
                "-",
                "https://www.example.com:443/a#b?c",
                "-",
                "-",
            ),
            alb(
                "2001:db8:ffff::1:80",
                "0 0 0",
                "999",
                "- ",
                "\\x22\\x5C no-such-agent",
                "TLSv9",
            ),
        ]
        .concat(),
    );
    assert_eq!(
        found,
        [
            json!({"status_class": "2xx", "total_time": 0.3, "tls_version": "TLSv1.2", "request_query": "token=1&b=?2",
                "user_agent_family": "Chrome", "user_agent_os": "Windows", "client_country": "DE", "client_asn": 64496}),
            json!({"status_class": "5xx", "tls_version": "TLSv1.0", "request_query": "",
                "user_agent_family": "Googlebot", "bot_name": "Googlebot", "bot_kind": "search-engine",
                "client_country": "FR", "client_asn": 4_200_000_000_u32}),
            json!({}),
            json!({"total_time": 0.0, "client_country": "FR", "client_asn": 4_200_000_000_u32}),
        ]
    );
}

#[test]
fn requests_and_connections_of_a_classic_load_balancer() {
    let line = |client: &str, rest: &str| format!("2026-10-07T11:45:00.186641Z shop {client} 10.0.0.1:80 {rest}\n");
    let found = enriched(
        "clb_access_log",
        &[
            line("192.0.2.10:40124", "0.000073 0.001048 0.000057 404 200 0 29 \"GET http://www.example.com:80/a?b HTTP/1.1\" \"curl/7.38.0\" DHE-RSA-AES128-SHA tls12"),
            line("192.0.2.10:40124", "0.000073 -1 0.000057 - - 82 305 \"- - - \" \"-\" - SSLv3"),
        ]
        .concat(),
    );
    assert_eq!(
        found,
        [
            json!({"status_class": "4xx", "total_time": 0.001_178, "tls_version": "TLSv1.2", "request_query": "b",
                "user_agent_family": "curl", "bot_name": "curl", "bot_kind": "http-library",
                "client_country": "DE", "client_asn": 64496}),
            json!({"tls_version": "SSLv3", "client_country": "DE", "client_asn": 64496}),
        ]
    );
}

#[test]
fn connections() {
    let place = json!({"tls_version": "TLSv1.3", "client_country": "DE", "client_asn": 64496});
    let line = "2026-10-07T11:45:00.186641Z 192.0.2.10 40124 443 TLSv1.3 TLS_AES_128_GCM_SHA256 0.012 \"-\" - - Success TID_1\n";
    let plain = "2026-10-07T11:45:00.186641Z 203.0.113.9 40124 80 - - - \"-\" - - - TID_1\n";
    assert_eq!(
        enriched("alb_connection_log", &[line, plain].concat()),
        [place.clone(), json!({})]
    );
    let line = "tls 2.0 2026-10-07T11:45:00 net/shop/7f3c9a1e5b2d4860 0123456789abcdef 192.0.2.10:40124 10.0.0.1:443 5 2 98 246 - arn:aws:acm:us-east-1:123456789012:certificate/a - ECDHE-RSA-AES128-SHA tlsv13 - www.example.com - - -\n";
    assert_eq!(enriched("nlb_access_log", line), [place]);
}

#[test]
fn a_health_check_has_no_column_on_request_but_a_weight_and_its_line() {
    let plan = LogType::AlbHealthCheck.plan_with(Extras::ALL);
    let extras: Vec<_> = plan
        .columns
        .iter()
        .skip(plan.source_line + 1)
        .map(|column| column.name)
        .collect();
    assert_eq!(extras, ["sample_weight", "raw_line"]);
}

/// Hostile user agents: long, with escapes, and distinct in every line, so no result is found again.
#[test]
fn hostile_user_agents_become_events_with_the_same_columns_in_every_chunking() {
    let mut lines = String::new();
    for number in 0..300 {
        let agent = match number % 5 {
            0 => format!("{number}{}", "a".repeat(10_000)),
            1 => format!("Googlebot/{number} {}", "(((((;;;;".repeat(900)),
            2 => format!("{}{number}", "\\xF0\\x9F\\x98\\x80".repeat(200)),
            3 => format!("Version/{number}.{} Safari", "1.".repeat(4_000)),
            _ => format!("\\x22\\x5C\\x00{number}/1.0 CFNetwork/1.0"),
        };
        lines.push_str(&alb(
            "192.0.2.10:40124",
            "0 0 0",
            "200",
            "https://www.example.com:443/",
            &agent,
            "-",
        ));
    }
    let options = common::enriched(common::json());
    let key = "key.log";
    let options = Options {
        table: Format::by_name("alb_access_log"),
        ..options
    };
    let whole = common::ingest(key, lines.as_bytes(), &options);
    assert_eq!(whole.ledger().events, 300);
    let rows = common::rows(&whole.events());
    assert_eq!(rows[1]["bot_name"], "Googlebot");
    assert!(rows.iter().all(|row| row["client_country"] == "DE"));
    let pieces = common::ingest_chunks(common::object(key), lines.as_bytes(), &[7; 500], &options);
    assert!(whole.files == pieces.files);
}

#[test]
fn columns_without_a_database_or_a_request_cost_nothing() {
    let transform = Transform::default();
    assert!(transform.is_none());
    assert!(transform.of(LogType::AlbAccess.plan()).is_none());
}

#[test]
fn several_databases_complement_each_other() {
    let flat = mmdb::database(&[
        (
            "203.0.113.0/24",
            vec![("country_code", Datum::Text("nl")), ("asn", Datum::Text("AS64500"))],
        ),
        (
            "198.51.100.0/24",
            vec![("country", Datum::Text("None")), ("asn", Datum::Text("unknown"))],
        ),
    ]);
    let databases = geo([mmdb::countries(&[("192.0.2.0/24", "DE")]), flat]);
    let options = Options {
        table: Format::by_name("alb_connection_log"),
        transform: Transform {
            extras: Extras::NONE.with(Extra::ClientCountry).with(Extra::ClientAsn),
            geo: Some(Arc::new(databases)),
            ..Transform::default()
        },
        ..common::json()
    };
    let lines: Vec<_> = [
        "192.0.2.1",
        "203.0.113.1",
        "198.51.100.1",
        "::ffff:192.0.2.1",
        "0.0.0.0",
        "192.0.2.XXX",
    ]
    .iter()
    .map(|address| format!("2026-10-07T11:45:00.186641Z {address} 40124 80 - - - \"-\" - - - TID_1\n"))
    .collect();
    let run = common::ingest("key.log", lines.concat().as_bytes(), &options);
    let rows = common::rows(&run.events());
    let found: Vec<_> = rows
        .iter()
        .map(|row| (row["client_country"].as_str(), row["client_asn"].as_i64()))
        .collect();
    assert_eq!(
        found,
        [
            (Some("DE"), None),
            (Some("NL"), Some(64_500)),
            (None, None),
            (Some("DE"), None),
            (None, None),
            (None, None)
        ]
    );
}

#[test]
fn a_file_that_is_no_database_or_lacks_a_column_is_an_error() {
    for bytes in [
        &b""[..],
        b"not a database",
        b"\xab\xcd\xefMaxMind.com",
        &mmdb::systems(&[("192.0.2.0/24", 1)])[..40],
    ] {
        let error = Geo::new([("a.mmdb".to_owned(), bytes.to_vec())])
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("a.mmdb is not a MaxMind database"), "{error}");
    }
    let systems = geo([mmdb::systems(&[("192.0.2.0/24", 64_496)])]);
    systems.check(Extras::NONE.with(Extra::ClientAsn)).unwrap();
    let error = systems
        .check(Extras::NONE.with(Extra::ClientCountry))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("client_country") && error.contains("GEO_DATABASE"),
        "{error}"
    );
}
