"""What a run holds must fit together in every way, even if all hashes fit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as format_tensors

from benchmarks.attacks.stores import again
from forecast_cli import store
from forecast_cli.errors import RunRejectedError
from forecast_cli.panel import Columns, Floats, from_series
from forecast_cli.scaling import SeriesScale
from forecast_cli.store import contents
from forecast_cli.workflow import train
from tests.conftest import AIRLINE, ROOT
from tests.store.helpers import NEWEST, QUICK, publish_again, reseal

Tensors = dict[str, Floats]
SCHEMA_KEY = f'"schema": {NEWEST}'.encode()
PANEL_STORE = ROOT / "tests" / "golden" / "0.4.0" / "store"


@pytest.fixture
def panel_store(tmp_path: Path) -> Path:
    """A store whose latest run is of three series with covariates."""
    root = Path(shutil.copytree(PANEL_STORE, tmp_path / "panel"))
    with store.lock(root) as lock:
        store.roll_back(lock)
    assert len(store.load(root).tail.ids) == 3
    return root


def test_equal_runs_have_equal_bytes(tmp_path: Path) -> None:
    first = train(AIRLINE, draw=False, store_folder=tmp_path / "a", **QUICK).run
    second = train(AIRLINE, draw=False, store_folder=tmp_path / "elsewhere" / "b", **QUICK).run
    assert first.texts == second.texts


def test_what_is_decoded_is_encoded_to_the_same_bytes(panel_store: Path) -> None:
    publish_again(panel_store)  # in the newest schema
    run = store.load(panel_store)
    assert contents.encode(again(panel_store)) == run.texts
    assert list(run.texts) == sorted(run.texts)


def test_a_table_never_takes_the_place_of_another_file(store_copy: Path) -> None:
    of_a_run = again(store_copy)
    tables = {**of_a_run.tables, "config.json": b"{}"}
    with pytest.raises(ValueError, match=r"^config\.json is not the name of a table$"):
        contents.encode(replace(of_a_run, tables=tables))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"horizon": 12', b'"horizon": 13'),
        (b'"horizon": 12', b'"horizon": -1'),
        (b'"lookback": 24', b'"lookback": 1e9'),
        (b'"normalization": "shifted-log"', b'"normalization": "pickle"'),
        (b'"preset": "auto"', b'"preset": "auto", "extra": 1'),
        (b'"learning_rate": 0.001', b'"learning_rate": NaN'),
        (b'"lag": 12', b'"lag": "12"'),
        (b'"lag": 12', b'"lag": 1180591620717411303424'),
        (b'"kind": "months"', b'"kind": "years"'),
        (b'"kind": "months"', b'"kind": "step"'),
        (b'"size": 1', b'"size": 0'),
        (b'"day": 1', b'"day": 32'),
        (b'"pattern": "%Y-%m"', b'"pattern": "%Y-%1000000000d"'),
        (b'"pattern": "%Y-%m"', b'"pattern": "%Y-%m%"'),
        (b'"timezone": ""', b'"timezone": "../../etc/passwd"'),
        (b'"offset": ""', b'"offset": "+9"'),
        (b'"past": []', b'"past": ["a"]'),
        (b'"future": []', b'"future": ["a"]'),
        (b'"static": []', b'"static": ["a"]'),
        (b'"calendar": false', b'"calendar": true'),
        (b'"gaps": "auto"', b'"gaps": "exec"'),
        (b'"decimal": null', b'"decimal": "\\u0000"'),
        (b'"target": "Passengers"', b'"target": "\\ud800"'),
        (SCHEMA_KEY, b'"schema": 99'),
        (SCHEMA_KEY, b'"schema": 1'),
        (SCHEMA_KEY, b'"schema": "3"'),
        (SCHEMA_KEY + b",", b""),
        (b'"warmup": 0', b'"warmup": -1'),
        (b'"known": 0', b'"known": 1'),
        (b'"dropout": 0.1', b'"dropout": 1e300'),
    ],
)
def test_sealed_nonsense_in_the_config_is_refused(store_copy: Path, old: bytes, new: bytes) -> None:
    def change(texts: dict[str, bytes]) -> None:
        assert old in texts["config.json"]
        texts["config.json"] = texts["config.json"].replace(old, new)

    reseal(store_copy, change)
    with pytest.raises(RunRejectedError, match=r"(config|series)\.(json|safetensors): "):
        store.load(store_copy)


@pytest.mark.parametrize("data", [b"[]", b"3", b"null", b'"config"'])
@pytest.mark.parametrize("name", ["config.json", "series.json", "metrics.json"])
def test_json_that_is_no_object_is_refused(store_copy: Path, name: str, data: bytes) -> None:
    reseal(store_copy, lambda texts: texts.update({name: data}))
    with pytest.raises(
        RunRejectedError, match=rf"{name}: it does not hold a JSON object \(it is a "
    ):
        store.load(store_copy)


def change_tensors(root: Path, name: str, change: Callable[[Tensors], Any]) -> None:
    def rewrite(texts: dict[str, bytes]) -> None:
        tensors = parse_tensors(texts[name])
        change(tensors)
        texts[name] = format_tensors(tensors)

    reseal(root, rewrite)


def test_weights_that_are_not_finite_are_refused(store_copy: Path) -> None:
    def change(tensors: Tensors) -> None:
        tensors["members.0.head.bias"][0] = np.nan

    change_tensors(store_copy, "model.safetensors", change)
    with pytest.raises(
        RunRejectedError,
        match=r"model\.safetensors: tensor 'members\.0\.head\.bias' is not made of",
    ):
        store.load(store_copy)


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: tensors.pop("members.0.head.bias"),
        lambda tensors: tensors.update(extra=np.zeros(1, np.float32)),
        lambda tensors: tensors.update({"members.0.head.bias": np.zeros((1, 1), np.float32)}),
    ],
    ids=["missing", "extra", "shape"],
)
def test_weights_of_another_network_are_refused(
    store_copy: Path, change: Callable[[Tensors], Any]
) -> None:
    change_tensors(store_copy, "model.safetensors", change)
    with pytest.raises(
        RunRejectedError, match=r"model\.safetensors: the tensors are not those of the settings"
    ):
        store.load(store_copy)


def test_weights_of_another_type_are_refused(store_copy: Path) -> None:
    def change(tensors: Tensors) -> None:
        tensors["members.0.head.bias"] = tensors["members.0.head.bias"].astype(np.float64)

    change_tensors(store_copy, "model.safetensors", change)
    with pytest.raises(RunRejectedError, match="is not made of finite numbers"):
        store.load(store_copy)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("feature_spread", 0.0, "a number in 'feature_spread' is not positive"),
        ("static_spread", -1.0, "a number in 'static_spread' is not positive"),
        ("residuals", np.inf, "tensor 'residuals' is not made of finite numbers"),
        ("tail_future", np.nan, "tensor 'tail_future' is not made of finite numbers"),
        ("tail", np.inf, "tensor 'tail' is not made of finite numbers"),
    ],
)
def test_arrays_of_the_series_are_sensible(
    panel_store: Path, name: str, value: float, reason: str
) -> None:
    def change(tensors: Tensors) -> None:
        tensors[name].flat[0] = value

    change_tensors(panel_store, "series.safetensors", change)
    with pytest.raises(RunRejectedError, match=rf"series\.safetensors: {reason}"):
        store.load(panel_store)


@pytest.mark.parametrize("name", ["tail", "tail_ahead"])
def test_what_is_missing_in_the_data_may_be_missing_in_the_run(
    panel_store: Path, name: str
) -> None:
    def change(tensors: Tensors) -> None:
        tensors[name].flat[0] = np.nan

    change_tensors(panel_store, "series.safetensors", change)
    assert store.load(panel_store).manifest.sequence == 1


@pytest.mark.parametrize(
    "name", ["zero", "tail", "tail_past", "tail_future", "tail_ahead", "static", "residuals"]
)
@pytest.mark.parametrize("how", ["scalar", "longer", "missing"])
def test_arrays_of_another_shape_are_refused(panel_store: Path, name: str, how: str) -> None:
    def change(tensors: Tensors) -> None:
        values = tensors.pop(name)
        if how == "scalar":
            tensors[name] = np.array(1.0)
        if how == "longer":
            tensors[name] = np.ones((*values.shape, 2))

    change_tensors(panel_store, "series.safetensors", change)
    with pytest.raises(
        RunRejectedError, match=r"series\.safetensors: the tensors are not those of the settings"
    ):
        store.load(panel_store)


def test_future_covariates_may_end_with_the_last_row(panel_store: Path) -> None:
    for steps in (0, 1):

        def change(tensors: Tensors, steps: int = steps) -> None:
            tensors["tail_ahead"] = np.ascontiguousarray(tensors["tail_ahead"][:, :1][:, :steps])

        root = Path(shutil.copytree(panel_store, panel_store.with_name(f"copy{steps}")))
        change_tensors(root, "series.safetensors", change)
        assert store.load(root).tail.ahead.shape == (3, steps, 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"first": [10**17]}, "a time is out of bounds"),
        ({"first": [-(10**17)]}, "a time is out of bounds"),
        ({"ids": ["a", "b"], "first": [0, 0]}, "the lists do not all fit 2 series"),
    ],
)
def test_series_that_do_not_fit_are_refused(
    store_copy: Path, change: dict[str, Any], reason: str
) -> None:
    def rewrite(texts: dict[str, bytes]) -> None:
        texts["series.json"] = json.dumps(json.loads(texts["series.json"]) | change).encode()

    reseal(store_copy, rewrite)
    with pytest.raises(RunRejectedError, match=rf"series\.json: .*{reason}"):
        store.load(store_copy)


def test_several_series_need_a_column_that_names_them(panel_store: Path) -> None:
    def rewrite(texts: dict[str, bytes]) -> None:
        texts["config.json"] = texts["config.json"].replace(b'"id": "unique_id"', b'"id": ""')

    reseal(panel_store, rewrite)
    with pytest.raises(
        RunRejectedError, match=r"series\.json: several series need a column that names them"
    ):
        store.load(panel_store)


def test_covariates_of_another_network_are_refused(panel_store: Path) -> None:
    def rewrite(texts: dict[str, bytes]) -> None:
        assert texts["config.json"].count(b'"calendar": true') == 1
        texts["config.json"] = texts["config.json"].replace(
            b'"calendar": true', b'"calendar": false'
        )

    reseal(panel_store, rewrite)
    with pytest.raises(
        RunRejectedError, match=r"config\.json: the covariates are not those of the network"
    ):
        store.load(panel_store)


@pytest.mark.parametrize("count", [400, 20_000])
def test_a_run_of_many_series_is_published_and_read(store_copy: Path, count: int) -> None:
    """Their names, windows and scales are kept, and a name of 300 characters or of odd ones is a name."""
    one = again(store_copy)
    names = [f"series {number}" for number in range(count - 2)] + ["x" * 300, "../\u202e\n"]
    values = [one.panel.values[-(30 + number % 5) :] for number in range(count)]
    panel = replace(
        from_series(
            values, one.panel.frequency, ids=names, columns=Columns("Month", "Passengers", "id")
        ),
        time_format=one.panel.time_format,
    )
    scale = SeriesScale(np.zeros(count), np.ones(count))
    many = replace(
        one,
        config=replace(one.config, columns=panel.columns),
        model=replace(one.model, ids=panel.ids, scale=scale),
        panel=panel,
    )
    with store.lock(store_copy) as lock:
        published = store.publish(lock, many)
    run = store.load(store_copy, published.name)
    assert run.tail.ids == panel.ids
    np.testing.assert_array_equal(run.tail.lengths, panel.lengths)
    np.testing.assert_array_equal(run.tail.values, panel.values)
