from __future__ import annotations

import re
from xml.etree import ElementTree

from matplotlib.figure import Figure

from forecast_cli.plots import style
from forecast_cli.plots.svg import VARIABLES, svg

HOSTILE = '<script>#000000 id="x" url(#y) font-family: a; </script> & -->'


def a_figure(title: str = "title") -> Figure:
    figure = Figure()
    axes = figure.subplots()
    axes.plot([1, 2], [3, 4], color=style.BLUE, marker="o")
    axes.fill_between([1, 2], [3, 4], color=style.ORANGE, alpha=0.2)
    axes.grid()
    axes.set_title(title)
    return figure


def test_a_figure_is_one_element_without_an_address_but_those_of_the_w3c() -> None:
    text = svg(a_figure(), "one").decode()
    assert text.startswith("<svg")
    assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314
    assert set(re.findall(r"https?://[^/\"]+", text)) == {"http://www.w3.org"}
    assert "metadata" not in text
    assert "<style" not in text


def test_it_has_the_size_of_its_place_and_the_colors_of_the_page() -> None:
    text = svg(a_figure(), "one").decode()
    head = text[: text.index(">")]
    assert "viewBox" in head
    assert "width" not in head
    assert "height" not in head
    assert not re.search(r"#[0-9a-f]{6}\b", text)
    used = set(re.findall(r"var\((--\w+)\)", text))
    assert used == {"--ink", "--grid", "--blue", "--orange"}
    assert used < set(VARIABLES.values())


def test_its_texts_are_texts_in_the_fonts_of_the_page() -> None:
    text = svg(a_figure("Sales of שלום"), "one").decode()
    assert ">Sales of שלום</text>" in text
    assert "font-family" not in text
    assert "DejaVu" not in text


def test_two_figures_have_no_name_in_common() -> None:
    names = [set(re.findall(r'\bid="([^"]+)"', svg(a_figure(), name).decode())) for name in "ab"]
    assert names[0]
    assert not names[0] & names[1]


def test_every_reference_leads_to_a_part_of_the_same_figure() -> None:
    text = svg(a_figure(), "one").decode()
    names = set(re.findall(r'\bid="([^"]+)"', text))
    references = re.findall(r'(?:url\(|href=")#([^)"]+)', text)
    assert references
    assert set(references) <= names


def test_the_same_figure_has_the_same_bytes() -> None:
    assert svg(a_figure(), "one") == svg(a_figure(), "one")


def test_names_of_the_data_stay_texts_whatever_they_hold() -> None:
    text = svg(a_figure(HOSTILE), "one").decode()
    root = ElementTree.fromstring(text)  # noqa: S314
    shown = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert HOSTILE in shown
    assert "<script" not in text
