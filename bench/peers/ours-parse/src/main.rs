//! `ours-parse MODE FILE`: what the library does with every line of a plain access log.
//!
//! Modes: `read-only` reads the file and does nothing, the baseline to subtract; `parse` parses the lines into typed
//! columns; `json` writes them as JSON lines as well. Prints the lines that were read, those that failed, and the
//! bytes of JSON.
//!
//! The mode `discard` takes an object in gzip through the whole engine to JSON, and throws the output away.

mod discard;

use std::error::Error;
use std::hint::black_box;
use std::io::{self, Read as _, Write};
use std::{env, fs::File};

use alb_ingest::parse::batch::{Batch, LineParser};
use alb_ingest::encode::{Compression, FileFormat, encoder};
use alb_ingest::formats::Format;
use alb_ingest::object::{ObjectFacts, ObjectRef};
use alb_ingest::schema::mapping::{OutputTable, Schema};

/// As much as the program hands on at a time.
const BLOCK: usize = 256 * 1024;

/// Takes text and counts it.
struct Counted(usize);

impl Write for Counted {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0 += black_box(text).len();
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let (Some(mode), Some(path)) = (args.next(), args.next()) else {
        return Err("usage: ours-parse read-only|parse|json|discard FILE".into());
    };
    let (parse, json) = match mode.as_str() {
        "read-only" => (false, false),
        "parse" => (true, false),
        "json" => (true, true),
        "discard" => return discard::json(&path),
        other => return Err(format!("no mode {other}").into()),
    };
    let plan = Format::by_name("alb_access_log").ok_or("no such table")?.plan();
    let facts = ObjectFacts::new(ObjectRef {
        bucket: "local".to_owned(),
        key: "access.log".to_owned(),
        version: String::new(),
    });
    let mut writer = encoder(
        FileFormat::Json,
        Compression::None,
        (OutputTable::of(Schema::Native, plan), None),
        &facts,
        Counted(0),
    )?;
    let mut parser = LineParser::new(plan, None);
    let mut batch = Batch::new(plan);
    let mut malformed = Vec::new();
    let mut file = File::open(path)?;
    let mut block = vec![0; BLOCK];
    let (mut filled, mut offset, mut failed) = (0, 0, 0);
    loop {
        let read = file.read(&mut block[filled..])?;
        filled += read;
        if read > 0 && filled < BLOCK {
            continue;
        }
        // The lines that are whole; the rest precedes the next block.
        let whole = match block[..filled].iter().rposition(|byte| *byte == b'\n') {
            Some(newline) if read > 0 => newline + 1,
            _ => filled,
        };
        if parse {
            parser.push_block(&block[..whole], offset, &mut batch, &mut malformed);
            if json {
                writer.encode(&batch)?;
            }
            black_box(&batch).rows();
            batch.clear();
            failed += malformed.len();
            malformed.clear();
        }
        black_box(&block);
        offset += whole as u64;
        block.copy_within(whole..filled, 0);
        filled -= whole;
        if read == 0 {
            break;
        }
    }
    let Counted(written) = writer.finish()?;
    println!("{{\"lines\":{},\"failed\":{failed},\"bytes\":{written}}}", parser.lines);
    Ok(())
}
