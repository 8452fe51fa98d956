"""The whole page of a run."""

from __future__ import annotations

import re
from pathlib import Path

from forecast_cli import report, store
from forecast_cli.report import Subject
from tests.plots.helpers import many
from tests.report.conftest import HOSTILE
from tests.report.helpers import Reader, subject_of, trained, with_metrics

HEADINGS = [
    "Forecast",
    "Scores on held-out rows",
    "Error by step ahead",
    "Error by series",
    "Intervals",
    "What the forecast missed",
    "Training",
    "What was found in the data",
    "Settings, and why",
    "Versions and hashes",
]


def headings(html: bytes) -> list[str]:
    return re.findall(r"<h2 [^>]*>(.*?)</h2>", html.decode())


def test_a_page_has_all_its_parts_in_their_order(
    hostile: Subject, hostile_page: bytes, hostile_reader: Reader
) -> None:
    assert headings(hostile_page) == HEADINGS
    tags = hostile_reader.tags
    for landmark in ("h1", "main", "nav", "header", "footer"):
        assert tags.count(landmark) == 1
    assert tags.count("svg") == 5
    assert hostile.run.metrics.verdict in hostile_reader.text
    assert hostile.run.manifest.files["model.safetensors"].sha256 in hostile_reader.text


def test_no_name_is_there_twice_and_every_link_and_label_has_its_place(
    hostile_page: bytes, hostile_reader: Reader
) -> None:
    names = hostile_reader.values("id")
    assert len(set(names)) == len(names)

    links = [link[1:] for link in hostile_reader.values("href") if link.startswith("#")]
    labels = " ".join(hostile_reader.values("aria-labelledby")).split()
    used = re.findall(r"(?:url\(|xlink:href=\")#([^)\"]+)", hostile_page.decode())
    assert links
    assert labels
    assert used
    assert set(links) | set(labels) | set(used) <= set(names)


def test_no_address_stands_in_the_page_but_those_of_the_w3c(hostile_page: bytes) -> None:
    assert set(re.findall(r"\w+://[\w.]+", hostile_page.decode())) == {"http://www.w3.org"}


def test_names_of_any_kind_are_shown_as_text_and_nothing_of_them_is_markup(
    hostile_page: bytes, hostile_reader: Reader
) -> None:
    assert {"script", "img", "b", "i"}.isdisjoint(hostile_reader.tags)
    attributes = {name for one in hostile_reader.attributes for name in one}
    assert not [name for name in attributes if name.startswith("on")]
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", hostile_page.decode())
    assert r'Forecast of <b onclick="alert(1)">\u202e$y$</b>' in hostile_reader.text


def test_each_series_that_is_listed_has_its_name_cut_and_escaped(tmp_path: Path) -> None:
    names = [*HOSTILE[:2], *HOSTILE[-4:]]
    panel = many(len(names), ids=names)
    page = Reader(report.make(subject_of(trained(panel, tmp_path, horizon=7), panel)).html)
    for shown in (
        '<script>document.title = "executed"</script>',
        "<img src=x onerror=alert(1)>",
        "שלום עולם",
        r"abc\u202edef\u2066",
        "x" * 80 + "… (10,000 characters)",
        r"tab\there",
    ):
        assert shown in page.text


def test_a_single_series_has_no_part_about_series_but_a_table_of_its_forecast(
    airline_store: Path,
) -> None:
    run = store.load(airline_store)
    made = report.make(subject_of(run))
    assert headings(made.html) == [name for name in HEADINGS if name != "Error by series"]
    page = Reader(made.html)
    for line in run.texts["forecast.csv"].decode().splitlines():
        assert all(cell in page.text for cell in line.split(","))
    assert made == report.make(subject_of(run))


def test_a_run_without_held_out_rows_has_a_page_that_says_so(tmp_path: Path) -> None:
    panel = many(2)
    html = report.make(subject_of(trained(panel, tmp_path, horizon=7, test=0), panel)).html
    page = Reader(html)
    assert "No held-out row was scored, so nothing is known" in page.text
    assert "Error by step ahead" not in page.text
    assert page.tags.count("svg") == 2


def test_notes_of_the_training_are_on_the_page(airline_store: Path) -> None:
    run = store.load(airline_store)
    note = store.TrainingNote(kind="gaps_filled", level="warning", text="7 gaps filled")
    html = report.make(subject_of(with_metrics(run, notes=[note]))).html
    assert "Notes of the training" in headings(html)
    assert "Note: 7 gaps filled" in " ".join(Reader(html).text.split())
