//! Fuzzes any lines with the parser of every table: no panic, and every line is an event, malformed or blank.

use alb_ingest::encode::{Compression, Encoder as _, JsonEncoder};
use alb_ingest::formats::FORMATS;
use alb_ingest::object::{ObjectFacts, ObjectRef, detect};
use alb_ingest::parse::batch::{Batch, LineParser};
use alb_ingest::schema::mapping::{OutputTable, Schema};

/// Runs the target on one input.
pub fn run(text: &[u8]) {
    let facts = ObjectFacts::new(ObjectRef {
        bucket: "fuzz".to_owned(),
        key: "lines.log".to_owned(),
        version: "0".to_owned(),
    });
    for format in FORMATS {
        let plan = format.plan();
        let mut parser = LineParser::new(plan, Some("app/shop/1"));
        let (mut batch, mut malformed) = (Batch::new(plan), Vec::new());
        parser.push_block(text, 0, &mut batch, &mut malformed);
        parser.finish(&mut malformed);

        let accounted = batch.rows() as u64 + malformed.len() as u64 + parser.blank;
        assert_eq!(parser.lines, accounted, "{}: the ledger does not balance", format.name);
        assert_eq!(batch.line_numbers().len(), batch.rows());
        for bad in &malformed {
            let at = usize::try_from(bad.offset).expect("a position in a text");
            assert!(
                text[at..].starts_with(&bad.raw),
                "raw bytes differ from the text at their offset"
            );
        }
        // Accepted lines can be encoded.
        for schema in Schema::ALL {
            let table = OutputTable::of(schema, plan);
            let encoder =
                JsonEncoder::new(table, &facts, Compression::None, Vec::new()).expect("writing to memory succeeds");
            let mut encoder = Box::new(encoder);
            encoder.encode(&batch).expect("writing to memory succeeds");
            let json = encoder.finish().expect("writing to memory succeeds");
            let json = str::from_utf8(&json).expect("events are UTF-8");
            assert_eq!(super::events(schema, json.as_bytes()), batch.rows());
        }
    }
    let _ = detect(text, None);
}
