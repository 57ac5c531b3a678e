"""The page of `alb-ingest report` in a real browser: it works, asks for nothing, and runs nothing that a client sent."""

import re

import pytest
from conftest import PICTURES
from hostile import ATTACKS, TITLE

WIDTHS = (390, 1440)
SCHEMES = ("light", "dark")
PAGES = ("samples", "day", "hostile", "empty")
MAX_BYTES = 1_000_000
# The browser asks for the icon that the page names: one without content.
ICON = "data:,"


def quiet(page) -> None:
    """Fails if the page wrote to the console, or requested anything."""
    assert page.complaints() == []
    (own, *others) = page.requests()
    assert own.startswith("file://") and set(others) <= {ICON}, others


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_in_every_theme_and_width(view, name, scheme, width):
    page = view(name, width, scheme=scheme)
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.picture(PICTURES / f"{name}-{scheme}-{width}.png")
    quiet(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "the page is wider than the window"
    assert page.evaluate("document.querySelector('h1').textContent.length") > 0
    # Nothing is cut off: what is wider than its card is in a box that scrolls.
    outside = page.evaluate("""Array.from(document.querySelectorAll('main *'))
        .filter((element) => !element.closest('.scroll, svg') && element.getClientRects().length)
        .filter((element) => element.getBoundingClientRect().right > innerWidth + 1).map((element) => element.outerHTML)""")
    assert outside == []


def luminance(colour: str) -> float:
    """Returns the relative luminance of a colour such as `rgb(1, 2, 3)`, as WCAG 2 defines it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", SCHEMES)
def test_texts_have_enough_contrast_in_both_themes(view, scheme):
    page = view("day", scheme=scheme)
    background = luminance(page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor"))
    assert (background > 0.5) == (scheme == "light")
    texts = ["h1", "h3", ".note", "td", "td code", ".n.bad", "summary", ".legend li", "th"]
    for text in texts:
        colour = page.evaluate(f"getComputedStyle(document.querySelector({text!r})).color")
        dark, light = sorted((background, luminance(colour)))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{text} is {colour}"


def test_every_chart_has_a_title_and_its_numbers_in_a_table(view):
    page = view("day")
    charts = page.evaluate("""Array.from(document.querySelectorAll('figure.chart'), (chart) => {
        const title = document.getElementById(chart.querySelector('svg[role=img]').getAttribute('aria-labelledby'));
        return [title.textContent, chart.querySelectorAll('details tbody tr').length, chart.querySelectorAll('.hit rect').length];
    })""")
    assert len(charts) >= 5
    for title, rows, columns in charts:
        assert title and rows == columns > 10, title


def test_text_of_clients_stays_text(view, pages):
    page = view("hostile")
    assert page.evaluate("window.owned") is None
    # Events that a user causes run nothing either.
    page.evaluate("""document.querySelectorAll('*').forEach((element) => ['mouseover', 'focus', 'click', 'error', 'load']
        .forEach((name) => element.dispatchEvent(new Event(name))))""")
    assert page.evaluate("window.owned") is None
    quiet(page)
    counts = page.evaluate("""Object.fromEntries(['script', 'style', 'link', 'base', 'title:not(svg *)'].map((name) =>
        [name, document.querySelectorAll(name).length]))""")
    assert counts == {"script": 1, "style": 1, "link": 1, "base": 0, "title:not(svg *)": 1}
    assert page.evaluate("document.querySelectorAll('img, iframe, object, embed, form, b:not(.legend b)').length") == 0
    attributes = page.evaluate("""Array.from(document.querySelectorAll('*')).flatMap((element) =>
        element.getAttributeNames()).filter((name) => name.startsWith('on') || name === 'src' || name === 'style')""")
    assert attributes == []
    # The texts themselves are in the page, with their invisible characters shown.
    text = page.evaluate("document.body.textContent")
    assert page.evaluate("document.title") == TITLE and TITLE in text
    for attack in ATTACKS[:-1]:
        assert attack in text, attack
    assert "\\u{202e}\\u{2066}<b>gnp.exe</b>\\u{2069}" in text and "\u202e" not in pages["hostile"].read_text()


def test_the_policy_stops_a_script_that_would_get_into_the_page(view, pages, tmp_path):
    changed = tmp_path / "changed.html"
    attack = "<script>window.owned=1</script><img src=https://192.0.2.66/x onerror='window.owned=2'></main>"
    changed.write_text(pages["samples"].read_text().replace("</main>", attack))
    page = view(changed)
    assert page.evaluate("window.owned") is None
    assert any("Content Security Policy" in text for text in page.complaints())


def test_times_are_shown_in_utc_and_in_the_readers_zone(view):
    first = "Array.from(document.querySelectorAll('#time .x text'), (text) => text.textContent)"
    utc = view("day")
    assert utc.evaluate("document.getElementById('zone').hidden"), "there is nothing to choose in UTC"
    assert utc.evaluate(first)[0] == "00:00"
    tokyo = view("day", zone="Asia/Tokyo")
    assert tokyo.evaluate(first)[0] == "00:00"
    assert tokyo.evaluate("document.querySelector('.period').textContent").startswith("2026-10-07 00:00 to 2026-10-07 23:5")
    assert "2026-10-07 09:00 to 2026-10-08 08:5" in tokyo.evaluate("document.querySelector('.period').textContent")
    tokyo.evaluate("document.getElementById('zone').click()")
    assert tokyo.evaluate(first)[0] == "09:00"
    assert tokyo.evaluate("document.querySelector('.zone-name').textContent") == "Asia/Tokyo"
    tokyo.evaluate("document.getElementById('zone').click()")
    assert tokyo.evaluate(first)[0] == "00:00"
    quiet(tokyo)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_small_and_can_be_printed(view, pages, name):
    assert pages[name].stat().st_size < MAX_BYTES
    printed = view(name).printed()
    assert printed.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", printed)) >= 1
    (PICTURES / f"{name}.pdf").write_bytes(printed)


def test_parts_without_data_are_left_out(view):
    page = view("empty")
    sections = "Array.from(document.querySelectorAll('section'), (section) => section.id)"
    assert page.evaluate(sections) == ["input"]
    assert view("day").evaluate(sections) == [
        "time", "balancers", "errors", "visitors", "rules", "tls", "health", "suspicious", "input"
    ]  # fmt: skip
