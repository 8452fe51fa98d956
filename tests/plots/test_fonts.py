from __future__ import annotations

import pytest

from forecast_cli.plots import fonts
from forecast_cli.plots.fonts import Labels


def test_a_long_name_is_cut_where_its_room_ends() -> None:
    name = "a name of quite some letters"
    assert Labels()(name) == name
    cut = Labels()(name, room=1.0)
    assert cut.endswith("…")
    assert name.startswith(cut[:-1])
    assert fonts.width(cut) <= 1.0 < fonts.width(f"{name[: len(cut) + 1]}…")


def test_wide_letters_leave_room_for_fewer() -> None:
    assert len(Labels()("W" * 100)) < len(Labels()("n" * 100)) < len(Labels()("i" * 300))


@pytest.mark.parametrize("name", ["", "x" * 100_000])
def test_a_name_of_any_length_is_drawn_soon(name: str) -> None:
    assert len(Labels()(name)) <= fonts.LONGEST


def test_a_letter_without_a_font_is_a_code_that_is_never_cut_in_two() -> None:
    label = Labels(missing=frozenset({ord("量")}))
    assert label("a量b") == r"a\u91cfb"
    assert label("量" * 100).replace(r"\u91cf", "") == "…"


def test_what_would_steer_a_line_of_text_is_a_code() -> None:
    assert Labels()("a\nb\u202ec") == r"a\nb\u202ec"
