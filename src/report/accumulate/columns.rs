//! The columns of a batch by their names.

use crate::parse::batch::{Batch, Lists, Numbers, Texts, Values};

/// The columns of a batch. Every name is that of a column of the batch's table.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a>(pub(super) &'a Batch);

/// A column of texts.
#[derive(Clone, Copy)]
pub(super) struct TextColumn<'a> {
    texts: &'a Texts,
    text: &'a [u8],
}

impl<'a> TextColumn<'a> {
    /// Returns the text of a row, or `None` if it is null.
    #[inline]
    pub(super) fn get(self, row: usize) -> Option<&'a [u8]> {
        self.texts.get(row, self.text)
    }
}

impl<'a> Columns<'a> {
    fn values(self, name: &str) -> &'a Values {
        let position = self.0.plan.columns.iter().position(|column| column.name == name);
        &self.0.columns()[position.expect("the table has the column")]
    }

    pub(super) fn texts(self, name: &str) -> TextColumn<'a> {
        let Values::Text(texts) = self.values(name) else {
            unreachable!("{name} is a column of texts")
        };
        TextColumn {
            texts,
            text: self.0.text(),
        }
    }

    pub(super) fn lists(self, name: &str) -> &'a Lists {
        let Values::TextList(lists) = self.values(name) else {
            unreachable!("{name} is a column of lists")
        };
        lists
    }

    pub(super) fn integers(self, name: &str) -> &'a Numbers<i32> {
        let Values::Int32(numbers) = self.values(name) else {
            unreachable!("{name} is a column of 32-bit integers")
        };
        numbers
    }

    pub(super) fn long_integers(self, name: &str) -> &'a Numbers<i64> {
        let Values::Int64(numbers) = self.values(name) else {
            unreachable!("{name} is a column of 64-bit integers")
        };
        numbers
    }

    pub(super) fn floats(self, name: &str) -> &'a Numbers<f64> {
        let Values::Float64(numbers) = self.values(name) else {
            unreachable!("{name} is a column of floats")
        };
        numbers
    }
}
