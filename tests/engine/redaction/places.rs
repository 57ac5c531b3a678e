//! A secret in any place of an input where a client can put text is, under rules that cover it, in no byte of an output, of its name,
//! of the ledger or of an error: a test for each kind of place.

use alb_ingest::encode::{Compression, FileFormat};
use alb_ingest::formats::{ColumnSource, Extra, Extras, Format, Kind, LogType, Presence};
use alb_ingest::ingest::{Ingest, OnCorrupt, Options, Outcome, Target};
use alb_ingest::object::ObjectRef;
use alb_ingest::parse::line::Reason;
use alb_ingest::schema::mapping::Schema;
use alb_ingest::storage::{Sink, Staged, StorageError};

use super::{ALL, CANARY, check, line_with, options, ordinary_fields, tokens};
use crate::common::{Memory, Run, gzip, ingest, ingest_chunks, json, object, rows};
use crate::objects::key;
use crate::vended::{self, Writing, vended_formats};

/// The schemas and formats of outputs.
const OUTPUTS: [(Schema, FileFormat); 7] = [
    (Schema::Native, FileFormat::Json),
    (Schema::Native, FileFormat::Parquet),
    (Schema::Ecs, FileFormat::Json),
    (Schema::Ocsf, FileFormat::Json),
    (Schema::Panther, FileFormat::Json),
    (Schema::Tailpipe, FileFormat::Json),
    (Schema::Otel, FileFormat::Json),
];

/// Returns options with rules for an output, and all enrichment that needs no database.
fn options_for((schema, format): (Schema, FileFormat), rules: &str) -> Options {
    let mut options = Options {
        schema,
        format,
        compression: match format {
            FileFormat::Json => json().compression,
            FileFormat::Parquet => Compression::None,
        },
        ..options(rules)
    };
    let of_address = [Extra::ClientCountry, Extra::ClientAsn];
    options.transform.extras = Extras::ENRICHMENT
        .iter()
        .filter(|extra| !of_address.contains(extra))
        .collect();
    options
}

/// The rules that apply an action to every text column of a table that can be redacted, and leave nothing to other rules.
fn every_column(format: &Format, action: &str) -> String {
    let columns = format.plan().columns.iter();
    let texts = columns.filter(|column| matches!(column.kind, Kind::Text | Kind::TextList));
    let texts =
        texts.filter(|column| matches!(column.source, ColumnSource::Part { .. }) || column.name == "extra_fields");
    let texts = texts.filter(|column| column.presence != Presence::Required);
    let rules = texts.map(|column| match column.name {
        "request_path" => format!("path={action}"),
        name => format!("{name}={action}"),
    });
    let mut rules: Vec<_> = rules.collect();
    rules.push(format!("query={action}"));
    rules.join(",")
}

/// Ingests lines with every kind of output, and fails if one of them has the secret. Returns the runs.
fn check_outputs(what: &str, format: &'static Format, text: &[u8], rules: &str) -> Vec<Run> {
    let outputs = OUTPUTS.into_iter().map(|output| {
        let what = format!("{} {what} {rules} {output:?}", format.name);
        let run = ingest(&key(format), text, &options_for(output, rules));
        assert!(!run.files.is_empty(), "{what}: {:?}", run.result);
        check(&what, &run);
        run
    });
    outputs.collect()
}

/// Returns the number and the name of each field.
fn fields(format: &'static Format) -> impl Iterator<Item = (usize, &'static str)> {
    format.fields.iter().map(|field| field.name).enumerate()
}

#[test]
fn in_each_field_of_each_table() {
    let mut places = 0;
    for log_type in LogType::ALL {
        let format = log_type.format();
        for (number, name) in fields(format) {
            let Some(line) = line_with(format, number, CANARY) else {
                continue;
            };
            places += 1;
            let text = format!("{line}\n");
            let runs = check_outputs(name, format, text.as_bytes(), &every_column(format, "drop"));
            assert_eq!(runs[0].ledger().events, 1, "{} {name}: {line}", format.name);
            let hashed = options_for(OUTPUTS[0], &every_column(format, "hmac"));
            check(
                &format!("{} {name} hmac", format.name),
                &ingest(&key(format), text.as_bytes(), &hashed),
            );
            // Without rules, the secret arrives: the place is one.
            let plain = ingest(&key(format), text.as_bytes(), &json());
            let found = memchr::memmem::find(&plain.events(), CANARY.as_bytes());
            assert!(found.is_some() || name.contains("validity"), "{} {name}", format.name);
        }
    }
    assert!(places > 40, "{places}");
}

#[test]
fn in_an_unknown_field() {
    for log_type in LogType::ALL {
        let format = log_type.format();
        let line = ordinary_fields(format).join(" ");
        for rules in [
            "query=keys",
            &every_column(format, "drop"),
            &every_column(format, "hmac"),
        ] {
            let text = format!("{line} {CANARY}\n{line} \"{CANARY} {CANARY}\" {CANARY}=1\n");
            check_outputs("an unknown field", format, text.as_bytes(), rules);
        }
    }
}

#[test]
fn in_escapes() {
    let forms = [
        format!("\\x22{CANARY}\\x0A{CANARY}"),
        format!("\\x5C{CANARY}\\x22"),
        format!("a=1%26{CANARY}"),
        format!("%22{CANARY}%0a"),
        format!("%2525%25{CANARY}"),
        format!("é{CANARY}\u{202e}"),
    ];
    for log_type in LogType::ALL {
        let format = log_type.format();
        for (number, name) in fields(format) {
            for form in &forms {
                let Some(line) = line_with(format, number, form) else {
                    continue;
                };
                let rules = every_column(format, "drop");
                let run = ingest(
                    &key(format),
                    format!("{line}\n").as_bytes(),
                    &options_for(OUTPUTS[0], &rules),
                );
                check(&format!("{} {name} {form}", format.name), &run);
            }
        }
    }
}

#[test]
fn on_both_sides_of_a_repair() {
    let access = LogType::AlbAccess.format();
    let classic = LogType::ClbAccess.format();
    let with = |format: &'static Format, field: &str, value: &str| {
        let number = format
            .fields
            .iter()
            .position(|declared| declared.name == field)
            .unwrap();
        let mut tokens = ordinary_fields(format);
        tokens[number] = value.to_owned();
        tokens
    };
    let without_addresses = {
        let mut tokens = with(classic, "user_agent", &format!("\"{CANARY}\""));
        tokens.drain(2..4);
        tokens.join(" ")
    };
    for (format, repair, line) in [
        (
            access,
            "unescaped_quote",
            with(access, "user_agent", &format!("\"{CANARY}\" {CANARY}\" \"{CANARY}\"")).join(" "),
        ),
        (
            access,
            "unescaped_quote",
            with(
                access,
                "request_line",
                &format!("\"GET http://a/{CANARY}\"{CANARY}?{CANARY}=\"{CANARY} HTTP/1.1\""),
            )
            .join(" "),
        ),
        (
            classic,
            "trailing_backslash",
            with(classic, "user_agent", &format!("\"{CANARY} {CANARY}\\\"")).join(" "),
        ),
        (
            classic,
            "joined_lines",
            with(classic, "user_agent", &format!("\"{CANARY}\n{CANARY}\n\n{CANARY}\"")).join(" "),
        ),
        (classic, "addresses_missing", without_addresses),
    ] {
        let text = format!("{0}\n{line}\n{0}\n", ordinary_fields(format).join(" "));
        for action in ["drop", "hmac"] {
            for run in check_outputs(repair, format, text.as_bytes(), &every_column(format, action)) {
                let ledger = run.ledger();
                let repairs = ledger.repairs.iter().filter(|(_, count)| *count > 0);
                let repairs: Vec<_> = repairs.map(|(repair, _)| repair.name()).collect();
                assert_eq!(repairs, [repair], "{line}");
                assert_eq!((ledger.events, ledger.quarantined), (3, 0), "{repair}: {line}");
            }
        }
    }
}

/// Lines with a fault before, at and after the secret, in each field of each table.
#[test]
fn in_a_malformed_line() {
    let mut reasons = std::collections::BTreeSet::new();
    for log_type in LogType::ALL {
        let format = log_type.format();
        let rules = every_column(format, "drop");
        for (number, name) in fields(format) {
            let Some(line) = line_with(format, number, CANARY) else {
                continue;
            };
            let tokens = tokens(&line);
            let mut text = format!("{}\n", ordinary_fields(format).join(" "));
            for at in 0..tokens.len() {
                let mut broken = tokens.clone();
                broken[at] = format!("{CANARY}\u{1}");
                text += &(broken.join(" ") + "\n");
                text += &(tokens[..at].join(" ") + &format!(" {CANARY} \"{CANARY}\n"));
                text += &(tokens[..at].join(" ") + &format!("{CANARY}\n"));
            }
            let last = format!("{CANARY}{line}\n{line}\" \"{line}\n{line} \"{CANARY}\n");
            text += &last;
            let mut bytes = text.into_bytes();
            bytes.extend(
                line.replace(CANARY, &format!("{CANARY}~"))
                    .bytes()
                    .map(|byte| if byte == b'~' { 0xff } else { byte }),
            );
            // The rest of the object is ordinary, so it is not rejected as a whole.
            bytes.push(b'\n');
            bytes.extend(
                format!("{}\n", ordinary_fields(format).join(" "))
                    .repeat(tokens.len() * 4)
                    .into_bytes(),
            );
            let run = ingest(&key(format), &bytes, &options_for(OUTPUTS[0], &rules));
            let what = format!("{} {name}", format.name);
            check(&what, &run);
            assert!(run.ledger().quarantined > 3, "{what}: {:?}", run.ledger());
            reasons.extend(run.ledger().reasons.keys().map(|(reason, _)| *reason));
        }
    }
    assert!(reasons.len() > 8, "{reasons:?}");
    assert!(reasons.contains(Reason::TooFewFields.name()), "{reasons:?}");
}

#[test]
fn in_an_object_of_malformed_lines() {
    let format = LogType::AlbAccess.format();
    let text = format!("https {CANARY} app/shop/1 {CANARY}\n").repeat(60);
    let run = ingest(&key(format), text.as_bytes(), &options(ALL));
    let error = run.error();
    assert!(!error.contains(CANARY), "{error}");
    let unknown = format!("{CANARY} is not a line of a log\n");
    let run = ingest("folder/file.log", unknown.as_bytes(), &options(ALL));
    let error = run.error();
    assert!(!error.contains(CANARY), "{error}");
}

#[test]
fn in_a_line_of_a_megabyte() {
    let format = LogType::AlbAccess.format();
    let agent = line_with(format, 13, &format!("{CANARY} ").repeat(50_000)).unwrap();
    assert!(agent.len() > 600_000 && agent.len() < 1024 * 1024);
    let rest = format!("{CANARY} ").repeat(100_000);
    let long = format!("{agent}\n{agent} {rest}\n{CANARY}{rest}\n{}\n", "é".repeat(600_000));
    assert!(rest.len() > 1024 * 1024);
    for chunks in [&[][..], &[1_000_000, 500_000, 7, 1]] {
        let run = ingest_chunks(object(&key(format)), long.as_bytes(), chunks, &options(ALL));
        check("a long line", &run);
        assert_eq!((run.ledger().events, run.ledger().quarantined), (1, 3));
        let rows = rows(&run.quarantine());
        assert!(
            rows.iter().all(|row| row["reason"] == "line_too_long"),
            "{:?}",
            run.ledger()
        );
    }
}

/// A destination with a maximum length of an event, as a stream has.
struct Limited(Memory);

impl Sink for Limited {
    fn stage(&self, key: &str, source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        self.0.stage(key, source)
    }

    fn event_limit(&self) -> Option<usize> {
        Some(20_000)
    }
}

/// The event may be too large before it is redacted: what counts is what would be delivered.
#[test]
fn in_an_event_that_is_too_large_for_a_stream() {
    let format = LogType::AlbAccess.format();
    let text = [12, 13]
        .map(|number| line_with(format, number, &CANARY.repeat(3_000)).unwrap() + "\n")
        .concat();
    let events = Memory::default();
    let quarantine = events.below("_quarantine/");
    for (rules, delivered) in [("user_agent=drop,query=keys", 1), ("path=keep,query=keys", 0), (ALL, 2)] {
        let options = options(rules);
        let limited = Limited(events.clone());
        let target = Target {
            options: &options,
            events: &limited,
            quarantine: &quarantine,
        };
        let source = object(&format!("{}{rules}", key(format)));
        let mut ingest = Ingest::begin(source, target).unwrap();
        let result = ingest.push(text.as_bytes()).and_then(|()| ingest.finish());
        let Ok(Outcome::Ingested(ledger)) = result else {
            panic!("{result:?}")
        };
        assert_eq!(
            (ledger.events, ledger.quarantined),
            (delivered, 2 - delivered),
            "{rules}"
        );
    }
    let in_quarantine = events
        .files()
        .into_iter()
        .filter(|(name, _)| name.starts_with("_quarantine/"));
    let rows: Vec<_> = in_quarantine.flat_map(|(_, bytes)| rows(&bytes)).collect();
    assert_eq!(rows.len(), 3);
    for row in rows {
        assert_eq!(row["reason"], "event_too_large");
        let raw = row["raw"].as_str().unwrap();
        let shows = |text: &str| raw.contains(text);
        // The rules do not cover the path, but other places of the line.
        assert!(
            !shows(&format!("\"{CANARY}")) && !shows(&format!("?{CANARY}={CANARY}")),
            "{raw:.2000}"
        );
    }
}

#[test]
fn in_a_cut_or_corrupt_object() {
    let line = line_with(LogType::AlbAccess.format(), 12, CANARY).unwrap();
    let whole = gzip(format!("{line}\n").repeat(200).as_bytes());
    let mut corrupt = whole.clone();
    let crc = corrupt.len() - 8;
    corrupt[crc] ^= 1;
    for (bytes, on_corrupt) in [
        (&whole[..whole.len() / 2], OnCorrupt::Salvage),
        (&whole[..whole.len() - 20], OnCorrupt::Salvage),
        (&whole[..whole.len() - 4], OnCorrupt::Salvage),
        (&corrupt, OnCorrupt::Salvage),
        (&corrupt, OnCorrupt::Strict),
    ] {
        let options = Options {
            on_corrupt,
            ..options(ALL)
        };
        let run = ingest(&key(LogType::AlbAccess.format()), bytes, &options);
        check("a cut object", &run);
        assert_eq!(run.result.is_ok(), on_corrupt == OnCorrupt::Salvage);
    }
}

/// Vended logs, in each of their forms: in each field of an event, and in malformed lines.
#[test]
fn in_vended_logs() {
    for format in vended_formats() {
        let ordinary = vended::line_of(format, &ordinary_fields(format).join(" "));
        let rules = every_column(format, "drop");
        for writing in vended::WRITINGS {
            let mut lines = vec![ordinary.clone()];
            for number in 0..ordinary.len() {
                let Some(with) = line_with(format, number, CANARY) else {
                    continue;
                };
                lines.push(vended::line_of(format, &with));
                let mut malformed = ordinary.clone();
                malformed[number].1 = CANARY.to_owned();
                for (_, value) in malformed.iter_mut().take(3) {
                    CANARY.clone_into(value);
                }
                lines.push(malformed);
                lines.extend(vec![ordinary.clone(); 3]);
            }
            let text = vended::written(format, &lines, writing);
            let run = ingest(vended::KEY, text.as_bytes(), &options_for(OUTPUTS[0], &rules));
            let what = format!("{} {writing:?}", format.name);
            check(&what, &run);
            // Texts with other delimiters in them make most lines ambiguous, and the object fails.
            if matches!(
                writing,
                Writing::JsonTexts | Writing::JsonTyped | Writing::W3c('\t') | Writing::Plain('\t')
            ) {
                assert!(
                    run.ledger().events > lines.len() as u64 / 2,
                    "{what}: {:?}",
                    run.ledger()
                );
                assert!(run.ledger().quarantined > 0, "{what}");
            }
        }
    }
}

/// A client can choose the family of its user agent, and a system by some rules.
#[test]
fn in_columns_that_are_derived_from_a_user_agent() {
    let format = LogType::AlbAccess.format();
    let agents = [
        format!("{CANARY}/12 CFNetwork/1 Darwin/1"),
        format!("{CANARY}-iPhone/1 CFNetwork"),
        format!("Mozilla/5.0 {CANARY}Bot/1.0"),
        format!("HbbTV/1.2.1 (;{CANARY};2013"),
    ];
    let text: String = agents
        .map(|agent| line_with(format, 13, &agent).unwrap() + "\n")
        .concat();
    let plain = Options {
        transform: options_for(OUTPUTS[0], ALL).transform,
        ..json()
    };
    let mut unredacted = plain.clone();
    unredacted.transform.redact = None;
    let families: Vec<_> = rows(&ingest(&key(format), text.as_bytes(), &unredacted).events());
    assert!(
        families
            .iter()
            .filter(|row| row["user_agent_family"].to_string().contains(CANARY))
            .count()
            >= 2
    );
    for rules in ["user_agent=drop", "user_agent=family", "user_agent=hmac"] {
        for run in check_outputs("a user agent", format, text.as_bytes(), rules) {
            assert_eq!(run.ledger().events, 4);
        }
        let run = ingest(&key(format), text.as_bytes(), &options_for(OUTPUTS[0], rules));
        assert_eq!(rows(&run.events())[0]["user_agent_family"], "Other");
    }
}

#[test]
fn in_the_query_that_is_a_column_of_its_own() {
    let format = LogType::AlbAccess.format();
    let text = line_with(format, 12, CANARY).unwrap() + "\n";
    for (rules, query) in [
        ("query=keys,path=drop,request_host=drop", "***=***"),
        ("query=only(page),path=drop,request_host=drop", "null"),
        ("query=drop,path=drop,request_host=drop", "null"),
    ] {
        let options = options_for(OUTPUTS[0], &format!("{rules},request_url=drop"));
        let run = ingest(&key(format), text.as_bytes(), &options);
        let event = &rows(&run.events())[0];
        let found = event
            .get("request_query")
            .and_then(|value| value.as_str())
            .unwrap_or("null");
        assert!(!found.contains(&format!("={CANARY}")), "{rules}: {found}");
        assert!(query == "null" || found.contains("=***"), "{rules}: {found}");
        assert_eq!(found == "null", query == "null", "{rules}: {found}");
    }
}

/// AWS writes the keys of log objects, so no rule covers them, and outputs have to name their source. A key is only in the names that
/// refer to the object.
#[test]
fn in_the_key_of_an_object_only_its_names_have_it() {
    let format = LogType::AlbAccess.format();
    let line = ordinary_fields(format).join(" ");
    let key = key(format).replace("AWSLogs", &format!("{CANARY}/AWSLogs"));
    let run = ingest(&key, format!("{line}\nbroken\n").as_bytes(), &options(ALL));
    assert_eq!((run.ledger().events, run.ledger().quarantined), (1, 1));
    for (name, bytes) in &run.files {
        assert!(!name.contains(CANARY), "{name}");
        for mut row in rows(bytes) {
            let named = row.as_object_mut().unwrap().remove("source_key").unwrap();
            assert_eq!(named, key.as_str());
            assert!(!row.to_string().contains(CANARY), "{name}: {row}");
        }
    }
}
