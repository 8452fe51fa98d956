"""Whether a new run becomes the latest: only if it is better than what there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

By = Literal["same_rows", "recorded", "none"]


@dataclass(frozen=True, kw_only=True)
class Errors:
    """Errors of a new run and of its rivals, MASE or MAE; None where one is not known.

    - metric: `MASE` or `MAE`
    - new, naive: on the held-out rows of the new run; the latter of the better naive forecast
    - by: how the old run is compared: on the `same_rows`, which neither was trained on; by the
      `recorded` errors on the held-out rows of each; or not at all (`none`)
    - new_there, old: errors of both in that comparison, over `rows` rows of each series
    """

    metric: str
    new: float | None
    naive: float | None
    by: By = "none"
    new_there: float | None = None
    old: float | None = None
    rows: int = 0


@dataclass(frozen=True)
class Verdict:
    """Whether to promote the new run, and why; warning: what to say of it all the same."""

    promote: bool
    reason: str
    warning: str = ""


def judge(errors: Errors, *, has_old: bool) -> Verdict:
    """Whether the new run is better than the better naive forecast, and than the old run.

    The first run is promoted in any case, with a warning where it is not. Equal is not better.
    """
    naive = _against_naive(errors)
    if not has_old:
        warning = "" if naive.promote else f"the first run is used, although {naive.reason}"
        return Verdict(True, "it is the first run", warning)
    if not naive.promote or errors.by == "none":
        return naive
    return _against_old(errors)


def _against_naive(errors: Errors) -> Verdict:
    if errors.new is None or errors.naive is None:
        return Verdict(False, "no held-out row could be scored, so nothing says how good it is")

    pair = f"its {errors.metric} is {errors.new:.4g}, and that of the better naive forecast"
    if errors.new < errors.naive:
        return Verdict(True, f"{pair} {errors.naive:.4g}")
    return Verdict(False, f"{pair} {errors.naive:.4g}: it is no better")


def _against_old(errors: Errors) -> Verdict:
    where = f"on the {errors.rows:,} rows that neither was trained on"
    if errors.by == "recorded":
        where = "on the held-out rows of each, as there is less than a horizon of newer rows"
    if errors.new_there is None or errors.old is None:
        return Verdict(False, "it cannot be compared with the run before it")

    pair = f"its {errors.metric} is {errors.new_there:.4g}, and that of the run before it"
    text = f"{pair} {errors.old:.4g}, {where}"
    if errors.new_there < errors.old:
        return Verdict(True, text)
    return Verdict(False, f"{text}: it is no better")
