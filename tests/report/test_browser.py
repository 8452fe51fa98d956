"""The page in a real browser: what it asks for, what it complains of, and what axe-core finds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from forecast_cli import report, store
from tests.report.browser import Browser, missing
from tests.report.helpers import subject_of

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.fixture(scope="module")
def pages(
    hostile_page: bytes, airline_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    airline = report.make(subject_of(store.load(airline_store))).html
    paths = {}
    for name, html in {"hostile": hostile_page, "airline": airline}.items():
        paths[name] = folder / f"{name}.html"
        paths[name].write_bytes(html)
    return paths


@pytest.mark.parametrize("name", ["hostile", "airline"])
@pytest.mark.parametrize(("dark", "width"), [(False, 1000), (True, 1000), (True, 400)])
def test_a_browser_has_nothing_to_complain_of(
    browser: Browser, pages: dict[str, Path], name: str, dark: bool, width: int
) -> None:
    visit = browser.open(pages[name], dark=dark, width=width)
    assert visit.requests == [pages[name].as_uri()]
    assert visit.complaints == []
    assert browser.violations() == []
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run("document.title").startswith("Forecast of ")


def test_light_and_dark_are_two_colors_and_figures_follow(
    browser: Browser, pages: dict[str, Path]
) -> None:
    colors = """[getComputedStyle(document.documentElement).backgroundColor,
        getComputedStyle(document.querySelector('svg text')).fill]"""
    browser.open(pages["airline"])
    light = browser.run(colors)
    browser.open(pages["airline"], dark=True)
    dark = browser.run(colors)
    assert light == ["rgb(255, 255, 255)", "rgb(26, 29, 33)"]
    assert dark == ["rgb(21, 24, 28)", "rgb(232, 234, 237)"]


def test_on_a_narrow_screen_the_newest_end_of_the_forecast_is_seen_first(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages["airline"], width=400)
    right = "document.querySelector('.newest svg').getBoundingClientRect().right"
    assert browser.run(right) <= 400


def test_these_tests_see_what_they_are_for(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text("<img src='missing.png'><script>console.error('no')</script>")
    visit = browser.open(page)
    assert len(visit.requests) == 2
    assert any("no" in complaint for complaint in visit.complaints)
    assert any(line.startswith("image-alt: ") for line in browser.violations())
