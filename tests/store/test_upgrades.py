"""Runs of other schemas: older ones are read with what they lacked, newer ones are refused.

Each test of another schema adds a pretended one to the table that the store reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import forecast_cli
from benchmarks.attacks.stores import again
from forecast_cli import store
from forecast_cli.errors import RunMismatchError, RunRejectedError
from forecast_cli.store import upgrades
from forecast_cli.store.contents import Contents
from forecast_cli.store.upgrades import RUN_SCHEMAS, RawContent, RunSchema, newest_run_schema
from forecast_cli.tables import forecast_csv
from forecast_cli.workflow import predict
from tests.conftest import ROOT
from tests.store.helpers import reseal

NEWEST = newest_run_schema()
NEXT = NEWEST + 1

Step = Callable[[RawContent], RawContent]


def pretend_next_schema(
    monkeypatch: pytest.MonkeyPatch,
    step: Step,
    required: tuple[str, ...],
    optional: tuple[str, ...] = (),
) -> None:
    """Let this tool be the next release, whose runs have other files."""
    monkeypatch.setitem(RUN_SCHEMAS, NEWEST, replace(RUN_SCHEMAS[NEWEST], upgrade=step))
    monkeypatch.setitem(RUN_SCHEMAS, NEXT, RunSchema(required, optional))


def add_residuals(old: RawContent) -> RawContent:
    """The pretended step: runs of the next schema have residuals.csv, and no history.csv."""
    files = {name: data for name, data in old.files.items() if name != "history.csv"}
    files["residuals.csv"] = b""
    config = old.config | {"source": old.config["source"] + "!"}
    return replace(old, config=config, files=files)


ONE_MORE_ONE_LESS = tuple(
    sorted({*RUN_SCHEMAS[NEWEST].required, "residuals.csv"} - {"history.csv"})
)


def contents_of_next_schema(root: Path) -> Contents:
    """The latest run once more, with the files of the pretended schema."""
    contents = again(root)
    tables = {name: data for name, data in contents.tables.items() if name != "history.csv"}
    return replace(contents, tables=tables | {"residuals.csv": b"step,residual\n1,0.5\n"})


def test_an_older_run_is_read_by_a_tool_whose_runs_have_one_file_more_and_one_less(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = forecast_csv(predict(store_folder=store_copy).forecast)
    pretend_next_schema(monkeypatch, add_residuals, ONE_MORE_ONE_LESS)

    run = store.load(store_copy)
    assert (run.manifest.schema, run.config.schema) == (NEWEST, NEXT)
    assert sorted(run.texts) == sorted(ONE_MORE_ONE_LESS)
    assert run.config.source.endswith("airline.csv!")
    assert (
        forecast_csv(
            predict(
                store_folder=store_copy, run=replace(run, config=replace(run.config, source=""))
            ).forecast
        )
        == before
    )
    assert store.verify(store_copy, run.name) == []


def test_a_run_of_the_next_schema_is_read_by_its_tool_and_refused_by_this_one(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = store.latest(store_copy)
    with monkeypatch.context() as next_release:
        pretend_next_schema(next_release, add_residuals, ONE_MORE_ONE_LESS)
        next_release.setattr(forecast_cli, "__version__", "9.9.9")
        with store.lock(store_copy) as lock:
            run = store.publish(lock, contents_of_next_schema(store_copy))
            store.promote(lock, run)
        assert sorted(run.manifest.files) == sorted(ONE_MORE_ONE_LESS)
        assert store.load(store_copy).texts["residuals.csv"] == b"step,residual\n1,0.5\n"
        assert store.verify(store_copy, run.name) == []
        assert store.load(store_copy, old).manifest.schema == NEWEST

    with pytest.raises(RunMismatchError) as caught:
        store.load(store_copy)
    assert caught.value.exit_code == 13
    assert caught.value.message == (
        f"{run.folder}: the run has schema {NEXT} of forecast 9.9.9, "
        f"this is forecast {forecast_cli.__version__} with schema {NEWEST}"
    )
    assert (
        caught.value.hint
        == "use the newer release that wrote it, or train again in another --store"
    )
    assert store.load(store_copy, old).name == old


def test_a_file_may_be_optional(store_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_next_schema(
        monkeypatch, lambda old: old, RUN_SCHEMAS[NEWEST].required, ("report.html",)
    )
    contents = again(store_copy)
    with store.lock(store_copy) as lock:
        without = store.publish(lock, contents)
        with_report = store.publish(
            lock, replace(contents, tables={**contents.tables, "report.html": b"<p>"})
        )
    assert "report.html" not in store.load(store_copy, without.name).texts
    assert store.load(store_copy, with_report.name).texts["report.html"] == b"<p>"
    assert store.verify(store_copy, with_report.name) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"notes.txt": b""}, "'notes.txt' is not a file of a run"),
        ({"history.csv": None}, "history.csv is missing"),
    ],
)
def test_only_the_files_of_the_schema_are_published(
    store_copy: Path, change: dict[str, bytes | None], problem: str
) -> None:
    contents = again(store_copy)
    tables = {
        name: data for name, data in {**contents.tables, **change}.items() if data is not None
    }
    with store.lock(store_copy) as lock, pytest.raises(ValueError, match=f"^{problem}$"):
        store.publish(lock, replace(contents, tables=tables))
    assert len(store.names(store_copy)) == 1


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b'"history.csv"', b'"../../x"', r"history\.csv is missing"),
        (
            b'"files": {',
            b'"files": {"model.pkl": {"size": 0, "sha256": "' + b"0" * 64 + b'"},',
            "'model.pkl' is not a file",
        ),
    ],
)
def test_a_manifest_that_lists_other_files_is_refused(
    store_copy: Path, old: bytes, new: bytes, problem: str
) -> None:
    def change(texts: dict[str, bytes]) -> None:
        assert old in texts["manifest.json"]
        texts["manifest.json"] = texts["manifest.json"].replace(old, new)

    reseal(store_copy, change)
    with pytest.raises(
        RunRejectedError,
        match=rf"manifest\.json: it does not hold the manifest of a run \({problem}",
    ):
        store.load(store_copy)


def test_the_steps_from_an_older_schema_are_taken_one_after_the_other(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_seed(old: RawContent) -> RawContent:
        return replace(old, config=old.config | {"plan": old.config["plan"] | {"seed": 77}})

    def with_other_source(old: RawContent) -> RawContent:
        assert old.config["schema"] == NEXT
        return replace(old, config=old.config | {"source": "other.csv"})

    required = RUN_SCHEMAS[NEWEST].required
    pretend_next_schema(monkeypatch, with_seed, required)
    monkeypatch.setitem(RUN_SCHEMAS, NEXT, RunSchema(required, upgrade=with_other_source))
    monkeypatch.setitem(RUN_SCHEMAS, NEXT + 1, RunSchema(required))

    run = store.load(store_copy)
    assert (run.manifest.schema, run.config.schema) == (NEWEST, NEXT + 1)
    assert (run.config.plan.seed, run.config.source) == (77, "other.csv")
    with store.lock(store_copy) as lock:
        assert store.publish(lock, again(store_copy)).manifest.schema == NEXT + 1


@pytest.mark.parametrize("error", [KeyError, TypeError, AttributeError, ValueError])
def test_an_older_run_that_its_step_cannot_read_is_refused(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(old: RawContent) -> RawContent:
        raise error("plan")

    pretend_next_schema(monkeypatch, fail, RUN_SCHEMAS[NEWEST].required)
    with pytest.raises(
        RunRejectedError, match=f"it does not hold what a run of schema {NEWEST} holds"
    ):
        store.load(store_copy)


def test_what_a_step_fills_in_is_checked_like_all_else(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(old: RawContent) -> RawContent:
        return replace(old, config=old.config | {"past": "none"})

    pretend_next_schema(monkeypatch, wrong, RUN_SCHEMAS[NEWEST].required)
    with pytest.raises(
        RunRejectedError, match=r"config\.json: .*past: Input should be a valid array"
    ):
        store.load(store_copy)


def test_every_schema_but_the_newest_has_a_step() -> None:
    assert sorted(RUN_SCHEMAS) == list(range(1, NEWEST + 1))
    for number, schema in RUN_SCHEMAS.items():
        assert (schema.upgrade is None) == (number == NEWEST)
        assert {"config.json", "metrics.json", "series.json"} <= set(schema.required)


def test_a_run_of_schema_1_has_one_member() -> None:
    root = ROOT / "tests" / "golden" / "0.2.0" / "store"
    for name in store.names(root):
        run = store.load(root, name)
        assert (run.manifest.schema, run.config.schema, len(run.model.members)) == (1, NEWEST, 1)
        assert run.model.residuals.ndim == 3
        assert run.config.plan.architecture.decoder == (
            "recursive" if run.config.plan.preset == "classic" else "direct"
        )


def test_a_schema_that_is_not_a_number_is_not_taken_for_a_newer_one(tmp_path: Path) -> None:
    contents: list[Any] = [[], {}, {"schema": "9"}, {"schema": 2}]
    for content in contents:
        upgrades.check_not_newer(tmp_path, content, "the run", 2)
    versions_of_others: list[Any] = [None, [], {}, {"forecast": 3}, {"forecast": "9" * 50}]
    for versions in versions_of_others:
        with pytest.raises(RunMismatchError, match=r"the run has schema 3, this is forecast"):
            upgrades.check_not_newer(tmp_path, {"schema": 3, "versions": versions}, "the run", 2)


# -- schema 3 --------------------------------------------------------------------------------------


def make_schema_2(root: Path, data: Callable[[dict[str, Any]], Any]) -> None:
    """Turn a run into one of the releases up to 0.4.0; data: what becomes of the settings of its reader."""

    def change_config(texts: dict[str, bytes]) -> None:
        config = json.loads(texts["config.json"])
        del config["data"]["max_skipped"]
        texts["config.json"] = json.dumps(
            config | {"schema": 2, "data": data(config["data"])}
        ).encode()

    def change_manifest(texts: dict[str, bytes]) -> None:
        texts["manifest.json"] = texts["manifest.json"].replace(
            f'"schema": {NEWEST}'.encode(), b'"schema": 2'
        )

    reseal(root, change_config)
    reseal(root, change_manifest)


@pytest.mark.parametrize(("before", "now"), [("%Y-%m", ["%Y-%m"]), (None, None)])
def test_the_date_format_of_a_run_of_schema_2_becomes_a_list(
    store_copy: Path, before: str | None, now: list[str] | None
) -> None:
    make_schema_2(store_copy, lambda data: data | {"date_format": before})
    run = store.load(store_copy)
    assert (run.manifest.schema, run.config.schema) == (2, NEWEST)
    assert (run.config.data.date_format, run.config.data.max_skipped) == (now, None)
    assert len(predict(store_folder=store_copy).forecast.values) == 1


@pytest.mark.parametrize("wrong", [3, ["%Y-%m"], {"a": "b"}, True])
def test_a_date_format_of_a_run_of_schema_2_that_is_none_is_refused(
    store_copy: Path, wrong: object
) -> None:
    make_schema_2(store_copy, lambda data: data | {"date_format": wrong})
    with pytest.raises(RunRejectedError):
        store.load(store_copy)


@pytest.mark.parametrize("wrong", [None, [], ["date_format"], 3, "date_format"])
def test_a_run_of_schema_2_without_settings_is_refused(store_copy: Path, wrong: object) -> None:
    make_schema_2(store_copy, lambda data: wrong)
    with pytest.raises(RunRejectedError):
        store.load(store_copy)


# -- schema 4 --------------------------------------------------------------------------------------


def make_schema_3(root: Path, preset: object) -> None:
    """Turn a run into one of 0.5.0 or 0.6.0, trained with a preset."""

    def change_config(texts: dict[str, bytes]) -> None:
        config = json.loads(texts["config.json"])
        plan = config["plan"] | {"preset": preset}
        texts["config.json"] = json.dumps(config | {"schema": 3, "plan": plan}).encode()

    def change_manifest(texts: dict[str, bytes]) -> None:
        texts["manifest.json"] = texts["manifest.json"].replace(
            f'"schema": {NEWEST}'.encode(), b'"schema": 3'
        )

    reseal(root, change_config)
    reseal(root, change_manifest)


def test_the_preset_seasonal_of_a_run_of_schema_3_is_auto(store_copy: Path) -> None:
    make_schema_3(store_copy, "seasonal")
    run = store.load(store_copy)
    assert (run.manifest.schema, run.config.plan.preset) == (3, "auto")
    assert len(predict(store_folder=store_copy).forecast.values) == 1


@pytest.mark.parametrize("wrong", ["unknown", None, 3, ["seasonal"]])
def test_a_preset_of_a_run_of_schema_3_that_is_none_is_refused(
    store_copy: Path, wrong: object
) -> None:
    make_schema_3(store_copy, wrong)
    with pytest.raises(RunRejectedError):
        store.load(store_copy)


# -- schema 7 --------------------------------------------------------------------------------------


def test_a_run_of_schema_6_knows_nothing_of_errors_beyond_its_horizon() -> None:
    root = ROOT / "tests" / "golden" / "0.9.0" / "store"
    for name in store.names(root):
        run = store.load(root, name)
        plan = run.config.plan
        assert (run.manifest.schema, run.config.schema) == (6, NEWEST)
        assert run.model.further.shape == (0, 0, plan.architecture.outputs_per_step)
        assert (plan.interval, plan.noise_power, plan.symmetric) == (None, 0.0, False)
        assert run.metrics.intervals.coverage is None
