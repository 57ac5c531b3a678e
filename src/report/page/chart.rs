//! Charts over time as inline SVG, each with its numbers in a table.
//!
//! All geometry is in attributes, because the page's security policy allows no style attributes. The plot is stretched to the
//! width of the page; lines and labels are not, so a chart has the same letters on a phone.

use std::fmt::Write as _;

use super::html::{Attribute, Html};
use super::number::{Unit, grouped, round_step};
use super::table::{Cell, Table};
use super::time_axis::{Form, ticks};

/// The height of the plot in pixels, and the space above it for half a label.
const HEIGHT: u64 = 168;
const ABOVE: u64 = 10;
/// The width of the labels of the vertical axis in pixels.
const LABELS: u64 = 58;
/// The plot's own coordinates: its height, and the width of a bucket.
const TALL: u64 = 1_000;
const WIDE: usize = 20;
/// The height of the smallest count that is not zero: a single error among a million requests is seen.
const LEAST: u64 = 9;
/// Gaps between more columns than this would make them pale.
const MAX_GAPS: usize = 90;

/// The values of one kind over time, one for each bucket.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) name: &'static str,
    /// The class of its colour in the style sheet.
    pub(super) class: &'static str,
    /// `None` if nothing was measured in a bucket.
    pub(super) values: Vec<Option<u64>>,
}

impl Series {
    fn value(&self, bucket: usize) -> Option<u64> {
        self.values.get(bucket).copied().flatten()
    }
}

/// How a chart shows its series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// As columns on top of each other.
    Columns,
    /// As lines.
    Lines,
}

/// A chart over time.
#[derive(Debug)]
pub(super) struct Chart {
    /// The id of its title, unique in the page.
    pub(super) id: &'static str,
    pub(super) title: String,
    pub(super) unit: Unit,
    pub(super) shape: Shape,
    /// The first bucket's start and the width of each bucket, in microseconds.
    pub(super) start: i64,
    pub(super) width: i64,
    pub(super) series: Vec<Series>,
}

impl Chart {
    /// Writes the chart with its legend and its table.
    pub(super) fn write(&self, html: &mut Html) {
        html.element("figure", &[("class", &"chart")], |html| {
            self.legend(html);
            html.element("div", &[("class", &"plot")], |html| {
                let top = self.top();
                self.vertical_axis(html, top);
                self.plot(html, top);
            });
            html.element("details", &[], |html| {
                html.leaf("summary", &[], "Numbers");
                self.table().write(html);
            });
        });
        html.line();
    }

    fn buckets(&self) -> usize {
        self.series.iter().map(|series| series.values.len()).max().unwrap_or(0)
    }

    fn bucket_start(&self, bucket: usize) -> i64 {
        let bucket = i64::try_from(bucket).unwrap_or(i64::MAX);
        self.start.saturating_add(self.width.saturating_mul(bucket))
    }

    /// Returns the highest value of the axis, and the distance between its lines.
    fn top(&self) -> (u64, u64) {
        let in_bucket = |bucket: usize| {
            let values = self.series.iter().filter_map(|series| series.value(bucket));
            match self.shape {
                Shape::Columns => values.fold(0, u64::saturating_add),
                Shape::Lines => values.max().unwrap_or(0),
            }
        };
        let highest = (0..self.buckets()).map(in_bucket).max().unwrap_or(0).max(1);
        let step = round_step(highest, 4);
        (highest.div_ceil(step).saturating_mul(step), step)
    }

    fn legend(&self, html: &mut Html) {
        html.element("ul", &[("class", &"legend")], |html| {
            for series in &self.series {
                html.element("li", &[], |html| {
                    let attributes: [Attribute; 3] = [("width", &"10"), ("height", &"10"), ("aria-hidden", &"true")];
                    html.element("svg", &attributes, |html| {
                        html.shape(
                            "rect",
                            &[
                                ("class", &series.class),
                                ("width", &"10"),
                                ("height", &"10"),
                                ("rx", &"2"),
                            ],
                        );
                    });
                    html.text(series.name);
                    if self.shape == Shape::Columns {
                        let total = series
                            .values
                            .iter()
                            .flatten()
                            .fold(0, |sum: u64, value| sum.saturating_add(*value));
                        html.leaf("b", &[], self.unit.full(total));
                    }
                });
            }
        });
    }

    fn vertical_axis(&self, html: &mut Html, (top, step): (u64, u64)) {
        let height = HEIGHT + 2 * ABOVE;
        let attributes: [Attribute; 4] = [
            ("class", &"y"),
            ("width", &LABELS),
            ("height", &height),
            ("aria-hidden", &"true"),
        ];
        html.element("svg", &attributes, |html| {
            for value in (0..=top / step).map(|number| number * step) {
                let y = ABOVE + HEIGHT - scaled(value, top, HEIGHT) + 4;
                html.leaf("text", &[("x", &(LABELS - 8)), ("y", &y)], self.unit.short(value));
            }
        });
    }

    fn plot(&self, html: &mut Html, (top, step): (u64, u64)) {
        let buckets = self.buckets().max(1);
        let id = format!("{}-title", self.id);
        let height = HEIGHT + ABOVE + 24;
        let attributes: [Attribute; 4] = [
            ("class", &"x"),
            ("height", &height),
            ("role", &"img"),
            ("aria-labelledby", &id),
        ];
        html.element("svg", &attributes, |html| {
            html.leaf("title", &[("id", &id)], &self.title);
            let view = format!("0 0 {} {TALL}", buckets * WIDE);
            let attributes: [Attribute; 5] = [
                ("viewBox", &view),
                ("preserveAspectRatio", &"none"),
                ("y", &ABOVE),
                ("width", &"100%"),
                ("height", &HEIGHT),
            ];
            html.element("svg", &attributes, |html| {
                let lines = (0..=top / step).fold(String::new(), |mut path, number| {
                    let y = TALL - scaled(number * step, top, TALL);
                    // Writing to a String does not fail.
                    let _ = write!(path, "M0 {y}H{}", buckets * WIDE);
                    path
                });
                html.shape("path", &[("class", &"grid"), ("d", &lines)]);
                match self.shape {
                    Shape::Columns => self.columns(html, top),
                    Shape::Lines => self.lines(html, top),
                }
                self.tooltips(html);
            });
            self.horizontal_axis(html);
        });
    }

    fn columns(&self, html: &mut Html, top: u64) {
        let gap = if self.buckets() <= MAX_GAPS { 2 } else { 0 };
        let mut filled = vec![0_u64; self.buckets()];
        for series in &self.series {
            let mut path = String::new();
            for (bucket, filled) in filled.iter_mut().enumerate() {
                let value = series.value(bucket).unwrap_or(0);
                if value == 0 {
                    continue;
                }
                let tall = scaled(value, top, TALL).max(LEAST);
                let (x, y) = (bucket * WIDE + gap / 2, TALL.saturating_sub(*filled));
                // Writing to a String does not fail.
                let _ = write!(path, "M{x} {y}v-{tall}h{}v{tall}z", WIDE - gap);
                *filled += tall;
            }
            if !path.is_empty() {
                html.shape("path", &[("class", &series.class), ("d", &path)]);
            }
        }
    }

    fn lines(&self, html: &mut Html, top: u64) {
        for series in &self.series {
            let mut path = String::new();
            for bucket in 0..self.buckets() {
                let Some(value) = series.value(bucket) else {
                    continue;
                };
                let (x, y) = (bucket * WIDE, TALL - scaled(value, top, TALL));
                let before = bucket.checked_sub(1).and_then(|before| series.value(before));
                let after = series.value(bucket + 1);
                // Writing to a String does not fail.
                let _ = match (before, after) {
                    // A value without neighbours is as wide as its bucket.
                    (None, None) => write!(path, "M{x} {y}h{WIDE}"),
                    (None, Some(_)) => write!(path, "M{} {y}", x + WIDE / 2),
                    (Some(_), _) => write!(path, "L{} {y}", x + WIDE / 2),
                };
            }
            let class = format!("{} line", series.class);
            html.shape("path", &[("class", &class), ("d", &path)]);
        }
    }

    /// Writes an invisible column for each bucket with its numbers, which browsers show under the pointer.
    fn tooltips(&self, html: &mut Html) {
        let form = Form::of_width(self.width);
        html.element("g", &[("class", &"hit")], |html| {
            for bucket in 0..self.buckets() {
                let values: Vec<_> = self
                    .series
                    .iter()
                    .filter_map(|series| Some((series.name, series.value(bucket)?)))
                    .filter(|(_, value)| *value > 0)
                    .collect();
                if values.is_empty() {
                    continue;
                }
                html.element(
                    "rect",
                    &[("x", &(bucket * WIDE)), ("width", &WIDE), ("height", &TALL)],
                    |html| {
                        html.element("title", &[], |html| {
                            html.text(format_args!("{} UTC", form.text(self.bucket_start(bucket))));
                            for (name, value) in &values {
                                html.line();
                                html.text(format_args!("{name}: {}", self.unit.full(*value)));
                            }
                        });
                    },
                );
            }
        });
    }

    fn horizontal_axis(&self, html: &mut Html) {
        let end = self.bucket_start(self.buckets());
        let span = end.abs_diff(self.start).max(1);
        let ticks = ticks(self.start, end);
        for at in ticks.at {
            let part = scaled(at.abs_diff(self.start), span, 10_000);
            let x = format!("{}.{:02}%", part / 100, part % 100);
            // Labels at the ends stay inside of the chart.
            let anchor = match part {
                0..500 => "start",
                500..=9_500 => "middle",
                _ => "end",
            };
            let y = ABOVE + HEIGHT + 18;
            ticks
                .form
                .write(html, "text", &[("x", &x), ("y", &y), ("text-anchor", &anchor)], at);
        }
    }

    fn table(&self) -> Table {
        let heading: Vec<_> = std::iter::once("from")
            .chain(self.series.iter().map(|series| series.name))
            .collect();
        let mut table = Table::of_numbers(self.title.clone(), &heading);
        let form = Form::of_width(self.width);
        for bucket in 0..self.buckets() {
            let values: Vec<_> = self.series.iter().map(|series| series.value(bucket)).collect();
            if values.iter().all(|value| value.unwrap_or(0) == 0) {
                continue;
            }
            let numbers = values
                .iter()
                .map(|value| value.map_or(Cell::Missing, |value| Cell::Number(value, self.unit)));
            let time = Cell::Time(self.bucket_start(bucket), form);
            table.row(std::iter::once(time).chain(numbers).collect());
        }
        table
    }
}

/// Returns `value` of `whole` as a part of `length`.
fn scaled(value: u64, whole: u64, length: u64) -> u64 {
    let part = u128::from(value) * u128::from(length) / u128::from(whole.max(1));
    u64::try_from(part).unwrap_or(u64::MAX)
}

/// Returns the width of a bucket as people say it.
pub(super) fn width_text(width: i64) -> String {
    let seconds = width.unsigned_abs() / 1_000_000;
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let (size, unit) = units
        .into_iter()
        .find(|(size, _)| seconds >= *size && seconds.is_multiple_of(*size))
        .unwrap_or((1, "second"));
    match seconds / size {
        1 => unit.to_owned(),
        count => format!("{} {unit}s", grouped(count)),
    }
}
