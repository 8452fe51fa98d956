from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecast_cli import planning
from forecast_cli.errors import TooLittleDataError
from forecast_cli.panel import Panel, from_series, head
from forecast_cli.planning import Decided, Plan
from forecast_cli.reading import read_csv
from forecast_cli.sources import settings_from
from tests.conftest import AIRLINE, SAMPLES

T = np.arange(400)
SINE = from_series([10 + np.sin(T / 5)])


def plan_for(panel: Panel, **settings: object) -> Plan:
    return planning.make(panel, settings_from(**settings))


def test_auto_reads_the_airline_sample_as_a_person_would() -> None:
    plan = plan_for(read_csv(AIRLINE))
    assert (plan.horizon, plan.lookback, plan.lag, plan.seasons) == (12, 24, 12, (12,))
    assert (plan.validation, plan.test, plan.normalization) == (28, 12, "shifted-log")


def test_auto_looks_a_week_back_where_the_week_matters() -> None:
    plan = plan_for(read_csv(SAMPLES / "hourly.csv"))
    assert (plan.horizon, plan.lag, plan.lookback, plan.architecture.segment) == (24, 168, 168, 56)


def test_classic_is_the_textbook_recipe() -> None:
    plan = plan_for(SINE, preset="classic")
    assert plan.architecture.units == (50, 100)
    assert (plan.architecture.dropout, plan.architecture.outputs, plan.lookback) == (0.2, 1, 50)
    assert (plan.batch_size, plan.epochs, plan.patience, plan.refit) == (50, 20, 0, False)
    assert (plan.normalization, plan.loss, plan.zero_head, plan.averaging) == (
        "minmax",
        "mse",
        False,
        0.0,
    )
    assert (plan.validation, plan.lag, plan.architecture.segment) == (0, 0, 1)


def test_what_the_user_names_beats_the_textbook() -> None:
    plan = plan_for(
        SINE,
        preset="classic",
        units="7",
        batch_size=9,
        epochs=3,
        patience=2,
        lookback=20,
        learning_rate=0.1,
    )
    assert (plan.architecture.units, plan.batch_size, plan.epochs, plan.patience) == ((7,), 9, 3, 2)
    assert (plan.lookback, plan.learning_rate) == (20, 0.1)
    assert (
        plan.reasons["units"]
        == plan.reasons["batch_size"]
        == plan.reasons["lookback"]
        == "as given"
    )


def test_bilstm_predicts_values_with_four_layers_in_both_directions() -> None:
    plan = plan_for(read_csv(AIRLINE), preset="bilstm")
    shape = plan.architecture
    assert (shape.cell, shape.units, shape.bidirectional, shape.head) == (
        "lstm",
        (32, 32, 32, 32),
        True,
        "mlp",
    )
    assert (plan.optimizer, plan.learning_rate, plan.normalization, plan.lag) == (
        "adam",
        1e-3,
        "standard",
        0,
    )
    assert plan.lookback == 24, "the season still sets the lookback"


def test_seq2seq_has_a_decoder_with_attention() -> None:
    shape = plan_for(read_csv(AIRLINE), preset="seq2seq").architecture
    assert (shape.cell, shape.decoder, shape.attention, shape.segment) == (
        "lstm",
        "seq2seq",
        "bahdanau",
        1,
    )


def test_every_decision_of_a_rule_has_its_reason() -> None:
    expected = {
        "horizon": "one main season (monthly)",
        "test": "one horizon",
        "validation": "a fifth of the rows, or 20 horizons",
        "seasons": "monthly, with two full seasons in the training part",
        "dropout": "preset auto",
        "bidirectional": "preset auto",
        "attention": "preset auto",
        "decoder": "preset auto",
        "head": "preset auto",
        "normalization": "no value is negative: logarithms, then by window",
        "level_steps": "the season",
        "lag": "differences to the value 12 steps earlier",
        "spread": "the mean absolute deviation",
        "lookback": "2 seasons of 12",
        "segment": "at least 3 segments",
        "inputs": "the target",
        "known": "covariates known ahead",
        "static": "covariates of one value a series",
        "outputs": "the horizon",
        "units": "two layers",
        "embedding": "few series: segments are read as they are",
        "skip": "decoder direct",
        "skip_rate": "a linear map learns faster than the recurrence",
        "squash": "loss mse",
        "batch_size": "69 training windows",
        "epoch_batches": "69 training windows",
        "epochs": "300 steps, 69 training windows",
        "patience": "preset auto",
        "members": "69 training windows: the seed matters",
        "threads": "a small network trains as fast on one thread, also on a busy machine",
        "optimizer": "preset auto",
        "learning_rate": "segments of 8",
        "schedule": "preset auto",
        "momentum": "preset auto",
        "clip_norm": "preset auto",
        "base": "base network: its weight is chosen by validation",
    }
    assert plan_for(read_csv(AIRLINE)).reasons == expected


def test_settings_without_a_rule_are_copied() -> None:
    settings = {
        "short": "drop", "schedule": "cosine", "weight_decay": 0.1, "jitter": 0.2, "balance": True, "seed": 7,
        "members": 3, "bagging": True, "combine": "mean", "cell": "gru", "loss": "mae",
    }  # fmt: skip
    plan = plan_for(SINE, **settings)
    names = [name for name in settings if name != "cell"]
    assert {name: getattr(plan, name) for name in names} == {name: settings[name] for name in names}
    assert plan.architecture.cell == "gru"


def test_a_fixed_decision_stands_and_the_others_follow_it() -> None:
    """So that a candidate is a decision: what depends on it is decided as if the rule had said so."""
    panel = read_csv(SAMPLES / "hourly.csv")
    plan = planning.make(panel, settings_from(), fixed={"level_steps": Decided(24, "won by 3 %")})
    assert (plan.lag, plan.lookback, plan.architecture.segment) == (24, 48, 16)
    assert plan.reasons["level_steps"] == "won by 3 %"
    assert plan.reasons["lookback"] == "2 seasons of 24"

    network = planning.make(
        panel, settings_from(), fixed={"cell": Decided("gru", "won by 1 %")}
    ).architecture
    assert network == replace(plan_for(panel).architecture, cell="gru")


def test_weights_in_the_data_leave_targets_uncut() -> None:
    """Whoever read them: the plan looks at the data, not at the option that names the column."""
    weighted = replace(SINE, weights=np.ones(400))
    plain, uncut = plan_for(SINE, preset="seq2seq"), plan_for(weighted, preset="seq2seq")
    assert (plain.target_clip, uncut.target_clip) == (3.0, 0.0)


def test_too_few_rows_say_how_many_are_needed() -> None:
    panel = from_series([np.arange(30.0)])
    with pytest.raises(TooLittleDataError) as caught:
        plan_for(panel, horizon=12)
    assert caught.value.exit_code == 21
    assert caught.value.message == (
        "30 rows are too few for horizon 12: at least 38 are needed "
        "(2 to look back on, 12 to learn from, 12 for validation, 12 held out)"
    )
    assert caught.value.hint == "give more rows, or a smaller --horizon, --validation or --test"
    plan_for(from_series([np.arange(38.0)]), horizon=12)


def test_too_few_rows_for_a_lookback_name_it_in_the_hint() -> None:
    with pytest.raises(TooLittleDataError) as caught:
        plan_for(from_series([np.arange(50.0)]), horizon=12, lookback=30)
    assert caught.value.message == (
        "50 rows are too few for horizon 12: at least 66 are needed "
        "(30 to look back on, 12 to learn from, 12 for validation, 12 held out)"
    )
    assert (
        caught.value.hint
        == "give more rows, or a smaller --horizon, --lookback, --validation or --test"
    )


def test_the_textbook_needs_fewer_rows() -> None:
    with pytest.raises(TooLittleDataError) as caught:
        plan_for(from_series([np.arange(15.0)]), horizon=12, preset="classic")
    assert caught.value.message == (
        "15 rows are too few for horizon 12: at least 16 are needed "
        "(2 to look back on, 2 to learn from, 0 for validation, 12 held out)"
    )
    assert plan_for(from_series([np.arange(16.0)]), horizon=12, preset="classic").lookback == 1


@pytest.mark.parametrize("rows", [5, 6, 8, 12, 20, 40])
def test_the_default_horizon_fits_any_length(rows: int) -> None:
    plan = plan_for(from_series([np.arange(1.0, rows + 1)]))
    assert plan.horizon == min(10, rows // 5)
    assert plan.lookback + plan.horizon + plan.validation + plan.test <= rows


def test_short_data_takes_a_smaller_horizon() -> None:
    assert plan_for(head(read_csv(AIRLINE), np.array([40]))).horizon == 8


def test_a_segment_rounds_the_lookback_of_the_rules() -> None:
    assert plan_for(from_series([np.sin(T / 5)]), segment=7).lookback % 7 == 0


def test_a_season_longer_than_the_lookback_given_is_not_repeated() -> None:
    panel = read_csv(AIRLINE)
    assert plan_for(panel, lookback=10).lag == 1
    assert plan_for(panel, lookback=12).lag == 12


def test_rules_never_look_at_the_test_part_of_the_season_or_lag() -> None:
    panel = read_csv(AIRLINE)
    other = from_series([panel.values.copy()], panel.frequency, first=[int(panel.first[0])])
    other.values[-12:] = 300 + 100 * np.random.default_rng(1).random(12)
    assert plan_for(panel) == plan_for(other)


def test_seasons_are_not_looked_for_in_the_test_part(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=1400)
    values[-336:] = 100 * np.sin(2 * np.pi * np.arange(336) / 168)
    times = np.datetime64("2024-01-01T00", "h") + np.arange(len(values))
    path = tmp_path / "hourly.csv"
    path.write_text(
        "t,y\n"
        + "".join(f"{time}:00,{value:.4f}\n" for time, value in zip(times, values, strict=True))
    )
    plan = plan_for(read_csv(path), test=336)
    assert (plan.seasons, plan.season) == ((24,), 24)
    assert plan_for(read_csv(path), test=0, validation=0).seasons == (168,), (
        "the weeks must be there to be seen"
    )
