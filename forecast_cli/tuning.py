"""The search of `forecast tune`: what to try next, when to give a trial up, and what mattered.

The only room of Optuna. Its study is in memory, and a trial is asked for and told about; what was
told is kept elsewhere (`store`). What is tried next depends on the trials told so far, on the seed
and on the number of the trial alone, so that a search that goes on after an interruption tries the
same as one that was never interrupted.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from forecast_cli.errors import SettingsError
from forecast_cli.fields import AnyOf, Between, Multiples, Tuned, list_text, option_name
from forecast_cli.planning import Plan
from forecast_cli.settings import GROUPS, Settings, fields_by_name

RANDOM_TRIALS = 8  # before the sampler goes by what it has seen
VARIED = 3  # settings in each of these, at random; the others are as without tuning
TRIALS_BEFORE_PRUNING = 4
SEEDS = 100_003  # between the seeds of two studies, so that those of their trials do not meet
SIGNIFICANT = 3  # digits of a number that is tried: more make no difference
FEWEST_FOR_IMPORTANCE = 6  # trials
TOP = 0.25  # of the trials, what makes the difference to which is important
INSTALL = "pip install 'forecast-cli[tune]'"

Choice = dict[str, str | float]  # the text of a value, or a number, by the name of the setting
State = Literal["complete", "pruned", "failed"]


def require_optuna() -> None:
    """Raise SettingsError where Optuna is not installed."""
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise SettingsError("tuning needs Optuna, which is not installed", INSTALL) from None


def version() -> str:
    """The version of Optuna."""
    return importlib.metadata.version("optuna")


# -- what is searched --------------------------------------------------------------------------


@dataclass(frozen=True)
class Parameter:
    """A setting that is varied.

    - name: of the setting
    - default: what a training without tuning uses: the text of a value, or a number
    - values: by their text; empty for a number from `low` to `high`
    - when: another parameter, and the texts of its values with which this one has a meaning
    """

    name: str
    default: str | float
    values: Mapping[str, Any] = field(default_factory=dict)
    low: float = 0.0
    high: float = 0.0
    is_log: bool = False
    when: tuple[str, tuple[str, ...]] | None = None

    def has_meaning(self, choice: Choice) -> bool:
        """Whether it is varied together with what was chosen before."""
        return self.when is None or choice.get(self.when[0]) in self.when[1]


def parameters(
    settings: Settings, plan: Plan, fixed: Collection[str], fits: Callable[[Settings], bool]
) -> tuple[Parameter, ...]:
    """What is varied: the settings that say what tuning tries, and that the user left alone.

    - plan: of a training without tuning, whose values are among those that are tried
    - fixed: settings that the user named, even if with the value of their default
    - fits: whether a training can be planned with some settings; a value that does not go with the
      rest is left out
    """
    found: dict[str, Parameter] = {}
    for name, declared in fields_by_name().items():
        tuned = declared.metadata["tuned"]
        is_given = _value(settings, name) != declared.default or name in fixed
        if tuned is None or is_given:
            continue
        whole = _parameter(name, tuned, _planned(plan, name))
        parameter = _in_context(whole, tuned, found, plan)
        if parameter is not None:
            parameter = _without_misfits(parameter, settings, fits)
        if parameter is not None:
            found[name] = parameter
    return tuple(found.values())


def _parameter(name: str, tuned: Tuned, default: Any) -> Parameter:
    if isinstance(tuned, Between):
        low, high = min(tuned.low, default), max(tuned.high, default)
        return Parameter(name, float(default), {}, float(low), float(high), tuned.is_log)

    values = list(tuned.values) if isinstance(tuned, AnyOf) else _multiples(tuned, default)
    if default not in values:
        values.insert(0, default)
    return Parameter(name, text(default), {text(value): value for value in values})


def _multiples(tuned: Multiples, default: Any) -> list[Any]:
    multiples = [max(round(default * factor), 1) for factor in tuned.factors]
    return list(dict.fromkeys(multiples))


def _in_context(
    parameter: Parameter, tuned: Tuned, found: Mapping[str, Parameter], plan: Plan
) -> Parameter | None:
    """The parameter with its condition; None where that can never hold."""
    if tuned.when is None:
        return parameter
    other, values = tuned.when
    if other in found:
        return replace(parameter, when=(other, tuple(text(value) for value in values)))
    return parameter if _planned(plan, other) in values else None


def _without_misfits(
    parameter: Parameter, settings: Settings, fits: Callable[[Settings], bool]
) -> Parameter | None:
    """The parameter without values that do not go with the settings; None where one is left."""
    if not parameter.values:
        return parameter
    fitting = {
        key: value
        for key, value in parameter.values.items()
        if key == parameter.default
        or fits(settings_for(settings, [parameter], {parameter.name: key}))
    }
    return replace(parameter, values=fitting) if len(fitting) > 1 else None


def settings_for(settings: Settings, space: Sequence[Parameter], choice: Choice) -> Settings:
    """The settings of a trial. What is as without tuning is left to the rules."""
    changed = changes(space, choice)
    if "lookback" in changed and "segment" in changed:
        segment = changed["segment"]
        changed["lookback"] = -(-changed["lookback"] // segment) * segment

    for name, value in changed.items():
        group = next(key for key, kind in GROUPS.items() if name in kind.types)
        settings = replace(settings, **{group: replace(getattr(settings, group), **{name: value})})
    return settings


def changes(space: Sequence[Parameter], choice: Choice) -> dict[str, Any]:
    """What a trial sets, by the names of settings: what is not as without tuning."""
    changed: dict[str, Any] = {}
    for parameter in space:
        chosen = choice.get(parameter.name, parameter.default)
        if chosen == parameter.default:
            continue
        if isinstance(chosen, str):
            changed[parameter.name] = parameter.values[chosen]
        else:
            changed[parameter.name] = float(f"{chosen:.{SIGNIFICANT}g}")
    return changed


def in_words(changed: Mapping[str, Any]) -> str:
    """`--units 64 --dropout 0.3`, or that nothing is changed."""
    options = [f"{option_name(name)} {text(value)}" for name, value in changed.items()]
    return " ".join(options) or "the default settings"


def text(value: Any) -> str:
    """A value as it is typed behind its option."""
    return value if isinstance(value, str) else list_text(value)


def _value(settings: Settings, name: str) -> Any:
    group = next(key for key, kind in GROUPS.items() if name in kind.types)
    return getattr(getattr(settings, group), name)


def _planned(plan: Plan, name: str) -> Any:
    in_architecture = {each.name for each in dataclasses.fields(plan.architecture)}
    return getattr(plan.architecture if name in in_architecture else plan, name)


# -- the search --------------------------------------------------------------------------------


class Search:
    """A study of Optuna: trials are asked for, reported on fold by fold, and told about.

    Numbers of trials are from 0, which is the training without tuning. Errors are made small.
    """

    def __init__(self, space: Sequence[Parameter], seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._optuna = optuna
        self._space = tuple(space)
        self._seed = seed
        self._study = optuna.create_study(
            direction="minimize",
            sampler=optuna.samplers.RandomSampler(seed=seed),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=TRIALS_BEFORE_PRUNING),
        )
        self._running: dict[int, optuna.Trial] = {}

    def add(self, choice: Choice, state: State, errors: Sequence[float]) -> None:
        """A trial that was told about before, with the mean error after each of its folds."""
        self._study.add_trial(
            self._optuna.create_trial(
                state=self._state(state),
                value=errors[-1] if state != "failed" else None,
                params=dict(choice),
                distributions={each.name: self._distribution(each) for each in self._of(choice)},
                intermediate_values=dict(enumerate(errors)),
            )
        )

    def ask(self, number: int) -> Choice:
        """What the trial of this number tries. The numbers are in order."""
        if number < RANDOM_TRIALS:
            self._study.enqueue_trial(self._first(number))
        # A sampler for each trial, so that nothing depends on what happened before but the trials.
        self._study.sampler = self._optuna.samplers.TPESampler(
            n_startup_trials=RANDOM_TRIALS, seed=(self._seed * SEEDS + number) % 2**32
        )
        trial = self._study.ask()
        if trial.number != number:
            raise ValueError(f"trial {number} was asked for, and {trial.number} is next")
        self._running[number] = trial
        return self._suggested(trial)

    def _suggested(self, trial: Any) -> Choice:
        choice: Choice = {}
        for each in self._space:
            if not each.has_meaning(choice):
                continue
            if each.values:
                choice[each.name] = trial.suggest_categorical(each.name, list(each.values))
            else:
                choice[each.name] = trial.suggest_float(
                    each.name, each.low, each.high, log=each.is_log
                )
        return choice

    def is_hopeless(self, number: int, fold: int, error: float) -> bool:
        """Take down the mean error of a trial up to a fold, and say whether to give it up."""
        self._running[number].report(error, fold)
        return self._running[number].should_prune()

    def tell(self, number: int, state: State, error: float | None) -> None:
        """What a trial came to. Trials are told about in their order."""
        value = error if state == "complete" else None
        self._study.tell(self._running.pop(number), value, state=self._state(state))

    def importance(self) -> dict[str, float]:
        """How much of the difference between good trials and the others each setting makes, the
        largest share first; empty where there are too few trials to tell.

        By PED-ANOVA (Watanabe et al. 2023, https://arxiv.org/abs/2304.10255).
        """
        complete = self._study.get_trials(states=(self._state("complete"),))
        if len(complete) < FEWEST_FOR_IMPORTANCE or not self._space:
            return {}
        evaluator = self._optuna.importance.PedAnovaImportanceEvaluator(target_quantile=TOP)
        with warnings.catch_warnings():
            # Optuna warns of settings that were tried in few trials only: docs/tuning.md does, too.
            warnings.simplefilter("ignore")
            importances = self._optuna.importance.get_param_importances
            shares = importances(self._study, evaluator=evaluator)
        return {name: float(share) for name, share in shares.items()}

    def _first(self, number: int) -> Choice:
        """What one of the first trials tries: the training without tuning, or it with a few changes.

        The values that rules decide are good ones. To change all of them at once, at random, would
        take many trials to find anything better.
        """
        random = np.random.default_rng([self._seed, number])
        varied = set(random.permutation(len(self._space))[:VARIED].tolist()) if number else set()
        choice: Choice = {}
        for place, each in enumerate(self._space):
            choice[each.name] = _another(each, random) if place in varied else each.default
        return choice

    def _of(self, choice: Choice) -> list[Parameter]:
        return [each for each in self._space if each.name in choice]

    def _state(self, state: State) -> Any:
        states = self._optuna.trial.TrialState
        return {"complete": states.COMPLETE, "pruned": states.PRUNED, "failed": states.FAIL}[state]

    def _distribution(self, each: Parameter) -> Any:
        if each.values:
            return self._optuna.distributions.CategoricalDistribution(list(each.values))
        return self._optuna.distributions.FloatDistribution(each.low, each.high, log=each.is_log)


def _another(each: Parameter, random: np.random.Generator) -> str | float:
    """A value at random that is not the default."""
    if each.values:
        others = [key for key in each.values if key != each.default]
        return others[int(random.integers(len(others)))]
    if each.is_log:
        return float(np.exp(random.uniform(np.log(each.low), np.log(each.high))))
    return float(random.uniform(each.low, each.high))
