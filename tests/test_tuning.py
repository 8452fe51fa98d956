"""What a tuning varies, and what it tries next: the same for equal trials, seeds and numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from forecast_cli import planning, reading, tuning
from forecast_cli.errors import SettingsError
from forecast_cli.fields import Between, option_name
from forecast_cli.planning import Plan
from forecast_cli.settings import Settings, fields_by_name
from forecast_cli.sources import settings_from
from forecast_cli.tuning import Choice, Parameter, Search
from tests.conftest import AIRLINE

pytest.importorskip("optuna", reason="the extra tune is not installed")

SPACE = (
    Parameter("optimizer", "rmsprop", {"rmsprop": "rmsprop", "adam": "adam"}),
    Parameter("momentum", "0.9", {"0": 0.0, "0.9": 0.9}, when=("optimizer", ("rmsprop",))),
    Parameter("learning_rate", 1e-3, {}, 1e-4, 1e-2, is_log=True),
    Parameter("cell", "lstm", {"lstm": "lstm", "gru": "gru"}),
)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return planning.make(reading.read_csv(AIRLINE), Settings())


def always(settings: Settings) -> bool:
    return True


# -- what is varied ----------------------------------------------------------------------------


def test_what_is_tried_is_within_the_bounds_of_each_setting(plan: Plan) -> None:
    space = {each.name: each for each in tuning.parameters(Settings(), plan, (), always)}
    declared = {
        name for name, field in fields_by_name().items() if field.metadata["tuned"] is not None
    }
    assert set(space) == declared
    for name, parameter in space.items():
        field = fields_by_name()[name]
        if isinstance(field.metadata["tuned"], Between):
            assert field.metadata["minimum"] <= parameter.low <= parameter.high
            assert parameter.high <= field.metadata["maximum"]
            assert parameter.low <= float(parameter.default) <= parameter.high
        else:
            assert parameter.default in parameter.values
            for value in parameter.values.values():
                settings_from(**{name: value})


def test_what_a_training_decides_by_itself_is_among_what_is_tried(plan: Plan) -> None:
    odd = replace(
        plan,
        learning_rate=0.5,
        architecture=replace(plan.architecture, units=(7,), dropout=0.9),
    )
    space = {each.name: each for each in tuning.parameters(Settings(), odd, (), always)}
    assert (space["units"].default, space["units"].values["7"]) == ("7", (7,))
    assert (space["learning_rate"].high, space["dropout"].high) == (0.5, 0.9)
    assert list(space["lookback"].values.values()) == [
        round(plan.lookback * factor) for factor in (0.5, 1, 1.5, 2, 3)
    ]


def test_what_the_user_gave_is_not_varied(plan: Plan) -> None:
    settings = settings_from(units="50,100", optimizer="adam")
    names = {each.name for each in tuning.parameters(settings, plan, ["cell"], always)}
    assert not names & {"units", "optimizer", "cell"}
    assert "dropout" in names


def test_a_setting_that_has_no_meaning_with_a_given_one_is_not_varied(plan: Plan) -> None:
    adam = replace(plan, optimizer="adam", momentum=0.0)
    with_adam = tuning.parameters(settings_from(optimizer="adam"), adam, (), always)
    assert "momentum" not in {each.name for each in with_adam}
    with_rmsprop = tuning.parameters(Settings(), plan, ["optimizer"], always)
    (momentum,) = [each for each in with_rmsprop if each.name == "momentum"]
    assert momentum.when is None


def test_values_that_cannot_be_planned_are_left_out(plan: Plan) -> None:
    def fits(settings: Settings) -> bool:
        return settings.network.cell == "lstm" and settings.training.jitter != 0.05

    space = {each.name: each for each in tuning.parameters(Settings(), plan, (), fits)}
    assert "cell" not in space
    assert list(space["jitter"].values) == ["0", "0.02"]


def test_a_trial_sets_only_what_is_not_as_without_tuning() -> None:
    default: Choice = {"optimizer": "rmsprop", "momentum": "0.9", "learning_rate": 1e-3}
    assert tuning.settings_for(Settings(), SPACE, default) == Settings()
    assert tuning.in_words(tuning.changes(SPACE, default)) == "the default settings"

    other: Choice = {"optimizer": "adam", "learning_rate": 0.00123456, "cell": "gru"}
    settings = tuning.settings_for(Settings(), SPACE, other)
    assert settings == settings_from(optimizer="adam", learning_rate=0.00123, cell="gru")
    words = tuning.in_words(tuning.changes(SPACE, other))
    assert words == "--optimizer adam --learning-rate 0.00123 --cell gru"


def test_a_lookback_is_tried_in_whole_segments() -> None:
    space = (
        Parameter("lookback", "24", {"24": 24, "36": 36}),
        Parameter("segment", "8", {"8": 8, "16": 16}),
    )
    settings = tuning.settings_for(Settings(), space, {"lookback": "36", "segment": "16"})
    assert (settings.window.lookback, settings.window.segment) == (48, 16)


def test_units_are_written_as_they_are_typed() -> None:
    assert tuning.text((50, 100)) == "50,100"
    assert tuning.text(0.0001) == "0.0001"
    assert option_name("learning_rate") == "--learning-rate"


# -- the search --------------------------------------------------------------------------------


def errors_of(choice: Choice) -> list[float]:
    """A landscape: gru is better, and so is a learning rate near 0.002."""
    error = 1.0 if choice["cell"] == "lstm" else 0.5
    error += abs(float(choice["learning_rate"]) - 0.002) * 50
    return [error, error, error]


def told(search: Search, number: int, choice: Choice) -> None:
    for fold, error in enumerate(errors_of(choice)):
        search.is_hopeless(number, fold, error)
    search.tell(number, "complete", errors_of(choice)[-1])


def searched(search: Search, numbers: range, at_a_time: int = 1) -> list[Choice]:
    found = []
    for start in range(numbers.start, numbers.stop, at_a_time):
        batch = {n: search.ask(n) for n in range(start, min(start + at_a_time, numbers.stop))}
        for number, choice in batch.items():
            told(search, number, choice)
            found.append(choice)
    return found


def test_the_first_trial_is_the_training_without_tuning_and_the_next_ones_vary_a_little() -> None:
    first, *others = searched(Search(SPACE, 1), range(tuning.RANDOM_TRIALS))
    assert first == {each.name: each.default for each in SPACE}
    assert any(other != first for other in others)
    wide = tuple(Parameter(f"p{n}", "a", {"a": 1, "b": 2}) for n in range(9))
    search = Search(wide, 1)
    for number in range(tuning.RANDOM_TRIALS):
        choice = search.ask(number)
        search.tell(number, "failed", None)
        assert sum(value == "b" for value in choice.values()) == (tuning.VARIED if number else 0)


def test_conditions_hold_in_every_trial() -> None:
    for choice in searched(Search(SPACE, 3), range(30)):
        assert ("momentum" in choice) == (choice["optimizer"] == "rmsprop")


@pytest.mark.parametrize("at_a_time", [1, 3])
@pytest.mark.parametrize("stop", [3, 9, 12])
def test_a_search_that_goes_on_tries_the_same_as_one_that_was_never_stopped(
    at_a_time: int, stop: int
) -> None:
    whole = searched(Search(SPACE, 7), range(18), at_a_time)
    resumed = Search(SPACE, 7)
    for choice in whole[:stop]:
        resumed.add(choice, "complete", errors_of(choice))
    assert searched(resumed, range(stop, 18), at_a_time) == whole[stop:]


def test_trials_that_failed_or_were_given_up_are_known_after_a_resume() -> None:
    def run(search: Search, numbers: range) -> list[Choice]:
        found = []
        for number in numbers:
            choice = search.ask(number)
            found.append(choice)
            if number % 3 == 1:
                search.tell(number, "failed", None)
            elif number % 3 == 2:
                search.is_hopeless(number, 0, errors_of(choice)[0])
                search.tell(number, "pruned", None)
            else:
                told(search, number, choice)
        return found

    whole = run(Search(SPACE, 2), range(20))
    resumed = Search(SPACE, 2)
    for number, choice in enumerate(whole[:12]):
        state = ("complete", "failed", "pruned")[number % 3]
        errors = {"complete": errors_of(choice), "failed": [], "pruned": errors_of(choice)[:1]}
        resumed.add(choice, state, errors[state])  # type: ignore[arg-type]
    assert run(resumed, range(12, 20)) == whole[12:]


def test_another_seed_tries_something_else() -> None:
    one, other = (searched(Search(SPACE, seed), range(6)) for seed in (1, 2))
    assert one[0] == other[0]
    assert one[1:] != other[1:]


def test_the_search_finds_what_is_better() -> None:
    found = searched(Search(SPACE, 1), range(40))
    best = min(errors_of(choice)[-1] for choice in found)
    assert best < 0.52 < errors_of(found[0])[-1]


def test_a_trial_that_is_worse_than_most_is_given_up() -> None:
    search = Search(SPACE, 1)
    searched(search, range(6))
    search.ask(6)
    assert search.is_hopeless(6, 0, 99.0)
    search.tell(6, "pruned", None)
    search.ask(7)
    assert not search.is_hopeless(7, 0, 0.01)


def test_what_mattered_is_known_once_there_are_trials_enough() -> None:
    search = Search(SPACE, 1)
    searched(search, range(5))
    assert search.importance() == {}
    searched(search, range(5, 40))
    shares = search.importance()
    assert set(shares) == {each.name for each in SPACE}
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["cell"] + shares["learning_rate"] > 0.6
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


def test_a_setting_that_was_tried_once_gives_no_warning() -> None:
    search = Search(SPACE, 1)
    default: Choice = {each.name: each.default for each in SPACE}
    search.add(default, "complete", [1.0])
    for _ in range(tuning.FEWEST_FOR_IMPORTANCE):
        adam: Choice = {"optimizer": "adam", "learning_rate": 1e-3, "cell": "gru"}
        search.add(adam, "complete", [0.5])
    assert "momentum" in search.importance()


def test_a_trial_out_of_order_is_refused() -> None:
    search = Search(SPACE, 1)
    with pytest.raises(ValueError, match="trial 3 was asked for, and 0 is next"):
        search.ask(3)


def test_without_optuna_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tuning.require_optuna()
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(SettingsError) as caught:
        tuning.require_optuna()
    assert caught.value.message == "tuning needs Optuna, which is not installed"
    assert caught.value.hint == "pip install 'forecast-cli[tune]'"
