"""A network is refused where its error is not as far below that of the better naive forecast as was asked for."""

from __future__ import annotations

import math

import pytest

from forecast_cli import evaluation
from forecast_cli.errors import LowSkillError

SCORES = {
    "network": {"mae": 9.0, "mase": 0.9},
    "naive": {"mae": 20.0, "mase": 2.0},
    "seasonal_naive": {"mae": 10.0, "mase": 1.0},
    "drift": {"mae": 1.0, "mase": 0.1},
}


def refusal(wanted: float, scores: dict[str, dict[str, float]] | None) -> LowSkillError:
    error = evaluation.low_skill(wanted, scores, "on the 12 held-out rows")
    assert error is not None
    return error


def test_the_limit_itself_is_good_enough() -> None:
    assert evaluation.low_skill(0.1, SCORES, "") is None
    assert evaluation.low_skill(None, SCORES, "") is None


def test_the_better_of_the_naive_forecasts_is_the_one_to_beat_and_no_other_method() -> None:
    error = refusal(0.2, SCORES)
    assert error.exit_code == 4
    assert error.message == (
        "on the 12 held-out rows the network's MASE is 0.9, and that of the seasonal naive forecast "
        "1: --min-skill 0.2 asks for 0.8 or less"
    )
    assert (
        "the naive forecast 2:"
        in refusal(0.6, {name: SCORES[name] for name in ("network", "naive")}).message
    )


@pytest.mark.parametrize("unknown", [math.nan, None])
def test_where_the_mase_is_not_defined_the_mae_decides(unknown: float) -> None:
    scores = {name: {**values, "mase": unknown} for name, values in SCORES.items()}
    assert evaluation.low_skill(0.1, scores, "") is None
    assert "the network's MAE is 9," in refusal(0.2, scores).message


def test_a_perfect_forecast_of_a_constant_is_never_refused_and_a_worse_one_always() -> None:
    perfect = {name: {"mae": 0.0} for name in ("network", "naive")}
    assert evaluation.low_skill(0.5, perfect, "") is None
    assert refusal(0.0, {**perfect, "network": {"mae": 0.1}}).exit_code == 4


@pytest.mark.parametrize("scores", [None, {"network": {"mae": math.nan}}, {}])
def test_what_could_not_be_scored_is_refused(scores: dict[str, dict[str, float]] | None) -> None:
    assert refusal(0.1, scores).message == (
        "nothing could be scored on the 12 held-out rows, so it is not known whether the network is "
        "as good as --min-skill 0.1 asks for"
    )
