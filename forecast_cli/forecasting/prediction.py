"""The networks of a model on windows, in the domain in which windows are normalized."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecast_cli import baselines, covariates, intervals, network, scaling, windows
from forecast_cli.calendar import Ints
from forecast_cli.covariates import Covariates, Gathered
from forecast_cli.errors import RunMismatchError, TooLittleDataError
from forecast_cli.forecasting.model import Model, covariates_of, scales_of
from forecast_cli.forecasting.newest import has_full_window
from forecast_cli.network import Architecture
from forecast_cli.panel import Floats, Panel, format_times, select, times_of
from forecast_cli.planning import Plan, Statistic, part_plans
from forecast_cli.scaling import SeriesScale
from forecast_cli.theta import theta
from forecast_cli.windows import Windows

# Numbers in the largest array of the network, which bounds the windows that it reads at once.
LARGEST_ARRAY = 1 << 22
FEWEST, MOST = 16, 512  # windows read at once; what more of them need leaves the cache
SHORTEST = 4  # steps of a window that has a noise
DROPOUT_SAMPLES = 30

# The covariates of windows, a number of steps later, as the networks of a plan read them
Features = Callable[[int, Plan], Gathered]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the networks answer to B windows, where windows are normalized.

    - values: (B, H, Q), combined over the members
    - spread: (B,) of each window
    - noise: (B,) how much each window changes from season to season, as a part of its spread
    - members: (M, B, H), the forecast of each member alone
    """

    values: Floats
    spread: Floats
    noise: Floats
    members: Floats


@dataclass(frozen=True, eq=False)
class Batch:
    """Windows that the networks read at once.

    - index: (B,) their numbers
    - series: (B,) the position of their series in the scales
    - past: (B, lookback) transformed values
    - of_base: (B, horizon) the forecast of the base network, where it has a part, transformed
    """

    index: Ints
    series: Ints
    past: Floats
    features: Features | None
    of_base: Floats | None = None


@dataclass(frozen=True, eq=False)
class Reader:
    """A panel as a model sees it: scales by series, and covariates on the model's scale.

    known: (N,) the values, NaN where they were interpolated by the reader: networks that read
    seasons need no guesses.
    """

    panel: Panel
    model: Model
    scale: SeriesScale
    positions: Ints
    covariates: Covariates | None
    known: Floats

    def batches(self, chosen: Windows) -> Iterator[Batch]:
        """The windows in runs that fit in memory."""
        plan = self.model.plan
        size = windows_at_once(plan)
        for start in range(0, len(chosen), size):
            index = np.arange(start, min(start + size, len(chosen)))
            series = self.positions[chosen.at(index)[0]]
            past = self._pasts(chosen, index, series)
            features = _features(self.covariates, chosen, index)
            yield Batch(index, series, past, features, self._of_base(chosen, index, series))

    def restore(self, values: Floats, series: Ints) -> Floats:
        """Values (B, horizon) in the units of the file."""
        return scaling.restore(values, self.model.plan.normalization, self.scale, series)

    def pasts(self, chosen: Windows, index: Ints | slice = slice(None)) -> Floats:
        """Past steps (B, lookback) in the units of the file.

        For a network that reads seasons, NaN where nothing is known.
        """
        if self.model.plan.architecture.by_season is not None:
            return windows.pasts_with_gaps(self.known, self.panel.offsets, chosen, index)
        return windows.pasts(self.panel.values, chosen, index)

    def _pasts(self, chosen: Windows, index: Ints, series: Ints) -> Floats:
        """Past steps (B, lookback), transformed. Raises RunMismatchError where that cannot be."""
        past = self.pasts(chosen, index)
        normalization = self.model.plan.normalization
        lowest = self._lowest(series)[:, None]
        if (past <= lowest).any():
            raise self._not_positive(chosen, index, past, past <= lowest)
        return scaling.transform(past, normalization, self.scale, series[:, None])

    def _of_base(self, chosen: Windows, index: Ints, series: Ints) -> Floats | None:
        """The forecast of the base network (B, horizon), transformed as the windows are."""
        share = self.model.plan.base
        if share is None or self.model.base is None:  # no part, or none that is known yet
            return None
        longer = replace(chosen, lookback=share.architecture.lookback)
        past = windows.pasts_with_gaps(self.known, self.panel.offsets, longer, index)
        forecast = base_forecast(self.model, past)

        # What has no logarithm becomes the smallest value that is known to have one.
        lowest = self._lowest(series)[:, None]
        smallest = np.fmin.reduce(np.where(past > lowest, past, np.nan), axis=1)[:, None]
        forecast = np.where(forecast > lowest, forecast, smallest)
        normalization = self.model.plan.normalization
        return scaling.transform(forecast, normalization, self.scale, series[:, None])

    def _lowest(self, series: Ints) -> Floats:
        """(B,) values must be above this to have a logarithm."""
        normalization = self.model.plan.normalization
        if normalization == "log":
            return np.zeros(len(series))
        if normalization == "shifted-log":
            return self.scale.zero[series]
        return np.full(len(series), -np.inf)

    def _not_positive(
        self, chosen: Windows, index: Ints, past: Floats, too_low: NDArray[np.bool_]
    ) -> RunMismatchError:
        """The error for a value that has no logarithm: it names the first."""
        panel = self.panel
        row, step = (int(a[0]) for a in np.nonzero(too_low))
        (series,), (origin,) = chosen.at(index[row : row + 1])
        local = int(origin - panel.offsets[series]) - past.shape[1] + step
        when = format_times(panel, times_of(panel, series, local, local + 1))[0]
        where = f"series {panel.ids[series]!r}: " if panel.ids[series] else ""
        kind = "negative" if past[row, step] < 0 else "zero"
        return RunMismatchError(
            f"{where}the value {float(past[row, step])!r} at {when} is {kind}, "
            "and the run was trained on values that are not",
            "train again on this data",
        )


def reader_of(panel: Panel, model: Model) -> Reader:
    """Raises RunMismatchError where the panel has other covariates than the model."""
    scale, positions = scales_of(panel, model)
    known = np.where(knows_later_rows(panel), np.nan, panel.values)
    return Reader(panel, model, scale, positions, covariates_of(panel, model), known)


def knows_later_rows(panel: Panel) -> NDArray[np.bool_]:
    """(N,) whether a value was interpolated by the reader, from the rows before and after it."""
    if len(panel.filled) and panel.reading.gaps in ("auto", "interpolate"):
        return panel.filled
    return np.zeros(len(panel.values), bool)


def windows_at_once(plan: Plan) -> int:
    """How many windows fit in memory: the largest array is the outputs of a layer."""
    shapes = [alone.architecture for alone in part_plans(plan)]
    if plan.base is not None:
        shapes.append(plan.base.architecture)
    return min(_at_once(shape) for shape in shapes)


def _at_once(architecture: Architecture) -> int:
    numbers = architecture.steps * max(architecture.units) * len(architecture.directions)
    numbers = max(numbers, architecture.lookback)
    return int(np.clip(LARGEST_ARRAY // numbers, FEWEST, MOST))


def predict(
    model: Model,
    past: Floats,
    features: Features | None = None,
    of_base: Floats | None = None,
    dropout: network.Dropout | None = None,
) -> Prediction:
    """All members on transformed windows, the statistics of a portfolio, and the base network.

    A portfolio is the weighted mean of its parts and statistics. All is moved toward the forecast
    of the base network by its weight.

    past: (B, lookback); of_base: what the base network forecasts, (B, horizon), transformed;
    dropout: drops states of the members, as in training.
    """
    prediction = _predict_by_networks(model, past, features, dropout)
    share = model.plan.base
    if share is None or of_base is None:
        return prediction
    point = model.plan.architecture.point_index
    shift = share.weight * (of_base - prediction.values[:, :, point])
    return replace(prediction, values=prediction.values + shift[:, :, None])


def base_forecast(model: Model, past: Floats) -> Floats:
    """What the base network forecasts from windows with gaps, in units of the file: (B, horizon).

    past: (B, lookback of the base network).
    """
    share, weights = model.plan.base, model.base
    if share is None or weights is None:
        raise ValueError("the base network has no part in this forecast")
    shape = share.architecture
    values = averaged_with_logs(shape, weights, past)
    return values[:, : model.plan.horizon, shape.point_index]


def averaged_with_logs(shape: Architecture, weights: network.Weights, past: Floats) -> Floats:
    """A network that reads seasons on windows (B, lookback) with gaps, and on their logarithms
    where these make sense: the mean of both answers, (B, outputs, Q). Single outliers are not
    read."""
    past = network.without_outliers(past, shape.season_steps)
    values = _by_level(shape, weights, past)
    shifts = scaling.log_shifts(past)
    rows = np.flatnonzero(~np.isnan(shifts))
    if not len(rows):
        return values

    shift = shifts[rows, None]
    logs = _by_level(shape, weights, np.log(past[rows] + shift))
    limit = scaling.LARGEST_LOG
    values[rows] += np.exp(np.clip(logs, -limit, limit)) - shift[:, :, None]
    values[rows] /= 2
    return values


def _by_level(shape: Architecture, weights: network.Weights, past: Floats) -> Floats:
    """The answers (B, outputs, Q) to windows by their own level and spread."""
    frame = scaling.Frame("spread", 0, has_gaps=True)
    scale = scaling.window_scale(past, shape.outputs, frame)
    x = scaling.inputs(past, scale)[:, :, None]
    return _restored(network.forward(shape, weights, x), scale)


def _predict_by_networks(
    model: Model, past: Floats, features: Features | None, dropout: network.Dropout | None
) -> Prediction:
    """The networks that were trained, and the statistics."""
    plan = model.plan
    if not plan.parts:
        return _predict_alike(model, past, features, dropout)

    answers, members = _every_answer(model, past, features, dropout)
    values = np.zeros_like(answers[0])
    for weight, answer in zip(plan.weights, answers, strict=True):
        values += weight * answer
    spread = scaling.window_scale(past, plan.architecture.outputs, plan.frame).spread
    return Prediction(np.sort(values, axis=-1), spread, noise_of(plan, past, spread), members)


def dropout_deviation(
    model: Model, past: Floats, features: Features | None, of_base: Floats | None
) -> Floats:
    """(B, horizon) the standard deviation of forecasts by networks some of whose states are dropped
    (Monte Carlo dropout, Gal & Ghahramani 2016), of transformed windows (B, lookback)."""
    point = model.plan.architecture.point_index
    samples = []
    for number in range(DROPOUT_SAMPLES):
        dropout = network.Dropout((model.plan.seed, number))
        samples.append(predict(model, past, features, of_base, dropout).values[:, :, point])
    deviation: Floats = np.std(samples, axis=0)
    return deviation


def noise_of(plan: Plan, past: Floats, spread: Floats) -> Floats:
    """(B,) the mean change from one season to the next in windows (B, lookback) of some spread (B,),
    as a part of that; 1 where it is not known."""
    if plan.architecture.by_season is not None:
        return np.ones(len(past))
    lag = plan.season if 2 * plan.season <= past.shape[1] else 1
    if past.shape[1] < SHORTEST:
        return np.ones(len(past))
    noise = np.abs(past[:, lag:] - past[:, :-lag]).mean(axis=1)
    ratio: Floats = noise / np.where(spread > 0, spread, 1.0)
    return ratio


def units(model: Model, prediction: Prediction) -> Floats:
    """(B,) the unit in which errors are about the same for all windows: the spread, and as much of
    the noise as errors followed where they were measured."""
    plan = model.plan
    factors = intervals.noise_factors(prediction.noise, plan.noise_power, plan.noise_usual)
    return prediction.spread * factors


def part_models(model: Model) -> tuple[Model, ...]:
    """The networks of each part of a portfolio, as models of their own."""
    models, first = [], 0
    for plan in part_plans(model.plan):
        models.append(
            replace(model, plan=plan, members=model.members[first : first + plan.members])
        )
        first += plan.members
    return tuple(models)


def statistic_forecast(statistic: Statistic, past: Floats, horizon: int) -> Floats:
    """What a statistic forecasts from transformed windows: (B, lookback) -> (B, horizon)."""
    if statistic.kind == "theta":
        return theta(past, horizon, statistic.season)
    return baselines.seasonal_naive(past, horizon, statistic.season)


def alternatives(panel: Panel, model: Model, chosen: Windows) -> Floats:
    """What each part of a portfolio alone forecasts from W windows, and then each statistic:
    (parts + statistics, W, horizon), transformed."""
    plan, reader = model.plan, reader_of(panel, model)
    point = plan.architecture.point_index
    forecasts = np.empty((len(plan.parts) + len(plan.statistics), len(chosen), plan.horizon))
    for batch in reader.batches(chosen):
        answers, _ = _every_answer(model, batch.past, batch.features)
        for number, answer in enumerate(answers):
            forecasts[number, batch.index] = answer[:, :, point]
    return forecasts


def _every_answer(
    model: Model,
    past: Floats,
    features: Features | None,
    dropout: network.Dropout | None = None,
) -> tuple[list[Floats], Floats]:
    """The answers (B, H, Q) of each part and each statistic, and (M, B, H) those of all members.

    A statistic answers every quantile alike.
    """
    plan = model.plan
    answers: list[Floats] = []
    members: list[Floats] = []
    for alone in part_models(model):
        prediction = _predict_alike(alone, past[:, -alone.plan.lookback :], features, dropout)
        answers.append(prediction.values)
        members.append(prediction.members)
    for statistic in plan.statistics:
        forecast = statistic_forecast(statistic, past, plan.horizon)
        answers.append(np.repeat(forecast[:, :, None], answers[0].shape[2], axis=2))
    return answers, np.concatenate(members)


def _predict_alike(
    model: Model,
    past: Floats,
    features: Features | None,
    dropout: network.Dropout | None = None,
) -> Prediction:
    """Members of one architecture on transformed windows (B, lookback).

    Members that answer fewer steps than the horizon are rolled forward on their own forecasts.
    """
    plan, architecture = model.plan, model.plan.architecture
    if plan.normalization == "both":
        return _predict_as_it_is(model, past)
    point = architecture.point_index
    spread = scaling.window_scale(past, architecture.outputs, plan.frame).spread
    noise = noise_of(plan, past, spread)

    combined_parts: list[Floats] = []
    member_parts: list[Floats] = []
    for step in range(0, plan.horizon, architecture.outputs):
        scale = scaling.window_scale(past, architecture.outputs, plan.frame)
        gathered = None if features is None else features(step, plan)
        inputs = network_inputs(past, scale, gathered)
        outputs = np.stack(
            [
                network.forward(architecture, weights, *inputs, dropout=dropout)
                for weights in model.members
            ]
        )

        answers = _restored(combine(plan, outputs), scale)
        combined_parts.append(answers)
        member_parts.append(_restored(outputs[..., point].transpose(1, 2, 0), scale))
        past = np.concatenate([past, answers[:, :, point]], axis=1)[:, -plan.lookback :]

    values = np.concatenate(combined_parts, axis=1)[:, : plan.horizon]
    members = np.concatenate(member_parts, axis=1)[:, : plan.horizon]
    return Prediction(values, spread, noise, members.transpose(2, 0, 1))


def _predict_as_it_is(model: Model, past: Floats) -> Prediction:
    """Networks that read seasons on windows (B, lookback) and on their logarithms."""
    plan, shape = model.plan, model.plan.architecture
    answers = np.stack([averaged_with_logs(shape, one, past) for one in model.members])
    answers = answers[:, :, : plan.horizon]
    spread = scaling.window_scale(past, plan.horizon, plan.frame).spread
    point = answers[..., shape.point_index]
    return Prediction(combine(plan, answers), spread, noise_of(plan, past, spread), point)


def _restored(outputs: Floats, scale: scaling.WindowScale) -> Floats:
    """Outputs (B, H, Q) back in the transformed domain, one after the other."""
    count = outputs.shape[2]
    return np.stack([scaling.answers(outputs[:, :, q], scale) for q in range(count)], axis=2)


def combine(plan: Plan, outputs: Floats) -> Floats:
    """One output out of the members' (M, B, H, Q).

    Their median or mean, or their sum where each learned what the previous ones left over.
    Quantiles are put in order.
    """
    if len(outputs) == 1:
        return np.sort(outputs[0], axis=-1)
    if plan.boosting:
        total: Floats = outputs.sum(axis=0)
        return total
    if plan.combine == "median":
        return np.sort(np.median(outputs, axis=0), axis=-1)
    return np.sort(outputs.mean(axis=0), axis=-1)


def network_inputs(
    past: Floats, scale: scaling.WindowScale, gathered: Gathered | None
) -> tuple[Floats, ...]:
    """Transformed windows (B, lookback) and their covariates as `network.forward` takes them."""
    x = scaling.inputs(past, scale)[:, :, None]
    if gathered is None:
        return (x,)
    return np.concatenate([x, gathered.past], axis=2), gathered.future_features, gathered.static


def newest_inputs(panel: Panel, model: Model, series: int) -> tuple[Floats, ...]:
    """What the network is given to forecast one series.

    Its newest window x (1, lookback, inputs), and where there are covariates, those of the steps
    ahead (1, outputs, 2 * known) and the static ones (1, K). Values are in units of the window's
    spread. Raises TooLittleDataError where the series has no full window, and RunMismatchError
    as `forecast` does.
    """
    plan, lone = model.plan, select(panel, np.array([series]))
    if not has_full_window(lone, plan)[0]:
        name = f"series {lone.ids[0]!r}" if lone.ids[0] else "the series"
        raise TooLittleDataError(
            f"{name} is shorter than the lookback of {plan.lookback:,}, or has a hole in it: "
            "the network cannot read it",
            "choose another series, or train with a smaller --lookback",
            option="lookback",
        )
    only = np.zeros(1, np.int64)
    newest = windows.of_origins(only, lone.offsets[1:], plan.lookback, plan.horizon)
    batch = next(reader_of(lone, model).batches(newest))
    first = part_plans(plan)[0]
    past = batch.past[:, -first.lookback :]
    scale = scaling.window_scale(past, first.architecture.outputs, first.frame)
    gathered = None if batch.features is None else batch.features(0, first)
    return network_inputs(past, scale, gathered)


def _features(known: Covariates | None, chosen: Windows, index: Ints) -> Features | None:
    if known is None:
        return None

    def features(step: int, plan: Plan) -> Gathered:
        later = replace(
            chosen,
            starts=chosen.starts + step,
            lookback=plan.lookback,
            horizon=plan.architecture.outputs,
        )
        return covariates.gather(known, later, index, plan.lag)

    return features
