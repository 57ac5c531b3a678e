//! The page of a report: one self-contained HTML file.
//!
//! The page is a function of the figures. It makes no requests: its policy allows exactly its own style sheet and script, by
//! their hashes. The script only shows times in the reader's time zone; without it, the page is complete, in UTC.

mod balancers;
mod chart;
mod health;
mod html;
mod input;
mod number;
mod over_time;
mod part;
mod rankings;
mod rules;
mod suspicious;
mod table;
mod tiles;
mod time_axis;
mod tls;
mod visitors;

#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use self::html::Html;
use self::part::Section;
use self::time_axis::Form;
use super::Figures;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("local_times.js");

/// Returns the page with the figures.
pub fn html(figures: &Figures) -> String {
    let sections: Vec<Section> = [
        over_time::section,
        balancers::section,
        rules::own_errors,
        visitors::section,
        rules::section,
        tls::section,
        health::section,
        suspicious::section,
        input::section,
    ]
    .iter()
    .map(|section| section(figures))
    .filter(|section| !section.cards.is_empty())
    .collect();
    let mut page = Html::default();
    page.markup("<!doctype html>\n");
    page.element("html", &[("lang", &"en")], |page| {
        head(figures, page);
        page.element("body", &[], |page| {
            page.element("header", &[], |page| header(figures, &sections, page));
            page.element("main", &[], |page| {
                for section in &sections {
                    section.write(page);
                }
            });
            footer(figures, page);
            page.element("script", &[], |page| page.markup(SCRIPT));
        });
    });
    page.line();
    page.finish()
}

fn head(figures: &Figures, page: &mut Html) {
    page.element("head", &[], |page| {
        page.markup("<meta charset=\"utf-8\">");
        let policy = format!(
            "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
            hash(SCRIPT),
            hash(STYLE)
        );
        page.shape(
            "meta",
            &[("http-equiv", &"Content-Security-Policy"), ("content", &policy)],
        );
        page.markup("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
        page.markup("<meta name=\"color-scheme\" content=\"light dark\">");
        // Without this, a browser asks the server of the page for an icon.
        page.markup("<link rel=\"icon\" href=\"data:,\">");
        page.leaf("title", &[], &figures.title);
        page.element("style", &[], |page| page.markup(STYLE));
    });
}

/// Returns a text's hash in the form of a content security policy.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

fn header(figures: &Figures, sections: &[Section], page: &mut Html) {
    page.element("div", &[("class", &"top")], |page| {
        page.element("div", &[], |page| {
            page.leaf("h1", &[], &figures.title);
            page.element("p", &[("class", &"period")], |page| match figures.period {
                None => page.text("No events."),
                Some(period) => {
                    Form::Minute.write(page, "time", &[], period.first.micros());
                    page.text(" to ");
                    Form::Minute.write(page, "time", &[], period.last.micros());
                    page.text(" UTC");
                    page.leaf("span", &[("id", &"local-period")], "");
                }
            });
        });
        page.markup("<button type=\"button\" id=\"zone\" hidden></button>");
    });
    tiles::write(figures, page);
    page.element("nav", &[("aria-label", &"Sections")], |page| {
        for section in sections {
            page.leaf("a", &[("href", &format_args!("#{}", section.id))], section.short);
        }
    });
}

fn footer(figures: &Figures, page: &mut Html) {
    page.element("footer", &[], |page| {
        page.text(format_args!("Made by {}. Times are ", figures.program));
        page.leaf("span", &[("class", &"zone-name")], "UTC");
        page.text("; days and months are those of UTC.");
    });
}
