//! Writes the structs of Parquet's metadata in Thrift's compact protocol. The writer of the `parquet` crate, which builds a
//! structure in memory for each of them, is the reference in tests.
//!
//! The names and numbers of the fields: <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>.

use parquet::basic::{Encoding, EncodingMask};

use super::bits::{write_varint, write_zigzag};
use super::file::count;

/// The types of fields and of the elements of lists.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const INT32: u8 = 5;
const INT64: u8 = 6;
const BYTES: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// Writes the fields of a struct, in ascending order of their numbers, which are less than 16.
pub(super) struct Fields<'a> {
    out: &'a mut Vec<u8>,
    last: u8,
}

impl<'a> Fields<'a> {
    /// Begins a struct.
    pub(super) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self::after(0, out)
    }

    /// Continues a struct whose last field is `last`.
    pub(super) const fn after(last: u8, out: &'a mut Vec<u8>) -> Self {
        Self { out, last }
    }

    fn begin(&mut self, number: u8, kind: u8) {
        self.out.push((number - self.last) << 4 | kind);
        self.last = number;
    }

    /// Writes a 32-bit number, or a variant of an enumeration.
    pub(super) fn int32(&mut self, number: u8, value: i32) {
        self.begin(number, INT32);
        write_zigzag(i64::from(value), self.out);
    }

    pub(super) fn int64(&mut self, number: u8, value: i64) {
        self.begin(number, INT64);
        write_zigzag(value, self.out);
    }

    pub(super) fn flag(&mut self, number: u8, value: bool) {
        self.begin(number, if value { TRUE } else { FALSE });
    }

    pub(super) fn bytes(&mut self, number: u8, value: &[u8]) {
        self.begin(number, BYTES);
        write_bytes(value, self.out);
    }

    /// Begins a list of structs, whose `len` elements follow.
    pub(super) fn structs(&mut self, number: u8, len: usize) {
        self.list(number, STRUCT, len);
    }

    fn list(&mut self, number: u8, kind: u8, len: usize) {
        self.begin(number, LIST);
        if let Ok(len @ 0..15) = u8::try_from(len) {
            self.out.push(len << 4 | kind);
        } else {
            self.out.push(0xf0 | kind);
            write_varint(len as u64, self.out);
        }
    }

    pub(super) fn texts<'t>(&mut self, number: u8, texts: impl ExactSizeIterator<Item = &'t [u8]>) {
        self.list(number, BYTES, texts.len());
        texts.for_each(|text| write_bytes(text, self.out));
    }

    pub(super) fn int64s(&mut self, number: u8, values: impl ExactSizeIterator<Item = i64>) {
        self.list(number, INT64, values.len());
        values.for_each(|value| write_zigzag(value, self.out));
    }

    pub(super) fn flags(&mut self, number: u8, flags: impl ExactSizeIterator<Item = bool>) {
        // The type of their elements is that of a false one, as the crate writes it.
        self.list(number, FALSE, flags.len());
        self.out.extend(flags.map(|flag| if flag { TRUE } else { FALSE }));
    }

    /// Begins an element of a list of structs.
    pub(super) fn element(&mut self) -> Fields<'_> {
        Fields::new(self.out)
    }

    pub(super) fn encodings(&mut self, number: u8, encodings: EncodingMask) {
        self.list(number, INT32, encodings.encodings().count());
        encodings
            .encodings()
            .for_each(|encoding| write_zigzag(i64::from(encoding as i32), self.out));
    }

    /// Begins a struct as a field of this one.
    pub(super) fn nested(&mut self, number: u8) -> Fields<'_> {
        self.begin(number, STRUCT);
        Fields::new(self.out)
    }

    /// Writes a struct that is already encoded.
    pub(super) fn encoded(&mut self, number: u8, encoded: &[u8]) {
        self.begin(number, STRUCT);
        self.out.extend_from_slice(encoded);
    }

    /// Writes fields that are already encoded, of which `last` is the last one.
    pub(super) fn encoded_fields(&mut self, last: u8, encoded: &[u8]) {
        self.out.extend_from_slice(encoded);
        self.last = last;
    }

    pub(super) fn end(self) {
        self.out.push(0);
    }
}

fn write_bytes(value: &[u8], out: &mut Vec<u8>) {
    write_varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

/// The header of a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageHeader {
    pub(super) is_dictionary: bool,
    pub(super) uncompressed: usize,
    pub(super) compressed: usize,
    pub(super) values: usize,
    pub(super) encoding: Encoding,
}

impl PageHeader {
    /// Appends the header, a `PageHeader` of the format.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        let small = |number| i32::try_from(number).expect("a page is smaller than 2 GiB");
        let mut page = Fields::new(out);
        page.int32(1, if self.is_dictionary { 2 } else { 0 });
        page.int32(2, small(self.uncompressed));
        page.int32(3, small(self.compressed));
        let mut header = page.nested(if self.is_dictionary { 7 } else { 5 });
        header.int32(1, small(self.values));
        header.int32(2, self.encoding as i32);
        if self.is_dictionary {
            // Not sorted.
            header.flag(3, false);
        } else {
            // The encodings of definition and repetition levels.
            header.int32(3, Encoding::RLE as i32);
            header.int32(4, Encoding::RLE as i32);
        }
        header.end();
        page.end();
    }
}

/// A bound of a column chunk, and whether it is one of its values.
pub(super) type Bound<'a> = Option<(&'a [u8], bool)>;

/// Appends a `Statistics` of the format.
pub(super) fn write_statistics(min: Bound<'_>, max: Bound<'_>, nulls: usize, nans: Option<i64>, out: &mut Vec<u8>) {
    let mut statistics = Fields::new(out);
    statistics.int64(3, count(nulls));
    if let Some((max, _)) = max {
        statistics.bytes(5, max);
    }
    if let Some((min, _)) = min {
        statistics.bytes(6, min);
    }
    statistics.flag(7, max.is_some_and(|(_, exact)| exact));
    statistics.flag(8, min.is_some_and(|(_, exact)| exact));
    if let Some(nans) = nans {
        statistics.int64(9, nans);
    }
    statistics.end();
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use parquet::column::page::{CompressedPage, Page, PageWriter as _};
    use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
    use proptest::prelude::*;

    use super::*;

    fn by_the_crate(header: PageHeader) -> Vec<u8> {
        let buf = Bytes::from(vec![0; header.compressed]);
        let (num_values, encoding) = (u32::try_from(header.values).unwrap(), header.encoding);
        let page = if header.is_dictionary {
            Page::DictionaryPage {
                buf,
                num_values,
                encoding,
                is_sorted: false,
            }
        } else {
            Page::DataPage {
                buf,
                num_values,
                encoding,
                def_level_encoding: Encoding::RLE,
                rep_level_encoding: Encoding::RLE,
                statistics: None,
            }
        };
        let mut out = TrackedWrite::new(Vec::new());
        let page = CompressedPage::new(page, header.uncompressed);
        SerializedPageWriter::new(&mut out).write_page(page).unwrap();
        let mut written = out.into_inner().unwrap();
        written.truncate(written.len() - header.compressed);
        written
    }

    proptest! {
        #[test]
        fn page_headers_equal_those_of_the_crate(
            is_dictionary: bool,
            uncompressed in 0..=i32::MAX as usize,
            compressed in 0..200_000_usize,
            values in prop_oneof![0..300_usize, 0..=i32::MAX as usize],
            encoding in prop::sample::select(vec![
                Encoding::PLAIN,
                Encoding::RLE_DICTIONARY,
                Encoding::DELTA_BYTE_ARRAY,
                Encoding::DELTA_BINARY_PACKED,
            ]),
        ) {
            let header = PageHeader { is_dictionary, uncompressed, compressed, values, encoding };
            let mut written = Vec::new();
            header.write(&mut written);
            prop_assert_eq!(written, by_the_crate(header));
        }
    }
}
