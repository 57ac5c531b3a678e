//! Recognizes an output that exists already: whether it is intact, and made from the same object.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use memchr::memmem;

use crate::object::ObjectFacts;

use super::compressor::decompressed;

/// The last bytes of a Parquet file: the length of its footer, and its magic bytes.
const TAIL: u64 = 8;
const MAGIC: &[u8; 4] = b"PAR1";
/// The maximum length of a footer that is searched.
const MAX_FOOTER: u64 = 64 * 1024 * 1024;
/// The part of the first line of JSON that is searched.
const MAX_LINE: u64 = 16 * 1024 * 1024;

/// Returns whether the file with this name is an intact output of the object, whatever version of this program and
/// whatever schema or compression wrote it.
///
/// A Parquet file is recognized by its footer: the names of this program's metadata, and the object's id in the statistics of
/// the events' ids. JSON is decompressed to its end; its first line is an event with the object's id, or a row of the
/// quarantine with the object's bucket and key.
///
/// # Errors
/// The file cannot be read.
pub fn is_output_of(facts: &ObjectFacts, name: &str, file: impl Read + Seek) -> io::Result<bool> {
    if name.ends_with(".parquet") {
        is_parquet_of(&facts.id, file)
    } else {
        is_json(name, file, |line| {
            is_event_of(&facts.id, line) || is_row_of(facts, line)
        })
    }
}

/// Like [`is_output_of`], for an object of which only the id is known. A row of the quarantine may then be one of another object.
///
/// # Errors
/// The file cannot be read.
pub fn is_output_of_id(id: &str, name: &str, file: impl Read + Seek) -> io::Result<bool> {
    if name.ends_with(".parquet") {
        is_parquet_of(id, file)
    } else {
        is_json(name, file, |line| {
            is_event_of(id, line) || source_of_row(line).is_some()
        })
    }
}

fn is_parquet_of(id: &str, mut file: impl Read + Seek) -> io::Result<bool> {
    let bytes = file.seek(SeekFrom::End(0))?;
    if bytes < TAIL + MAGIC.len() as u64 {
        return Ok(false);
    }
    let (mut head, mut length, mut tail) = ([0; 4], [0; 4], [0; 4]);
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut head)?;
    file.seek(SeekFrom::Start(bytes - TAIL))?;
    file.read_exact(&mut length)?;
    file.read_exact(&mut tail)?;
    let length = u64::from(u32::from_le_bytes(length));
    let fits = length <= MAX_FOOTER && length + TAIL + MAGIC.len() as u64 <= bytes;
    if head != *MAGIC || tail != *MAGIC || !fits {
        return Ok(false);
    }
    file.seek(SeekFrom::Start(bytes - TAIL - length))?;
    let mut footer = Vec::new();
    file.take(length).read_to_end(&mut footer)?;
    let contains = |text: &str| memmem::find(&footer, text.as_bytes()).is_some();
    Ok(contains("alb_ingest.table") && contains(&format!("{id}-")))
}

fn is_json(name: &str, file: impl Read, is_first: impl Fn(&[u8]) -> bool) -> io::Result<bool> {
    match read_json(name, file) {
        Ok(Some(line)) => Ok(is_first(&line)),
        Ok(None) => Ok(false),
        // What a decompressor reports; the file itself could be read.
        Err(error) if error.raw_os_error().is_none() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads a file to its end; returns its first line, or nothing if it is empty or ends within a line.
fn read_json(name: &str, file: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut reader = BufReader::with_capacity(64 * 1024, decompressed(name, file)?);
    let mut line = Vec::new();
    reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
    let mut last = line.last().copied();
    loop {
        let (buffered, end) = match reader.fill_buf()? {
            [] => break,
            bytes => (bytes.len(), bytes.last().copied()),
        };
        last = end;
        reader.consume(buffered);
    }
    Ok((last == Some(b'\n')).then_some(line))
}

fn is_event_of(id: &str, line: &[u8]) -> bool {
    memmem::find(line, format!("\"{id}-").as_bytes()).is_some()
}

fn is_row_of(facts: &ObjectFacts, line: &[u8]) -> bool {
    source_of_row(line).is_some_and(|(bucket, key)| bucket == facts.object.bucket && key == facts.object.key)
}

/// Returns the bucket and the key in a row of the quarantine.
fn source_of_row(line: &[u8]) -> Option<(String, String)> {
    let text_after = |rest: &'_ [u8], name: &str| {
        let rest = rest.get(memmem::find(rest, name.as_bytes())? + name.len()..)?;
        let mut texts = serde_json::Deserializer::from_slice(rest).into_iter::<String>();
        texts.next()?.ok()
    };
    Some((
        text_after(line, "\"source_bucket\":")?,
        text_after(line, "\"source_key\":")?,
    ))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use crate::encode::compressor::Compressor;
    use crate::encode::{Compression, FileFormat};
    use crate::object::ObjectRef;

    use super::*;

    fn facts(key: &str) -> ObjectFacts {
        ObjectFacts::new(ObjectRef {
            bucket: "logs".to_owned(),
            key: key.to_owned(),
            version: "1".to_owned(),
        })
    }

    #[test]
    fn json_is_recognized_by_its_first_line_and_its_end() {
        let (one, other) = (facts("a\"\u{1}.log"), facts("b.log"));
        let event = format!("{{\"event_id\":\"{}-0000000001\"}}\n{{}}\n", one.id);
        let row = "{\"source_bucket\":\"logs\",\"source_key\":\"a\\\"\\u0001.log\",\"line\":1,\"raw\":\"x\"}\n";
        for text in [event.as_str(), row] {
            for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
                let name = format!("x.{}", FileFormat::Json.extension(compression));
                let mut out = Compressor::new(compression, Vec::new()).unwrap();
                out.write_all(text.as_bytes()).unwrap();
                let bytes = out.finish().unwrap();
                let is_of = |facts, bytes: &[u8]| is_output_of(facts, &name, Cursor::new(bytes.to_vec())).unwrap();
                assert!(is_of(&one, &bytes), "{name}: {text}");
                assert!(!is_of(&other, &bytes), "{name}: {text}");
                for cut in 0..bytes.len() {
                    // The end of an uncompressed file shows only whether a line is cut.
                    let is_whole = compression == Compression::None && bytes[..cut].ends_with(b"\n");
                    assert_eq!(is_of(&one, &bytes[..cut]), is_whole, "{name}, {cut} bytes: {text}");
                }
            }
        }
    }

    #[test]
    fn other_bytes_are_no_parquet_output() {
        let one = facts("a.log");
        let of = |bytes: &[u8]| is_output_of(&one, "x.parquet", Cursor::new(bytes.to_vec())).unwrap();
        let id = format!("alb_ingest.table {}-", one.id);
        let file = |footer: &str, length: u32| [b"PAR1", footer.as_bytes(), &length.to_le_bytes(), b"PAR1"].concat();
        let length = u32::try_from(id.len()).unwrap();
        assert!(of(&file(&id, length)));
        for wrong in [
            vec![],
            b"PAR1".to_vec(),
            file(&id, u32::MAX),
            file(&id, 5),
            file("PAR1", 4),
        ] {
            assert!(!of(&wrong), "{wrong:?}");
        }
    }
}
