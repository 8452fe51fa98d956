from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from forecast_cli.report.elements import Figure, Listing, Page, Section, Table, Text
from forecast_cli.report.rendering import LONGEST_NAME, render, shortened

NAMES = [
    '<script>alert("x")</script>',
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "</title></style><b>",
    "{{ 7 * 7 }}{% for %}",
    "&lt;i&gt;",
    "x" * 10_000,
]


def a_page(name: str) -> Page:
    """A page in which a name stands everywhere that a text can stand."""
    figure = Figure("picture", '<svg viewBox="0 0 1 1"><path d="M 0 0"/></svg>', name, name)
    table = Table(name, (name, name, name), ((name, name, name),), text_columns=2)
    blocks = (Text(name), Text(name, "warning"), Listing((Text(name),)), table, figure)
    return Page(
        title=name,
        verdict=name,
        facts=((name, name),),
        sections=(Section("all", name, blocks),),
        footer=name,
    )


class Elements(HTMLParser):
    """The names of the elements of a page, and their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))


def elements_of(page: Page) -> list[tuple[str, dict[str, str | None]]]:
    parser = Elements()
    parser.feed(render(page).decode())
    return parser.found


@pytest.mark.parametrize("name", NAMES)
def test_no_text_becomes_markup_wherever_it_stands(name: str) -> None:
    plain = [tag for tag, _ in elements_of(a_page("plain"))]
    hostile = elements_of(a_page(name))
    assert [tag for tag, _ in hostile] == plain
    assert not [key for _, attributes in hostile for key in attributes if key.startswith("on")]


def test_a_text_is_shown_as_it_is_written() -> None:
    html = render(a_page("a < b & {{ c }}")).decode()
    assert "<h1>a &lt; b &amp; {{ c }}</h1>" in html


def test_characters_that_turn_the_direction_of_a_line_are_codes_everywhere() -> None:
    html = render(a_page("abc\u202edef\u2066\x00\t")).decode()
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069\x00\t]", html)
    assert r"abc\u202edef\u2066\x00\t" in html


def test_names_from_right_to_left_stand_apart_from_what_is_around_them() -> None:
    html = render(a_page("שלום")).decode()
    assert "<bdi>שלום</bdi>" in html


def test_a_name_of_ten_thousand_letters_is_cut_and_its_length_said() -> None:
    shown = shortened("x" * 10_000, LONGEST_NAME)
    assert shown == "x" * LONGEST_NAME + "… (10,000 characters)"
    assert len(render(a_page("x" * 10_000))) < 40_000


def test_the_page_forbids_every_script_and_every_request() -> None:
    elements = elements_of(a_page("plain"))
    assert "script" not in [tag for tag, _ in elements]
    policies = [a["content"] for _, a in elements if a.get("http-equiv")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]
    for tag, attributes in elements:
        if tag not in ("a", "link"):
            assert not attributes.keys() & {"src", "href", "xlink:href", "action"}, tag
    links = [attributes["href"] or "" for tag, attributes in elements if tag in ("a", "link")]
    assert all(link.startswith(("#", "data:")) for link in links)


def test_tables_have_captions_and_headings_of_rows_and_columns() -> None:
    elements = elements_of(a_page("plain"))
    scopes = [attributes.get("scope") for tag, attributes in elements if tag == "th"]
    assert scopes == ["col", "col", "col", "row"]
    assert [tag for tag, _ in elements].count("caption") == 1


def test_a_figure_has_a_name_and_a_description_for_those_who_cannot_see_it() -> None:
    html = render(a_page("what it shows")).decode()
    assert '<svg role="img" aria-labelledby="picture-title picture-description"' in html
    assert '<title id="picture-title">what it shows</title>' in html
    assert '<desc id="picture-description">what it shows</desc>' in html


def test_a_warning_says_that_it_is_one_without_its_color() -> None:
    html = render(a_page("plain")).decode()
    assert '<p class="notice"><strong>Note:</strong> plain</p>' in " ".join(html.split())
