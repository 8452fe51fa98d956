"""The records of a store: each checks itself, and is kept with its types."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from forecast_cli import store
from forecast_cli.errors import ForecastError, RunMismatchError, RunRejectedError
from forecast_cli.store import records, strict_json
from forecast_cli.store.records import Pointer, RunConfig, SeriesNames, metrics_from
from tests.conftest import ROOT
from tests.store.helpers import reseal

RUN = "20260101T000000Z-000009-0123456789ab"


# -- metrics.json ----------------------------------------------------------------------------------------


def test_metrics_are_attributes(airline_store: Path) -> None:
    metrics = store.load(airline_store).metrics
    assert metrics.test is not None
    assert metrics.members is not None
    assert metrics.test.season == 12
    assert metrics.test.seasonal_naive.rmse == pytest.approx(50.708, abs=1e-3)
    assert metrics.test.main_skill == metrics.test.skill.seasonal_naive
    assert list(metrics.test.by_method) == ["network", "seasonal_naive", "naive"]
    assert (metrics.training.epochs, metrics.members.count, metrics.intervals.unseen) == (
        3,
        1,
        True,
    )


def test_what_a_newer_release_says_in_metrics_stays_readable(store_copy: Path) -> None:
    def say_more(texts: dict[str, bytes]) -> None:
        content = json.loads(texts["metrics.json"])
        content["backtest"] = {"origins": 3}
        content["test"]["network"]["crps"] = 0.5
        texts["metrics.json"] = json.dumps(content).encode()

    reseal(store_copy, say_more)
    run = store.load(store_copy)
    assert run.metrics.test is not None
    assert run.metrics.model_extra == {"backtest": {"origins": 3}}
    assert run.metrics.test.network.model_extra == {"crps": 0.5}
    assert run.metrics.as_dict() == json.loads(run.texts["metrics.json"])


def test_a_score_of_a_newer_release_is_a_number_or_the_run_is_rejected(store_copy: Path) -> None:
    def say_more(texts: dict[str, bytes]) -> None:
        content = json.loads(texts["metrics.json"])
        content["test"]["network"]["crps"] = "small"
        texts["metrics.json"] = json.dumps(content).encode()

    reseal(store_copy, say_more)
    with pytest.raises(RunRejectedError, match="crps"):
        store.load(store_copy)


@pytest.mark.parametrize(
    "key", ["as_dict", "model_dump", "__class__", "_private", "", "test.network"]
)
def test_an_unknown_key_never_hides_what_a_record_is(store_copy: Path, key: str) -> None:
    def say_more(texts: dict[str, bytes]) -> None:
        texts["metrics.json"] = json.dumps(json.loads(texts["metrics.json"]) | {key: 1}).encode()

    reseal(store_copy, say_more)
    run = store.load(store_copy)
    assert isinstance(run.metrics, store.Metrics)
    assert run.metrics.as_dict() == json.loads(run.texts["metrics.json"])


def test_metrics_of_the_first_releases_have_no_members() -> None:
    root = ROOT / "tests" / "golden" / "0.2.0" / "store"
    run = store.load(root)
    assert run.metrics.members is None
    assert run.metrics.training.clipped is None
    assert run.metrics.as_dict() == json.loads(run.texts["metrics.json"])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"verdict": None}, "verdict: Input should be a valid string"),
        (
            {"training": {"epochs": 1, "best_epoch": -1, "steps": 1}},
            "training.best_epoch: Input should be greater",
        ),
        (
            {"intervals": {"windows": 1, "unseen": 1}},
            "intervals.unseen: Input should be a valid boolean",
        ),
        ({"test": []}, "test: Input should be an object"),
    ],
)
def test_metrics_of_other_content_are_refused(change: dict[str, Any], problem: str) -> None:
    scores = {
        "training": {"epochs": 1, "best_epoch": 1, "steps": 1},
        "intervals": {"windows": 1, "unseen": True},
        "test": None,
        "verdict": "Nothing was held out.",
    }
    assert metrics_from(scores).test is None
    with pytest.raises(ValueError, match=problem):
        metrics_from(scores | change)


def test_without_a_season_the_main_skill_is_that_against_the_naive_method() -> None:
    scores = dict.fromkeys(("mae", "rmse", "smape", "mase"), 1.0)
    methods = dict.fromkeys(("network", "seasonal_naive", "naive"), scores)
    test = {
        "rows": 3,
        "series": 1,
        "season": 1,
        **methods,
        "skill": {"seasonal_naive": 0.1, "naive": 0.2},
    }
    training = {"epochs": 1, "best_epoch": 1, "steps": 1}
    metrics = metrics_from(
        {
            "training": training,
            "intervals": {"windows": 1, "unseen": True},
            "test": test,
            "verdict": "",
        }
    )
    assert metrics.test is not None
    assert metrics.test.main_skill == 0.2


def test_metrics_cannot_be_changed(airline_store: Path) -> None:
    metrics: Any = store.load(airline_store).metrics
    with pytest.raises(ValueError, match="frozen"):
        metrics.verdict = "it is worth it"


# -- latest.json -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("[]", "Input should be an object"),
        ('{"run": "../../etc", "sequence": 1}', "'../../etc' is not the name of a run"),
        ('{"run": 3, "sequence": 1}', "run: Input should be a valid string"),
        (f'{{"run": "{RUN}", "sequence": 1}}', f"the sequence 1 is not that of the run {RUN}"),
        (f'{{"run": "{RUN}", "sequence": 9, "sequence": 9}}', "a key is there twice"),
    ],
)
def test_a_pointer_that_is_not_ours_is_refused(store_copy: Path, text: str, reason: str) -> None:
    pointer = store_copy / "latest.json"
    pointer.write_text(text)
    with pytest.raises(RunRejectedError) as caught:
        store.load(store_copy)
    assert caught.value.message == (
        f"{pointer}: it does not hold the name of a run ({reason}); the run is damaged, or was not written by forecast"
    )


def test_a_flipped_bit_in_the_pointer_never_names_another_run(store_copy: Path) -> None:
    pointer = store_copy / "latest.json"
    good = pointer.read_bytes()
    name = store.latest(store_copy)
    for place in range(len(good)):
        for bit in range(8):
            bad = bytearray(good)
            bad[place] ^= 1 << bit
            pointer.write_bytes(bad)
            with contextlib.suppress(RunRejectedError):
                assert store.load(store_copy).name == name  # white space may change


def test_a_pointer_checks_itself() -> None:
    with pytest.raises(ValueError, match="the sequence 8 is not that of the run"):
        Pointer(RUN, 8)


# -- store.json ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"format": "forecast-store", "schema": 2}', RunMismatchError),
        ('{"format": "other", "schema": 1}', RunRejectedError),
        ('{"format": "forecast-store", "schema": 0}', RunRejectedError),
        ('{"format": "forecast-store"}', RunRejectedError),
        ("", RunRejectedError),
    ],
)
def test_the_mark_of_the_store_is_read(
    store_copy: Path, text: str, kind: type[ForecastError]
) -> None:
    (store_copy / "store.json").write_text(text)
    with pytest.raises(kind, match=r"store\.json"):
        store.load(store_copy)
    with pytest.raises(kind), store.lock(store_copy):
        pass
    (store_copy / "store.json").unlink()
    store.load(store_copy)
    with store.lock(store_copy):
        assert store.exists(store_copy)


# -- series.json -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("series", "problem"),
    [
        (([], [], [0]), "there is no series"),
        ((["a", "a"], [0, 0], [0, 1, 2]), "two series have the same name"),
        ((["a", "b"], [0], [0, 1, 2]), "the lists do not all fit 2 series"),
        ((["a", "b"], [0, 0], [0, 1]), "the lists do not all fit 2 series"),
        ((["a", "b"], [0, 0], [1, 2, 3]), "the offsets do not rise from 0"),
        ((["a", "b"], [0, 0], [0, 2, 2]), "the offsets do not rise from 0"),
    ],
)
def test_series_that_do_not_fit_each_other_are_refused(series: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        SeriesNames(*series)


# -- config.json -----------------------------------------------------------------------------------------


def test_a_config_is_of_the_newest_schema_unless_it_says_otherwise(airline_store: Path) -> None:
    config = store.load(airline_store).config
    fields = {name: getattr(config, name) for name in vars(config) if name != "schema"}
    assert RunConfig(**fields) == config
    assert strict_json.read(RunConfig, strict_json.write(config.as_dict())) == config


def test_a_record_says_that_a_setting_of_the_reader_is_wrong(store_copy: Path) -> None:
    def change(texts: dict[str, bytes]) -> None:
        texts["config.json"] = texts["config.json"].replace(
            b'"gaps": "auto"', b'"gaps": "auto", "decimal": "x"'
        )
        texts["config.json"] = texts["config.json"].replace(b'"decimal": null,', b"")

    reseal(store_copy, change)
    with pytest.raises(RunRejectedError, match=r"--decimal: 'x' is not one of \. and ,"):
        store.load(store_copy)


def test_coverage_in_words() -> None:
    def coverage(level: float, held: int, values: int) -> records.Coverage:
        return records.Coverage(level=level, values=values, held=held, msis=None)

    sentence = records.coverage_sentence
    assert sentence([]) == ""
    assert sentence([coverage(80, 1060, 1344)]) == (
        "80 % intervals held 78.9 % of 1,344 held-out values"
    )
    assert sentence([coverage(80, 3, 4), coverage(99.5, 4, 4)]) == (
        "80 % intervals held 75.0 % of 4 held-out values, 99.5 % intervals 100.0 %"
    )
    assert sentence([coverage(80, 3, 4), coverage(95, 1, 1)]) == (
        "80 % intervals held 75.0 % of 4 held-out values, "
        "95 % intervals 100.0 % of 1 held-out value"
    )
