//! The parts of the page: cards in sections. What has no data has no card, and a section without cards is not in the page.

use super::html::Html;
use super::table::Table;

/// A box with a title.
#[derive(Debug)]
pub(super) struct Card {
    title: String,
    notes: Vec<String>,
    is_wide: bool,
    body: Html,
}

impl Card {
    /// Creates a card.
    pub(super) fn new(title: impl Into<String>, body: Html) -> Self {
        Self {
            title: title.into(),
            notes: Vec::new(),
            is_wide: false,
            body,
        }
    }

    /// Creates a card with a table, unless the table is empty.
    pub(super) fn table(title: impl Into<String>, table: &Table) -> Option<Self> {
        (!table.is_empty()).then(|| {
            let mut body = Html::default();
            table.write(&mut body);
            Self::new(title, body)
        })
    }

    /// Takes the whole width of the page.
    pub(super) fn wide(mut self) -> Self {
        self.is_wide = true;
        self
    }

    /// Adds a sentence below the title, unless it is empty.
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        let note = note.into();
        if !note.is_empty() {
            self.notes.push(note);
        }
        self
    }

    fn write(&self, html: &mut Html, is_wide: bool) {
        let class = if is_wide { "card wide" } else { "card" };
        html.element("article", &[("class", &class)], |html| {
            html.leaf("h3", &[], &self.title);
            for note in &self.notes {
                html.leaf("p", &[("class", &"note")], note);
            }
            html.part(&self.body);
        });
        html.line();
    }
}

/// A section of the page.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// The title in the list of sections.
    pub(super) short: &'static str,
    pub(super) cards: Vec<Card>,
}

impl Section {
    /// Creates a section of the cards that have data.
    pub(super) fn new(
        id: &'static str,
        [short, title]: [&'static str; 2],
        cards: impl IntoIterator<Item = Option<Card>>,
    ) -> Self {
        Self {
            id,
            title,
            short,
            cards: cards.into_iter().flatten().collect(),
        }
    }

    /// Writes the section.
    pub(super) fn write(&self, html: &mut Html) {
        html.element("section", &[("id", &self.id)], |html| {
            html.leaf("h2", &[], self.title);
            html.element("div", &[("class", &"cards")], |html| {
                for row in self.rows() {
                    match row {
                        [card] => card.write(html, true),
                        cards => html.element("div", &[("class", &"pair")], |html| {
                            for side in 0..2 {
                                html.element("div", &[], |html| {
                                    cards
                                        .iter()
                                        .skip(side)
                                        .step_by(2)
                                        .for_each(|card| card.write(html, false));
                                });
                            }
                        }),
                    }
                }
            });
        });
    }

    /// Returns the rows: a card that takes the whole width, because it is wide or because it has no neighbour, or an even number
    /// of cards for two columns.
    fn rows(&self) -> Vec<&[Card]> {
        let mut rows = Vec::new();
        for run in self.cards.chunk_by(|left, right| !left.is_wide && !right.is_wide) {
            let (pairs, alone) = run.split_at(run.len() / 2 * 2);
            rows.extend([pairs, alone].into_iter().filter(|cards| !cards.is_empty()));
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_without_neighbour_takes_the_whole_width() {
        for (cards, rows) in [
            ("", vec![]),
            ("w", vec![1]),
            ("n", vec![1]),
            ("wnnnnn", vec![1, 4, 1]),
            ("nnwwn", vec![2, 1, 1, 1]),
        ] {
            let cards = cards.chars().map(|kind| {
                let card = Card::new("title", Html::default());
                Some(if kind == 'w' { card.wide() } else { card })
            });
            let section = Section::new("id", ["title"; 2], cards);
            assert_eq!(section.rows().iter().map(|row| row.len()).collect::<Vec<_>>(), rows);
        }
    }
}
