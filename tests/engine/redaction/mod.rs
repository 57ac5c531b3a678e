//! Redaction: what rules do to values, and secrets in every place of an input.

mod guide;
mod places;

use alb_ingest::formats::{Field, Format, Kind, LogType, Quoting, Split};
use alb_ingest::generate::{Lines, Traffic};
use alb_ingest::ingest::Options;
use alb_ingest::transform::Transform;
use alb_ingest::transform::redact::{Key, LineRedactor, Redact, SECRET_NAMES, SECRET_WORDS};
use proptest::prelude::*;
use serde_json::Value;
use std::sync::Arc;

use crate::common::{Run, ingest, json, rows};
use crate::objects::key;

/// Letters and digits that no rule of a redaction would leave in this order.
const CANARY: &str = "Canary7Secret";

/// Rules that leave no text of a client, however it is written.
const ALL: &str = "addresses=truncate,query=keys,path=drop,user_agent=drop,trace_ids=drop,certificates=drop,domain_name=drop,\
                   request_verb=drop,request_proto=drop,request_scheme=drop,request_host=drop,transformed_host=drop,\
                   redirect_url=drop,request_url=drop,transformed_uri=drop,extra_fields=drop";

/// The key of the examples: that of the basic test vectors of ipcrypt-pfx.
const KEY: &str = "0123456789abcdeffedcba98765432101032547698badcfeefcdab8967452301";

fn redact(rules: &str) -> Redact {
    Redact::parse(rules)
        .unwrap_or_else(|error| panic!("{error}"))
        .with_key(Arc::new(Key::parse(KEY).unwrap()))
}

fn options(rules: &str) -> Options {
    Options {
        transform: Transform {
            redact: Some(redact(rules)),
            ..Transform::default()
        },
        ..json()
    }
}

fn check(what: &str, run: &Run) {
    let found = |bytes: &[u8]| memchr::memmem::find(bytes, CANARY.as_bytes()).is_some();
    for (name, bytes) in &run.files {
        assert!(!found(name.as_bytes()), "{what}: {name}");
        assert!(!found(bytes), "{what}: {name} has it: {}", bytes.escape_ascii());
    }
    let result = format!("{:?}", run.result);
    assert!(!found(result.as_bytes()), "{what}: {result}");
}

/// Returns the fields of an ordinary line.
fn ordinary_fields(format: &'static Format) -> Vec<String> {
    let mut line = Vec::new();
    Lines::new(format, 7, Traffic::default()).write(&mut line);
    tokens(str::from_utf8(&line).unwrap().trim_end())
}

/// Returns an ordinary line with one of its fields replaced; `None` if the field takes no text.
fn line_with(format: &'static Format, number: usize, canary: &str) -> Option<String> {
    let field = &format.fields[number];
    let takes_text = field
        .columns()
        .iter()
        .any(|column| matches!(column.decode.kind(), Kind::Text | Kind::TextList));
    if !takes_text || field.name == "type" {
        return None;
    }
    let mut fields = ordinary_fields(format);
    // Older lines have fewer fields.
    *fields.get_mut(number)? = canary_in(field, canary);
    Some(fields.join(" "))
}

fn canary_in(field: &Field, canary: &str) -> String {
    let value = match field.split {
        Split::HostPort | Split::Target => return format!("{canary}:443"),
        Split::Request => {
            format!("GET https://{canary}.example.com:443/{canary}/a?{canary}={canary}#{canary} HTTP/1.1")
        }
        Split::Validity => return "NotBefore=2026-01-01T00:00:00Z;NotAfter=2027-01-01T00:00:00Z".to_owned(),
        Split::Whole => canary.to_owned(),
    };
    match field.quoting {
        Quoting::Bare => value,
        Quoting::Quoted | Quoting::QuotedOrBare | Quoting::QuotedParts => format!("\"{value}\""),
    }
}

/// Splits an ordinary line at the spaces outside of quotes.
fn tokens(line: &str) -> Vec<String> {
    let (mut tokens, mut quoted) = (vec![String::new()], false);
    for character in line.chars() {
        quoted ^= character == '"';
        match tokens.last_mut() {
            Some(token) if character != ' ' || quoted => token.push(character),
            _ => tokens.push(String::new()),
        }
    }
    tokens
}

#[test]
fn malformed_lines_keep_what_could_be_located() {
    let raw = "https 2026-10-07T11:45:00.186641Z app/shop/7f3c9a1e5b2d4860 198.51.100.77:40124 10.0.0.1:80 0.001 0.048 0.000 \
               200 200 68 571 \"GET https://example.com:443/a/12?token=s3cret HTTP/1.1\" \"curl/8.1\" TLS-1 oops \"Root=1-5";
    let mut redactor = LineRedactor::new(redact("client_ip=truncate,query=keys,path=template"));
    assert!(
        !String::from_utf8(redactor.redact(raw.as_bytes()))
            .unwrap()
            .contains("https")
    );
    redactor.set_table(LogType::AlbAccess);
    assert_eq!(
        String::from_utf8(redactor.redact(raw.as_bytes())).unwrap(),
        "https 2026-10-07T11:45:00.186641Z xxx/xxxx/9x9x9x9x9x9x9999 198.51.100.0:40124 99.9.9.9:80 0.001 0.048 0.000 \
         200 200 68 571 \"xxx https://example.com:443/a/{number}?token=*** xxxx/9.9\" \"xxxx/9.9\" xxx-9 xxxx \"xxxx=9-9"
    );
}

#[test]
fn quarantine_raw_keep_is_explicit() {
    let line = format!("https {CANARY} app/shop/1 {CANARY}\n");
    let valid = line_with(LogType::AlbAccess.format(), 12, "x").unwrap();
    let text = format!("{valid}\n{line}");
    let key = key(LogType::AlbAccess.format());
    let raw = |options: &Options| {
        let run = ingest(&key, text.as_bytes(), options);
        rows(&run.quarantine())[0]["raw"].as_str().unwrap().to_owned()
    };
    assert!(!raw(&options("query=keys")).contains(CANARY));
    let mut kept = options("query=keys");
    kept.transform.redact = kept.transform.redact.map(|redact| redact.keeping_raw(true));
    assert!(raw(&kept).contains(CANARY));
    assert!(raw(&json()).contains(CANARY));
}

#[test]
fn every_column_of_a_url_agrees() {
    let line = line_with(LogType::AlbAccess.format(), 12, "x").unwrap();
    let mut tokens = tokens(&line);
    tokens.push("Unknown-12".to_owned());
    tokens[12] = "\"GET https://me:pw@example.com:443/users/12/x?token=s3cret&page=2 HTTP/1.1\"".to_owned();
    let rules = "query=secrets,path=template,client_ip=hmac,user_agent=family,trace_id=drop";
    let run = ingest(
        &key(LogType::AlbAccess.format()),
        (tokens.join(" ") + "\n").as_bytes(),
        &options(rules),
    );
    let event = &rows(&run.events())[0];
    assert_eq!(
        event["request_url"],
        "https://***@example.com:443/users/{number}/x?token=***&page=2"
    );
    assert_eq!(event["request_path"], "/users/{number}/x");
    assert_eq!(event["extra_fields"].to_string(), "[\"xxxxxxx-99\"]");
    assert_eq!(event["request_host"], "***@example.com");
    assert_eq!(event.get("trace_id").unwrap_or(&Value::Null), &Value::Null);
    assert_eq!(event["client_ip"].as_str().unwrap().len(), 32);
}

#[test]
fn faults_of_the_setting_are_pointed_at() {
    for (rules, at, message) in [
        ("client_ip=trunkate", 10, "not an action"),
        ("client_ip", 0, "expected field=action"),
        ("query=keys, nothing=drop", 12, "no table has a column"),
        ("event_id=drop", 0, "contains nothing of a client"),
        ("source_key=hmac", 0, "AWS writes"),
        ("type=drop", 0, "every event must have"),
        ("elb_status_code=drop", 0, "not text"),
        ("query=keys,query=drop", 11, "already"),
        ("query=only()", 6, "only needs names"),
        ("client_ip=truncate(33,1)", 10, "numbers of bits"),
        ("client_ip=truncate(24", 18, "not closed"),
        ("user_agent=truncate", 11, "not an action"),
        ("", 0, "expected field=action"),
    ] {
        let error = Redact::parse(rules).unwrap_err();
        assert_eq!(error.at, at, "{rules}: {error}");
        assert!(error.message.contains(message), "{error}");
        let shown = error.to_string();
        let caret = shown.lines().last().unwrap();
        assert_eq!(caret.find('^'), Some(2 + at), "{shown}");
    }
}

#[test]
fn unknown_values_are_not_shown() {
    let line = line_with(LogType::AlbAccess.format(), 12, "x").unwrap();
    let classification = LogType::AlbAccess
        .format()
        .fields
        .iter()
        .position(|field| field.name == "classification")
        .unwrap();
    let mut tokens = tokens(&line);
    tokens[classification] = format!("\"{CANARY}\"");
    let line = tokens.join(" ") + "\n";
    let unknown = |options: &Options| {
        let run = ingest(&key(LogType::AlbAccess.format()), line.as_bytes(), options);
        let values = run.ledger().unknown_values.iter();
        values.map(|unknown| unknown.value.clone()).collect::<Vec<_>>()
    };
    assert_eq!(unknown(&json()), [CANARY]);
    assert_eq!(unknown(&options("query=keys")), ["(not a name)"]);
}

#[test]
fn fingerprints_identify_the_rules() {
    let of = |rules: &str| redact(rules).fingerprint();
    assert_eq!(of("query=keys,client_ip=drop"), of(" client_ips = drop , query = keys"));
    assert_eq!(of("query=only(b,a)"), of("query=only(a,b,a)"));
    assert_ne!(of("query=keys"), of("query=secrets"));
    assert_eq!(of("query=keys,client_ip=truncate"), "b10e3f40ccac4d37");
    assert_ne!(of("query=keys"), redact("query=keys").keeping_raw(true).fingerprint());
    let without_key = Redact::parse("client_ip=hmac").unwrap();
    assert_ne!(of("client_ip=hmac"), without_key.fingerprint());
    assert_eq!(of("query=keys"), Redact::parse("query=keys").unwrap().fingerprint());
}

proptest! {
    /// Any bytes, in any table: no panic, and nothing of a secret that a client put there.
    #[test]
    fn any_malformed_line_is_masked(before in proptest::collection::vec(any::<u8>(), 0..200), after in "[ -~]{0,80}") {
        let raw = [&before[..], b" \"", CANARY.as_bytes(), after.as_bytes()].concat();
        for log_type in LogType::ALL {
            let mut redactor = LineRedactor::new(redact(ALL));
            redactor.set_table(log_type);
            let once = redactor.redact(&raw);
            prop_assert!(memchr::memmem::find(&once, CANARY.as_bytes()).is_none());
            prop_assert_eq!(redactor.redact(&raw), once);
        }
    }
}

/// Returns the first field of that name, or the field that contains a part of the request, with its table.
fn field_of(column: &str) -> (&'static Format, usize) {
    let name = match column {
        "client_ip" => "client:port",
        "request_url" | "request_path" => "request_line",
        other => other,
    };
    let formats = LogType::ALL.into_iter().map(LogType::format);
    let mut found = formats.filter_map(|format| {
        let number = format.fields.iter().position(|field| field.name == name)?;
        Some((format, number))
    });
    found.next().unwrap_or_else(|| panic!("no field {name}"))
}

/// The page's examples, each a row of rules, column, value and result.
#[test]
fn the_page_shows_what_happens() {
    const PAGE: &str = include_str!("../../../docs/reference/redaction.md");
    assert!(PAGE.contains(KEY));
    let mut shown = 0;
    for row in PAGE.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row
            .trim_matches('|')
            .split(" | ")
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        let [rules, column, value, result] = cells[..] else {
            continue;
        };
        let (format, number) = field_of(column);
        let token = match column {
            "client_ip" if value.contains("::") => format!("[{value}]:443"),
            "client_ip" => format!("{value}:443"),
            "request_url" | "request_path" => format!("\"GET {value} HTTP/1.1\""),
            _ => format!("\"{value}\""),
        };
        let mut fields = ordinary_fields(format);
        fields[number] = token;
        let line = fields.join(" ") + "\n";
        let run = ingest(&key(format), line.as_bytes(), &options(rules));
        let events = rows(&run.events());
        let found = events[0].get(column).and_then(Value::as_str).unwrap_or("null");
        assert_eq!(found, result, "{row}");
        shown += 1;
    }
    assert_eq!(shown, 27);
    for (marker, names) in [("names", &SECRET_NAMES[..]), ("words", &SECRET_WORDS[..])] {
        let (_, list) = PAGE.split_once(&format!("<!-- {marker} -->")).unwrap();
        let (list, _) = list.trim().split_once("\n\n").unwrap();
        let list: Vec<_> = list.split(',').map(|name| name.trim().trim_matches('`')).collect();
        assert_eq!(list, names);
    }
}
