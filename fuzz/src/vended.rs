//! Fuzzes any lines as vended logs in every form: no panic, and every line is an event, malformed or skipped.

use alb_ingest::encode::{Compression, Encoder as _, JsonEncoder};
use alb_ingest::formats::{FORMATS, FieldOrder};
use alb_ingest::object::{ObjectFacts, ObjectRef, detect_form};
use alb_ingest::parse::batch::{Batch, LineParser};
use alb_ingest::parse::vended::Form;
use alb_ingest::schema::mapping::{OutputTable, Schema};

/// Runs the target on one input.
pub fn run(text: &[u8]) {
    let facts = ObjectFacts::new(ObjectRef {
        bucket: "fuzz".to_owned(),
        key: "lines.json".to_owned(),
        version: "0".to_owned(),
    });
    for format in FORMATS.into_iter().filter(|format| format.vended.is_some()) {
        let order = FieldOrder::usual(format.log_type);
        for form in [
            Form::Json,
            Form::W3c(b'\t'),
            Form::W3c(b' '),
            Form::Plain(b','),
            Form::Bare(b' ', order.clone()),
            Form::Bare(b'\t', order),
        ] {
            let plan = format.plan();
            let mut parser = LineParser::new(plan, Some("app/shop/1"));
            parser.read_as(form.clone());
            let (mut batch, mut malformed) = (Batch::new(plan), Vec::new());
            // In two blocks: a header applies to the lines of the next one.
            let half = text.len() / 2;
            let cut = text[half..]
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(0, |at| half + at + 1);
            parser.push_block(&text[..cut], 0, &mut batch, &mut malformed);
            parser.push_block(&text[cut..], cut as u64, &mut batch, &mut malformed);
            parser.finish(&mut malformed);

            let accounted = batch.rows() as u64 + malformed.len() as u64 + parser.blank;
            assert_eq!(
                parser.lines, accounted,
                "{} {form:?}: the ledger does not balance",
                format.name
            );
            for bad in &malformed {
                let at = usize::try_from(bad.offset).expect("a position in a text");
                assert!(
                    text[at..].starts_with(&bad.raw),
                    "raw bytes differ from the text at their offset"
                );
            }
            let table = OutputTable::of(Schema::Native, plan);
            let encoder =
                JsonEncoder::new(table, &facts, Compression::None, Vec::new()).expect("writing to memory succeeds");
            let mut encoder = Box::new(encoder);
            encoder.encode(&batch).expect("writing to memory succeeds");
            let json = encoder.finish().expect("writing to memory succeeds");
            let json = str::from_utf8(&json).expect("events are UTF-8");
            for line in json.lines() {
                let event: Result<serde_json::Value, _> = serde_json::from_str(line);
                assert!(event.is_ok(), "an event is not JSON");
            }
            assert_eq!(json.lines().count(), batch.rows());
        }
        let order = FieldOrder::usual(format.log_type);
        let _ = detect_form(text, None, Some(&order));
    }
    let _ = detect_form(text, None, None);
}
