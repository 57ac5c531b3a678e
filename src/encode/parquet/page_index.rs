//! The page index: where the pages of a column chunk begin and which values they have. Readers skip pages by it.
//!
//! Chunks with a single page have none, and chunks whose pages all have the same bounds have the positions only: the statistics of
//! the chunk say the rest.

use super::file::count;
use super::statistics::{Bounds, PageBounds};
use super::thrift::Fields;

/// Collects the index of a chunk.
#[derive(Debug, Default)]
pub(super) struct PageIndex {
    pages: Vec<IndexedPage>,
    /// The bounds of all pages, each the smallest value and the greatest.
    bounds: Vec<u8>,
    /// Whether a page has values but no bound of limited length.
    unbounded: bool,
    /// Whether pages have different bounds.
    varied: bool,
}

#[derive(Debug, Clone, Copy)]
struct IndexedPage {
    /// The number of its bytes, header included.
    len: usize,
    first_row: usize,
    nulls: usize,
    /// The lengths of its bounds. `None` if it has only nulls.
    bounds: Option<(usize, usize)>,
}

/// The encoded index of a chunk.
#[derive(Debug, Default)]
pub(super) struct EncodedIndex {
    /// A `ColumnIndex` of the format, or empty.
    pub(super) columns: Vec<u8>,
    /// An `OffsetIndex` of the format.
    pub(super) offsets: Vec<u8>,
}

impl PageIndex {
    /// Adds a page.
    pub(super) fn add(&mut self, len: usize, first_row: usize, nulls: usize, bounds: &mut Bounds) {
        let start = self.bounds.len();
        let bounds = match bounds.finish_page(&mut self.bounds) {
            PageBounds::None => None,
            PageBounds::Unlimited => {
                self.unbounded = true;
                None
            }
            PageBounds::Until(middle) => Some((middle - start, self.bounds.len() - middle)),
        };
        if let Some(last) = self.pages.last() {
            let (_, last_bounds) = self.bounds[..start].split_at(start - last.bounds.map_or(0, |(min, max)| min + max));
            self.varied |= last.bounds != bounds || *last_bounds != self.bounds[start..];
        }
        self.pages.push(IndexedPage {
            len,
            first_row,
            nulls,
            bounds,
        });
    }

    /// Encodes the index of a chunk whose pages begin at `offset` of the file, and empties it.
    pub(super) fn encode(&mut self, mut offset: usize, nans: Option<i64>) -> Option<EncodedIndex> {
        let mut encoded = EncodedIndex::default();
        if self.pages.len() > 1 {
            if self.varied && !self.unbounded {
                self.encode_columns(nans, &mut encoded.columns);
            }
            let mut index = Fields::new(&mut encoded.offsets);
            index.structs(1, self.pages.len());
            for page in &self.pages {
                let mut location = index.element();
                location.int64(1, count(offset));
                location.int32(2, i32::try_from(page.len).expect("a page is smaller than 2 GiB"));
                location.int64(3, count(page.first_row));
                location.end();
                offset += page.len;
            }
            index.end();
        }
        self.pages.clear();
        self.bounds.clear();
        (self.unbounded, self.varied) = (false, false);
        (!encoded.offsets.is_empty()).then_some(encoded)
    }

    fn encode_columns(&self, nans: Option<i64>, out: &mut Vec<u8>) {
        let pages = || self.pages.iter();
        let mut index = Fields::new(out);
        index.flags(1, pages().map(|page| page.bounds.is_none()));
        let mut at = 0;
        let bounds: Vec<_> = pages()
            .map(|page| {
                let (min, max) = page.bounds.unwrap_or_default();
                let start = at;
                at += min + max;
                self.bounds[start..at].split_at(min)
            })
            .collect();
        index.texts(2, bounds.iter().map(|(min, _)| *min));
        index.texts(3, bounds.iter().map(|(_, max)| *max));
        // The bounds of the pages have no particular order.
        index.int32(4, 0);
        index.int64s(5, pages().map(|page| count(page.nulls)));
        if let Some(nans) = nans {
            index.int64s(8, pages().map(|_| nans));
        }
        index.end();
    }

    /// Returns the number of bytes held.
    pub(super) const fn memory(&self) -> usize {
        self.pages.len() * size_of::<IndexedPage>() + self.bounds.len()
    }

    /// Frees the memory of an empty index.
    pub(super) fn release(&mut self) {
        if self.pages.is_empty() {
            *self = Self::default();
        }
    }
}
