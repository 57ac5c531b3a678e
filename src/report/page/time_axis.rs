//! Times of the page, in UTC, and the ticks of a time axis. The page's script adds the reader's own time zone.

use crate::parse::line::time::{DAY, MINUTE, SECOND, civil_from_days, date_text, days_from_civil};

use super::html::{Attribute, Html};

const HOUR: i64 = 60 * MINUTE;
/// The most ticks of an axis. More labels would touch each other on a phone.
const MAX_TICKS: i64 = 5;
/// The distances between ticks that people expect.
const STEPS: [i64; 21] = [
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    5 * DAY,
    10 * DAY,
];
/// The distances of longer axes, in months.
const MONTHS: [i64; 9] = [1, 2, 3, 6, 12, 24, 60, 120, 600];

/// How much of a time a label shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `2026-10-07 11:40:00`
    Second,
    /// `2026-10-07 11:40`
    Minute,
    /// `2026-10-07`
    Day,
    /// `11:40:00`
    SecondOfDay,
    /// `11:40`
    MinuteOfDay,
    /// `10-07 11:40`
    DayAndMinute,
    /// `2026-10`
    Month,
}

impl Form {
    /// Returns the first and the last character in `YYYY-MM-DD HH:MM:SS`.
    const fn range(self) -> (usize, usize) {
        match self {
            Self::Second => (0, 19),
            Self::Minute => (0, 16),
            Self::Day => (0, 10),
            Self::SecondOfDay => (11, 19),
            Self::MinuteOfDay => (11, 16),
            Self::DayAndMinute => (5, 16),
            Self::Month => (0, 7),
        }
    }

    /// Returns the form of the times at which buckets of a width begin.
    pub(super) const fn of_width(width: i64) -> Self {
        if width >= DAY {
            Self::Day
        } else if width >= MINUTE {
            Self::Minute
        } else {
            Self::Second
        }
    }

    /// Returns a time in UTC in this form.
    pub(super) fn text(self, micros: i64) -> String {
        let of_day = micros.rem_euclid(DAY) / SECOND;
        let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
        let date = date_text(micros.div_euclid(DAY));
        let text = format!("{date} {hour:02}:{minute:02}:{second:02}");
        let (start, end) = self.range();
        text.get(start..end).unwrap_or(&text).to_owned()
    }

    /// Writes a time in UTC that the page's script can turn into the reader's time zone. Days and months stay those of UTC.
    pub(super) fn write(self, html: &mut Html, tag: &'static str, attributes: &[Attribute], micros: i64) {
        let (start, end) = self.range();
        let (seconds, range) = (micros.div_euclid(SECOND), format!("{start} {end}"));
        let mut all = attributes.to_vec();
        if end > 10 {
            all.extend([("data-t", &seconds as &dyn std::fmt::Display), ("data-f", &range)]);
        }
        html.leaf(tag, &all, self.text(micros));
    }
}

/// The ticks of an axis, and how their labels are written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ticks {
    pub(super) form: Form,
    pub(super) at: Vec<i64>,
}

/// Returns the ticks of an axis from `start` to `end`.
pub(super) fn ticks(start: i64, end: i64) -> Ticks {
    let span = end.saturating_sub(start).max(1);
    match STEPS.iter().find(|step| span / **step <= MAX_TICKS) {
        Some(step) => even_ticks(start, end, *step),
        None => month_ticks(start, end),
    }
}

fn even_ticks(start: i64, end: i64, step: i64) -> Ticks {
    let first = start.div_euclid(step) + i64::from(start.rem_euclid(step) > 0);
    let at = (first..=end.div_euclid(step)).map(|number| number * step).collect();
    let one_day = start.div_euclid(DAY) == (end - 1).div_euclid(DAY);
    let form = match (step >= DAY, one_day) {
        (true, _) => Form::Day,
        (false, false) => Form::DayAndMinute,
        (false, true) if step < MINUTE => Form::SecondOfDay,
        (false, true) => Form::MinuteOfDay,
    };
    Ticks { form, at }
}

fn month_ticks(start: i64, end: i64) -> Ticks {
    let month_of = |micros: i64| {
        let (year, month, _) = civil_from_days(micros.div_euclid(DAY));
        year * 12 + month - 1
    };
    let (first, last) = (month_of(start), month_of(end));
    let step = MONTHS.iter().find(|step| (last - first) / **step <= MAX_TICKS);
    let step = step.copied().unwrap_or(1_200);
    let months = (first.div_euclid(step)..=last.div_euclid(step)).map(|number| number * step);
    let start_of = |month: i64| days_from_civil(month.div_euclid(12), month.rem_euclid(12) + 1, 1) * DAY;
    Ticks {
        form: Form::Month,
        at: months.map(start_of).filter(|at| (start..=end).contains(at)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::line::time::timestamp_micros;

    fn labels(start: &str, end: &str) -> Vec<String> {
        let [start, end] = [start, end].map(|text| timestamp_micros(text.as_bytes()).unwrap());
        let ticks = ticks(start, end);
        ticks.at.iter().map(|at| ticks.form.text(*at)).collect()
    }

    #[test]
    fn ticks_are_at_round_times() {
        for (start, end, expected) in [
            (
                "2026-10-07T11:40:00",
                "2026-10-07T11:40:04",
                "11:40:00 11:40:01 11:40:02 11:40:03 11:40:04",
            ),
            ("2026-10-07T11:40:03", "2026-10-07T11:44:58", "11:41 11:42 11:43 11:44"),
            (
                "2026-10-07T00:00:00",
                "2026-10-08T00:00:00",
                "00:00 06:00 12:00 18:00 00:00",
            ),
            (
                "2026-10-06T23:50:00",
                "2026-10-07T00:20:00",
                "10-06 23:50|10-07 00:00|10-07 00:10|10-07 00:20",
            ),
            (
                "2026-10-01T00:00:00",
                "2026-10-08T00:00:00",
                "2026-10-02 2026-10-04 2026-10-06 2026-10-08",
            ),
            (
                "2016-11-29T06:15:00",
                "2026-10-07T11:45:00",
                "2018-01 2020-01 2022-01 2024-01 2026-01",
            ),
            ("2025-12-20T00:00:00", "2026-06-07T00:00:00", "2026-01 2026-03 2026-05"),
        ] {
            let separator = if expected.contains('|') { '|' } else { ' ' };
            assert_eq!(
                labels(start, end),
                expected.split(separator).collect::<Vec<_>>(),
                "{start} to {end}"
            );
        }
    }

    #[test]
    fn every_span_has_few_ticks() {
        let mut span = SECOND;
        while span < 200 * 365 * DAY {
            let start = 1_700_000_123 * SECOND + 456;
            let count = ticks(start, start + span).at.len();
            assert!(count <= 7, "{count} ticks in {} s", span / SECOND);
            span += span / 7 + 1;
        }
        assert_eq!(ticks(0, 0).at, [0]);
    }

    #[test]
    fn a_time_has_the_forms_of_its_label() {
        let micros = timestamp_micros(b"2026-10-07T11:40:05.9").unwrap();
        let forms = [
            Form::Second,
            Form::Minute,
            Form::Day,
            Form::SecondOfDay,
            Form::DayAndMinute,
            Form::Month,
        ];
        let texts = forms.map(|form| form.text(micros));
        assert_eq!(
            texts,
            [
                "2026-10-07 11:40:05",
                "2026-10-07 11:40",
                "2026-10-07",
                "11:40:05",
                "10-07 11:40",
                "2026-10"
            ]
        );
        let mut html = Html::default();
        Form::Minute.write(&mut html, "time", &[], micros);
        Form::Day.write(&mut html, "td", &[("class", &"x")], micros);
        assert_eq!(
            html.finish(),
            "<time data-t=\"1791373205\" data-f=\"0 16\">2026-10-07 11:40</time><td class=\"x\">2026-10-07</td>"
        );
    }
}
