from __future__ import annotations

from typing import Any

import pytest

from forecast_cli import planning
from forecast_cli.errors import SettingsError
from forecast_cli.panel import Panel
from forecast_cli.reading import read_csv
from forecast_cli.sources import settings_from
from tests.conftest import AIRLINE, SAMPLES


@pytest.fixture(scope="module")
def airline() -> Panel:
    return read_csv(AIRLINE)


def refused(panel: Panel, settings: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(SettingsError) as caught:
        planning.make(panel, settings_from(**settings))
    assert caught.value.exit_code == 2
    return caught.value.message, caught.value.hint


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        (
            {"lookback": 50, "segment": 24},
            "--lookback 50 is not a multiple of --segment 24",
            "use --lookback 48",
        ),
        (
            {"lookback": 5, "segment": 24},
            "--lookback 5 is not a multiple of --segment 24",
            "use --lookback 24",
        ),
        (
            {"attention": "luong", "lookback": 24, "segment": 24},
            "--attention luong has nothing to weigh: a lookback of 24 in segments of 24 is a single step",
            "use a longer --lookback, a smaller --segment, or --attention none",
        ),
        ({"bagging": True, "members": 1}, "--bagging needs --members 2 or more", "add --members 5"),
        (
            {"boosting": True, "members": 1},
            "--boosting needs --members 2 or more",
            "add --members 5",
        ),
        (
            {"members": 2, "bagging": True, "boosting": True},
            "--bagging does not go with --boosting: members are either trained alike or one after the other",
            "leave one of them out",
        ),
        (
            {"decoder": "seq2seq", "skip": "linear"},
            "--skip linear does not go with --decoder seq2seq, which has no place for it",
            "leave one of them out",
        ),
        (
            {"optimizer": "adam", "momentum": 0.5},
            "--momentum does not go with --optimizer adam, which has one of its own",
            "leave one of them out",
        ),
        (
            {"members": 2, "boosting": True, "loss": "quantile"},
            "--boosting does not go with --loss quantile: the sum of quantiles is not a quantile",
            "use --loss mae, or --bagging",
        ),
        (
            {"preset": "classic", "validation": 12},
            "--validation does not go with --preset classic",
            "leave it out: the preset uses 5 % of the windows",
        ),
        (
            {"preset": "classic", "segment": 5},
            "--segment does not go with --preset classic",
            "leave one of them out",
        ),
        (
            {"preset": "classic", "decoder": "direct"},
            "--decoder direct does not go with --preset classic, which feeds its forecast of one step back",
            "leave one of them out",
        ),
        (
            {"preset": "classic", "calendar": True},
            "covariates do not go with --preset classic",
            "leave them out, or use --preset auto",
        ),
    ],
    ids=str,
)
def test_settings_that_do_not_go_together_are_refused(
    airline: Panel, settings: dict[str, Any], message: str, hint: str
) -> None:
    assert refused(airline, settings) == (message, hint)


def test_a_past_covariate_is_refused_where_it_would_have_to_be_known_ahead() -> None:
    panel = read_csv(SAMPLES / "panel.csv", past="promo")
    assert refused(panel, {"decoder": "recursive"}) == (
        "--decoder recursive does not go with --past promo: "
        "to feed its forecasts back, the network would need its values beyond the last row",
        "use --decoder direct, or --future if its values are known in advance",
    )


@pytest.mark.parametrize(
    "settings", [{"preset": "classic", "validation": 0}, {"preset": "classic", "segment": 1}]
)
def test_what_a_preset_does_anyway_may_be_said(airline: Panel, settings: dict[str, Any]) -> None:
    assert planning.make(airline, settings_from(**settings)) == planning.make(
        airline, settings_from(preset="classic")
    )
