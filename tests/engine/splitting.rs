//! The pass over a line's separators, held to the splitter that reads byte by byte, and what it finds out about a line's
//! values.

use alb_ingest::formats::{CLB_ACCESS, FORMATS, Format, LogType, NLB_ACCESS};
use alb_ingest::generate::{Lines, Rate, Traffic};
use alb_ingest::parse::batch::{Batch, LineParser, Malformed, Values};
use alb_ingest::parse::line::text::is_plain;
use alb_ingest::parse::line::{Ends, Parts, Span, split_line, split_regular};
use fearless_simd::{Level, dispatch};
use proptest::prelude::*;
use proptest::sample::select;

/// Splits every line of the text both ways, with the instructions that every processor has and with the best ones of this
/// processor; returns how many lines were regular, and how many there are.
fn compare(format: &'static Format, text: &[u8]) -> Result<(usize, usize), TestCaseError> {
    let counts = compare_with(Level::new(), format, text)?;
    prop_assert_eq!(counts, compare_with(Level::baseline(), format, text)?);
    Ok(counts)
}

fn compare_with(level: Level, format: &'static Format, text: &[u8]) -> Result<(usize, usize), TestCaseError> {
    let plan = format.plan();
    let (mut regular, mut lines, mut at) = (0, 0, 0);
    for line in text.split(|byte| *byte == b'\n') {
        let span = Span::new(at, at + line.len());
        at += line.len() + 1;
        lines += 1;
        let mut exact = vec![Span::NULL; plan.parts];
        let tail = split_line(plan, text, span, &mut exact);
        let mut marked = vec![Span::NULL; plan.parts];
        let mut parts = Parts::new(&mut marked, 1, 0);
        let mut ends = Ends::default();
        let found = dispatch!(level, simd => split_regular(simd, plan, text, span, &mut ends, &mut parts));
        let Some(found) = found else {
            continue;
        };
        regular += 1;
        let shown = line.escape_ascii();
        let tail = tail.map_err(|fault| TestCaseError::fail(format!("{fault}: {shown}")))?;
        prop_assert!(
            tail.extra.is_null() && !tail.inner_quote && !tail.stray_quote,
            "{}",
            shown
        );
        let exact: Vec<Span> = exact.iter().map(|part| part.without_dash(text)).collect();
        prop_assert_eq!(exact, marked, "{}", shown);
        prop_assert!(!found.plain || is_plain(line, Some(format.escapes)), "{}", shown);
    }
    Ok((regular, lines))
}

/// Parses the text; returns how many rows are clean. None of their texts may have a byte that JSON escapes.
fn clean_rows(format: &'static Format, text: &[u8], load_balancer: Option<&str>) -> Result<usize, TestCaseError> {
    let mut batch = Batch::new(format.plan());
    let mut parser = LineParser::new(format.plan(), load_balancer);
    parser.push_block(text, 0, &mut batch, &mut Vec::new());
    prop_assert_eq!(batch.clean().len(), batch.rows());
    let clean = (0..batch.rows()).filter(|row| batch.clean()[*row]);
    for (row, column) in clean
        .clone()
        .flat_map(|row| batch.columns().iter().map(move |column| (row, column)))
    {
        let texts: Vec<&[u8]> = match column {
            Values::Text(texts) => texts.get(row, batch.text()).into_iter().collect(),
            Values::TextList(lists) => lists.get(row, batch.text()).into_iter().flatten().collect(),
            _ => continue,
        };
        for text in texts {
            let escaped = text.iter().any(|byte| matches!(byte, ..b' ' | b'"' | b'\\'));
            prop_assert!(!escaped, "{}", text.escape_ascii());
        }
    }
    Ok(clean.count())
}

/// Returns every value of the batch, row by row.
fn values(batch: &Batch) -> Vec<Vec<String>> {
    let text = |bytes: Option<&[u8]>| bytes.map(|bytes| bytes.escape_ascii().to_string());
    let value = |column: &Values, row| match column {
        Values::Text(texts) => format!("{:?}", text(texts.get(row, batch.text()))),
        Values::TextList(lists) => {
            let items = lists.get(row, batch.text());
            format!(
                "{:?}",
                items.map(|items| items.map(|item| text(Some(item))).collect::<Vec<_>>())
            )
        }
        Values::Int32(numbers) => format!("{:?}", numbers.get(row)),
        Values::Int64(numbers) | Values::Timestamp(numbers) => format!("{:?}", numbers.get(row)),
        Values::Float64(numbers) => format!("{:?}", numbers.get(row)),
        Values::OfObject => String::new(),
    };
    let columns = || batch.columns().iter();
    (0..batch.rows())
        .map(|row| columns().map(|column| value(column, row)).collect())
        .collect()
}

/// Parses the text as one block whose buffer the batch takes, and line by line, each line copied after those before it.
fn compare_blocks(format: &'static Format, text: &[u8], batch: &mut Batch) -> Result<(), TestCaseError> {
    let name = Some("app/example/0123456789abcdef");
    let (mut parser, mut malformed) = (LineParser::new(format.plan(), name), Vec::new());
    let mut buffer = [text, b"after the block"].concat();
    batch.clear();
    parser.push_buffer((&mut buffer, text.len()), 7, batch, &mut malformed);
    parser.finish(&mut malformed);

    let (mut copied, mut by_line) = (Batch::new(format.plan()), Vec::new());
    let (mut parser, mut at) = (LineParser::new(format.plan(), name), 7);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        parser.push_block(line, at, &mut copied, &mut by_line);
        at += line.len() as u64;
    }
    parser.finish(&mut by_line);
    by_line.sort_by_key(|malformed| malformed.line);

    prop_assert_eq!(values(batch), values(&copied));
    // The position of a fault is that in its block.
    let facts = |malformed: Malformed| (malformed.line, malformed.offset, malformed.fault.reason, malformed.raw);
    let by_line: Vec<_> = by_line.into_iter().map(facts).collect();
    prop_assert_eq!(malformed.into_iter().map(facts).collect::<Vec<_>>(), by_line);
    Ok(())
}

fn generated(format: &'static Format, seed: u64, hostile: u32, fields: Option<usize>, lines: usize) -> Vec<u8> {
    let traffic = Traffic {
        fields,
        hostile: Rate::per_million(hostile),
        ..Traffic::default()
    };
    let mut generator = Lines::new(format, seed, traffic);
    let mut text = Vec::new();
    for _ in 0..lines {
        generator.write(&mut text);
    }
    text
}

/// Ordinary lines take the quick way: otherwise the comparison below would compare nothing.
#[test]
fn ordinary_lines_are_regular() {
    for format in FORMATS {
        let text = generated(format, 7, 0, None, 500);
        let (regular, lines) = compare(format, text.trim_ascii_end()).unwrap();
        assert_eq!(lines, 500);
        let expected = match format.log_type {
            // ALPN lists consist of quoted parts that are joined by commas.
            LogType::NlbAccess => 100,
            LogType::AlbAccess | LogType::AlbConnection | LogType::AlbHealthCheck | LogType::ClbAccess => 490,
        };
        assert!(regular >= expected, "{}: {regular} of {lines}", format.name);
        let clean = clean_rows(format, &text, Some("app/example/0123456789abcdef")).unwrap();
        assert!(clean >= expected, "{}: {clean} of {lines}", format.name);
    }
}

/// A list of quoted parts runs to the next space, even between two quotes.
#[test]
fn a_space_ends_a_list_of_quoted_parts() {
    let mut text = generated(&NLB_ACCESS, 7, 0, Some(21), 1);
    text.truncate(text.trim_ascii_end().len());
    let behind_list = text.iter().rposition(|byte| *byte == b' ').unwrap();
    text.truncate(behind_list);
    for list in ["\" ttp/1.1\"", "\"h2\",\" \"", "\"a b\""] {
        let line = [&text, b" ".as_slice(), list.as_bytes()].concat();
        let (regular, lines) = compare(&NLB_ACCESS, &line).unwrap();
        assert_eq!((regular, lines), (0, 1), "{list}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    /// A regular line is split as the exact splitter does, whatever was done to it.
    #[test]
    fn marked_lines_are_split_alike(
        format in select(FORMATS.to_vec()),
        seed: u64,
        hostile in select(vec![0, 300_000]),
        shorter in 0_usize..12,
        edits in prop::collection::vec((any::<prop::sample::Index>(), select(b"\" \\-,:\r\n\t\x01\x7f\xe9x0.".to_vec()), any::<bool>()), 0..6),
        load_balancer in select(vec![None, Some("app/example/0123456789abcdef"), Some("\"")]),
    ) {
        let fields = format.known_fields().saturating_sub(shorter).max(format.min_fields);
        let mut text = generated(format, seed, hostile, Some(fields), 4);
        for (at, byte, insert) in edits {
            let at = at.index(text.len());
            if insert { text.insert(at, byte) } else { text[at] = byte }
        }
        compare(format, &text)?;
        clean_rows(format, &text, load_balancer)?;
    }

    /// A block has the same events in its own buffer as line by line, entries of several lines included. The second block takes
    /// the place of the first.
    #[test]
    fn blocks_in_their_buffer_have_the_events_of_their_lines(
        format in select([FORMATS.to_vec(), vec![&CLB_ACCESS; 3]].concat()),
        seed: u64,
        edits in prop::collection::vec((any::<prop::sample::Index>(), select(b"\" \\\n\n\r\xe9x".to_vec()), any::<bool>()), 0..12),
        longer in 0_usize..2,
    ) {
        let mut batch = Batch::new(format.plan());
        for lines in [12 * (1 + longer), 12 * (2 - longer)] {
            let mut text = generated(format, seed, 300_000, None, lines);
            for (at, byte, insert) in &edits {
                let at = at.index(text.len());
                if *insert { text.insert(at, *byte) } else { text[at] = *byte }
            }
            compare_blocks(format, &text, &mut batch)?;
        }
    }

    /// The same for text of nothing but the bytes that matter.
    #[test]
    fn odd_lines_are_split_alike(
        format in select(FORMATS.to_vec()),
        bytes in prop::collection::vec(select(b"\"\" \\-:x1".to_vec()), 0..400),
    ) {
        compare(format, &bytes)?;
    }
}
