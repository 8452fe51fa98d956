"""Settings that do not go together, or not with the data, are refused before any work."""

from __future__ import annotations

from forecast_cli import choices
from forecast_cli.errors import SettingsError, TooLittleDataError
from forecast_cli.network import LOSSES
from forecast_cli.planning.plan import Plan, part_plans
from forecast_cli.planning.presets import PRESETS
from forecast_cli.planning.rules import WITH_MOMENTUM


def refuse_too_few_rows(
    longest: int,
    *,
    horizon: int,
    lookback: int | None,
    to_learn: int,
    validation: int,
    test: int,
) -> None:
    """Refuse data whose longest series does not have the rows for one window of each part.

    lookback: the one that the user asked for; a network needs 2 steps at least. Raises
    TooLittleDataError.
    """
    past = lookback or 2
    least = past + to_learn + validation + test
    if longest >= least:
        return
    rows = "1 row is" if longest == 1 else f"{longest} rows are"
    or_lookback = "--lookback, " if lookback else ""
    raise TooLittleDataError(
        f"{rows} too few for horizon {horizon}: at least {least} are needed "
        f"({past} to look back on, {to_learn} to learn from, "
        f"{validation} for validation, {test} held out)",
        f"give more rows, or a smaller --horizon, {or_lookback}--validation or --test",
    )


def refuse_textbook_validation(setting: int | None) -> None:
    """The textbook recipe takes its own validation part."""
    if setting:
        raise SettingsError(
            "--validation does not go with --preset classic",
            "leave it out: the preset uses 5 % of the windows",
            option="validation",
        )


def refuse_textbook_changes(
    features: tuple[int, int, int],
    segment: int | None,
    decoder: choices.Decoder,
) -> None:
    """The textbook recipe has no covariates and no segments, and feeds its forecast of one step
    back.

    features: how many there are over the window, over the horizon, and of the series.
    """
    if any(features):
        raise SettingsError(
            "covariates do not go with --preset classic",
            "leave them out, or use --preset auto",
        )
    if segment not in (None, 1):
        raise _not_together("--segment", "--preset classic", "segment")
    if decoder != "recursive":
        classic = "--preset classic, which feeds its forecast of one step back"
        raise _not_together(f"--decoder {decoder}", classic, "decoder")


def refuse_recursive_past(decoder: choices.Decoder, past_names: tuple[str, ...]) -> None:
    """A forecast that is fed back would need past-only covariates of steps still to come."""
    if decoder == "recursive" and past_names:
        column = past_names[0].split("=")[0]
        raise SettingsError(
            f"--decoder recursive does not go with --past {column}: "
            "to feed its forecasts back, the network would need its values beyond the last row",
            "use --decoder direct, or --future if its values are known in advance",
            option="decoder",
        )


def refuse_uneven_lookback(lookback: int | None, segment: int | None) -> None:
    """A lookback and a segment that the user both asked for must fit."""
    if lookback is not None and segment is not None and lookback % segment:
        nearest = lookback // segment * segment or segment
        raise SettingsError(
            f"--lookback {lookback} is not a multiple of --segment {segment}",
            f"use --lookback {nearest}",
            option="lookback",
        )


def refuse_conflicts(plan: Plan) -> None:
    """Raise SettingsError for the first thing in a plan that cannot be trained."""
    for refuse in (
        _refuse_single_step_attention,
        _refuse_single_member,
        _refuse_bagging_with_boosting,
        _refuse_boosting,
        _refuse_skip_of_decoder,
        _refuse_momentum_of_adam,
        _refuse_boosted_portfolio,
        _refuse_interval,
    ):
        refuse(plan)


def _refuse_single_step_attention(plan: Plan) -> None:
    shape = plan.architecture
    if shape.attention != "none" and shape.steps < 2:
        raise SettingsError(
            f"--attention {shape.attention} has nothing to weigh: "
            f"a lookback of {shape.lookback} in segments of {shape.segment} is a single step",
            "use a longer --lookback, a smaller --segment, or --attention none",
            option="attention",
        )


def _refuse_single_member(plan: Plan) -> None:
    if plan.members == 1 and (plan.bagging or plan.boosting):
        name = "bagging" if plan.bagging else "boosting"
        message = f"--{name} needs --members 2 or more"
        raise SettingsError(message, "add --members 5", option="members")


def _refuse_bagging_with_boosting(plan: Plan) -> None:
    if plan.bagging and plan.boosting:
        boosting = "--boosting: members are either trained alike or one after the other"
        raise _not_together("--bagging", boosting, "boosting")


def _refuse_boosted_portfolio(plan: Plan) -> None:
    if plan.boosting and PRESETS[plan.preset].is_portfolio:
        portfolio = f"--preset {plan.preset}, whose networks are averaged"
        raise _not_together("--boosting", portfolio, "boosting")


def _refuse_boosting(plan: Plan) -> None:
    if plan.boosting and LOSSES[plan.loss].uses_quantiles:
        loss = f"--loss {plan.loss}: the sum of quantiles is not a quantile"
        raise _not_together("--boosting", loss, "boosting", hint="use --loss mae, or --bagging")


def _refuse_skip_of_decoder(plan: Plan) -> None:
    if plan.architecture.skip != "none" and plan.architecture.decoder == "seq2seq":
        decoder = "--decoder seq2seq, which has no place for it"
        raise _not_together(f"--skip {plan.architecture.skip}", decoder, "skip")


def _refuse_momentum_of_adam(plan: Plan) -> None:
    if plan.momentum and plan.optimizer not in WITH_MOMENTUM:
        optimizer = f"--optimizer {plan.optimizer}, which has one of its own"
        raise _not_together("--momentum", optimizer, "momentum")


def _refuse_interval(plan: Plan) -> None:
    lacking = missing_for_interval(plan)
    if lacking:
        message = f"--interval {plan.interval} needs a network with {lacking}"
        add = "--loss quantile" if plan.interval == "quantile" else "--dropout 0.1"
        hint = f"add {add}, or use --interval conformal"
        raise SettingsError(message, hint, option="interval")


def missing_for_interval(plan: Plan) -> str:
    """What the network of a plan lacks for the intervals that were asked for, in words."""
    if plan.interval == "quantile" and not plan.architecture.quantiles:
        return "quantiles"
    dropped = [alone.architecture.dropout for alone in part_plans(plan)]
    if plan.interval == "dropout" and not all(dropped):
        return "dropout"
    return ""


def _not_together(
    first: str, second: str, option: str, hint: str = "leave one of them out"
) -> SettingsError:
    """The error about two settings of which only one can be used; option: the field to change."""
    return SettingsError(f"{first} does not go with {second}", hint, option=option)
