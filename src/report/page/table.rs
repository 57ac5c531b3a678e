//! Tables of the page.

use super::html::{Html, shortened};
use super::number::{Percent, Unit};
use super::time_axis::Form;

/// The most characters of a text that stays on one line.
const MAX_SHORT: usize = 18;

/// A cell of a table.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    /// Text of a client, of a log, or of the program.
    Text(String),
    /// A name, in a fixed-width font.
    Code(String),
    /// A name with a sentence below it.
    Explained(String, String),
    /// A number.
    Number(u64, Unit),
    /// A number of another kind than errors that is worth a colour if it is not zero.
    Bad(u64),
    /// A share.
    Share(Percent),
    /// A time in microseconds.
    Time(i64, Form),
    /// Nothing: a value that was not measured.
    Missing,
}

impl Cell {
    /// Returns the cell of a count.
    pub(super) const fn count(count: u64) -> Self {
        Self::Number(count, Unit::Count)
    }

    /// Returns the cell of a duration in microseconds, which may be missing.
    pub(super) fn time_span(micros: Option<u64>) -> Self {
        micros.map_or(Self::Missing, |micros| Self::Number(micros, Unit::Time))
    }

    /// Returns the number of characters of a text, which is aligned at the start, or `None` for a number.
    fn characters(&self) -> Option<usize> {
        match self {
            Self::Text(text) | Self::Code(text) => Some(text.chars().count()),
            Self::Explained(..) => Some(usize::MAX),
            Self::Time(..) => Some(0),
            Self::Number(..) | Self::Bad(_) | Self::Share(_) | Self::Missing => None,
        }
    }

    /// Writes the cell as an element.
    fn write(&self, html: &mut Html, tag: &'static str, class: &'static str) {
        let class_of = |more: &str| format!("{class} {more}").trim_start().to_owned();
        match self {
            Self::Text(text) => html.leaf(tag, &[("class", &class)], shortened(text)),
            Self::Code(text) => html.element(tag, &[("class", &class)], |html| {
                html.leaf("code", &[], shortened(text));
            }),
            Self::Explained(name, sentence) => html.element(tag, &[("class", &class)], |html| {
                html.leaf("code", &[], shortened(name));
                html.leaf("small", &[], shortened(sentence));
            }),
            Self::Number(number, unit) => html.leaf(tag, &[("class", &class)], unit.full(*number)),
            Self::Bad(0) => html.leaf(tag, &[("class", &class_of("faint"))], "0"),
            Self::Bad(count) => html.leaf(tag, &[("class", &class_of("bad"))], Unit::Count.full(*count)),
            Self::Share(share) => html.leaf(tag, &[("class", &class)], share),
            Self::Time(micros, form) => form.write(html, tag, &[("class", &class_of("time"))], *micros),
            Self::Missing => html.leaf(tag, &[("class", &class_of("faint"))], "–"),
        }
    }
}

/// A row: its cells, and how long the bar after its first cell is, as a part of the longest one.
#[derive(Debug)]
struct Row {
    cells: Vec<Cell>,
    bar: Option<u64>,
}

/// A table with a heading.
#[derive(Debug)]
pub(super) struct Table {
    caption: String,
    /// The class of a table whose cells need none: it has many.
    class: Option<&'static str>,
    heading: Vec<&'static str>,
    rows: Vec<Row>,
}

impl Table {
    /// Creates a table; screen readers read the caption.
    pub(super) fn new(caption: impl Into<String>, heading: &[&'static str]) -> Self {
        Self {
            caption: caption.into(),
            class: None,
            heading: heading.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Creates a table of many numbers, each row at a time.
    pub(super) fn of_numbers(caption: impl Into<String>, heading: &[&'static str]) -> Self {
        Self {
            class: Some("numbers"),
            ..Self::new(caption, heading)
        }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(Row { cells, bar: None });
    }

    /// Adds a row with a bar for one of its numbers.
    pub(super) fn bar_row(&mut self, bar: u64, cells: Vec<Cell>) {
        self.rows.push(Row { cells, bar: Some(bar) });
    }

    /// Returns whether the table has no rows.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes the table, in a box that scrolls if the table is wider than the page.
    pub(super) fn write(&self, html: &mut Html) {
        let attributes: [super::html::Attribute; 4] = [
            ("class", &"scroll"),
            ("role", &"region"),
            ("aria-label", &self.caption),
            ("tabindex", &"0"),
        ];
        html.element("div", &attributes, |html| {
            let class = self.class.unwrap_or_default();
            html.element("table", &[("class", &class)], |html| {
                html.leaf("caption", &[], &self.caption);
                let classes = self.classes();
                html.element("thead", &[], |html| {
                    html.element("tr", &[], |html| {
                        for (title, class) in self.heading.iter().zip(&classes) {
                            html.leaf("th", &[("scope", &"col"), ("class", class)], title);
                        }
                    });
                });
                let longest = self.rows.iter().filter_map(|row| row.bar).max().unwrap_or(0);
                html.element("tbody", &[], |html| {
                    for row in &self.rows {
                        write_row(html, row, &classes, longest);
                    }
                });
            });
        });
    }

    /// Returns the class of each column: texts, short ones that stay on a line, or numbers.
    fn classes(&self) -> Vec<&'static str> {
        let longest = |at: usize| self.rows.iter().filter_map(|row| row.cells.get(at)?.characters()).max();
        let class = |at| match (self.class, longest(at)) {
            (Some(_), _) => "",
            (None, None) => "n",
            (None, Some(0..=MAX_SHORT)) => "t s",
            (None, Some(_)) => "t",
        };
        (0..self.heading.len()).map(class).collect()
    }
}

fn write_row(html: &mut Html, row: &Row, classes: &[&'static str], longest: u64) {
    html.element("tr", &[], |html| {
        for (at, (cell, class)) in row.cells.iter().zip(classes).enumerate() {
            match row.bar {
                Some(bar) if at == 0 => html.element("td", &[("class", &"bar")], |html| {
                    // The bar is below the text.
                    write_bar(html, bar, longest);
                    cell.write(html, "span", class);
                }),
                _ => cell.write(html, "td", class),
            }
        }
    });
    html.line();
}

fn write_bar(html: &mut Html, bar: u64, longest: u64) {
    let length = u128::from(bar) * 1_000 / u128::from(longest.max(1));
    let attributes: [super::html::Attribute; 3] = [
        ("viewBox", &"0 0 1000 1"),
        ("preserveAspectRatio", &"none"),
        ("aria-hidden", &"true"),
    ];
    html.element("svg", &attributes, |html| {
        html.shape(
            "rect",
            &[("width", &length.max(u128::from(bar > 0) * 4)), ("height", &1)],
        );
    });
}
