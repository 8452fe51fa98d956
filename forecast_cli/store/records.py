"""The JSON files of a store, a class for each: parsed once, checked by themselves, and kept.

    store.json     StoreMark    what the folder is
    latest.json    Pointer      which run is the latest
    in a run:
    manifest.json  Manifest     what the run consists of, with the hash of every file
    config.json    RunConfig    how to read the same data again, and how to run the network on it
    series.json    SeriesNames  the series that the run was trained on
    metrics.json   Metrics      how the training went, and the errors on held-out rows

All but Metrics refuse unknown keys. Metrics keep them: what a newer release or another tool says
more there is an attribute like the others, and `as_dict` returns it, too.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, with_config

from forecast_cli.calendar import Frequency
from forecast_cli.fields import MOST_DECIMALS, SEASONS
from forecast_cli.panel import Columns, TimeFormat
from forecast_cli.planning import Plan
from forecast_cli.settings import DataSettings
from forecast_cli.store import strict_json
from forecast_cli.store.bounds import check_frequency, check_path, check_plan, check_time_format
from forecast_cli.store.upgrades import newest_run_schema

RUN_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-([0-9]{6,12})-[0-9a-f]{12}")

# Records of other modules that are fields of these, such as Plan, take over this configuration.
STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def sequence_of(name: str) -> int:
    """The sequence number in the name of a run."""
    return int(name.split("-")[1])


# -- beside the runs -------------------------------------------------------------------------------


@with_config(STRICT)
@dataclass(frozen=True)
class StoreMark:
    """store.json: says that the folder is a store, and of which schema."""

    format: Literal["forecast-store"]
    schema: Positive


@with_config(STRICT)
@dataclass(frozen=True)
class Pointer:
    """latest.json: the run that is the latest."""

    run: str
    sequence: Count

    def __post_init__(self) -> None:
        match = RUN_NAME.fullmatch(self.run)
        if match is None:
            raise ValueError(f"{self.run!r} is not the name of a run")
        if int(match[1]) != self.sequence:
            raise ValueError(f"the sequence {self.sequence} is not that of the run {self.run}")


# -- in a run: manifest.json -----------------------------------------------------------------------


@with_config(STRICT)
@dataclass(frozen=True)
class FileSeal:
    """The size in bytes and the hash of one file."""

    size: Count
    sha256: Sha256


@with_config(STRICT)
@dataclass(frozen=True)
class Input:
    """The data that the run was trained on."""

    path: str
    sha256: str
    rows: Count
    series: Count


@with_config(STRICT)
@dataclass(frozen=True)
class Manifest:
    """manifest.json: written last; its own hash is in the name of the folder."""

    format: Literal["forecast-run"]
    schema: Positive
    sequence: Count
    created: str
    versions: dict[str, str]
    seed: int
    threads: int
    input: Input
    files: dict[str, FileSeal]

    def begins(self, name: str) -> bool:
        """Whether the name of a run begins with the time and the sequence of this manifest."""
        return name.startswith(f"{self.created}-{self.sequence:06d}-")


# -- in a run: config.json and series.json ---------------------------------------------------------


def _parse_season(data: Any) -> Any:
    """Settings of the reader from JSON, in which the season lengths are one text: `24,168`."""
    if not isinstance(data, dict) or not isinstance(data.get("season"), str):
        return data
    return data | {"season": SEASONS.parse(data["season"], "season")}


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """config.json: all that is needed to read the same data again and to run the network on it."""

    schema: int = field(default_factory=newest_run_schema)
    plan: Annotated[Plan, AfterValidator(check_plan)]
    data: Annotated[DataSettings, BeforeValidator(_parse_season)]
    source: Annotated[str, AfterValidator(check_path)]
    columns: Columns
    frequency: Annotated[Frequency, AfterValidator(check_frequency)]
    time_format: Annotated[TimeFormat, AfterValidator(check_time_format)]
    past: list[str]
    future: list[str]
    static: list[str]
    levels: dict[str, list[str]]
    digits: Annotated[int, Field(ge=0, le=MOST_DECIMALS)] | Literal["full"] | None = None

    def as_dict(self) -> dict[str, Any]:
        """What the file says, where the season lengths are one text."""
        content = dataclasses.asdict(self)
        if self.data.season is not None:
            content["data"]["season"] = SEASONS.write(self.data.season)
        return content


@with_config(STRICT)
@dataclass(frozen=True)
class SeriesNames:
    """series.json: the series that the run was trained on, and where their last windows begin.

    ids: S names; first: (S,) ordinals of the first steps that are kept; offsets: (S + 1,) bounds of
    the series in the arrays of series.safetensors.
    """

    ids: list[str]
    first: list[int]
    offsets: list[int]

    def __post_init__(self) -> None:
        count = len(self.ids)
        if not count:
            raise ValueError("there is no series")
        if len(set(self.ids)) < count:
            raise ValueError("two series have the same name")
        if len(self.first) != count or len(self.offsets) != count + 1:
            raise ValueError(f"the lists do not all fit {count:,} series")

        is_increasing = (np.diff(np.array(self.offsets, np.int64)) > 0).all()
        if self.offsets[0] != 0 or not is_increasing:
            raise ValueError("the offsets do not rise from 0")


# -- in a run: metrics.json ------------------------------------------------------------------------


class _OpenRecord(BaseModel):
    """A record that keeps the keys that it does not know."""

    model_config = ConfigDict(
        extra="allow",
        strict=True,
        allow_inf_nan=False,
        frozen=True,
        defer_build=True,
    )

    def as_dict(self) -> dict[str, Any]:
        """What the file says, with unknown keys, and without those that it does not have."""
        return self.model_dump(exclude_unset=True)


class Scores(_OpenRecord):
    """Errors of one method on the held-out rows; None where a score is not defined.

    These four are in every run. Metrics that were added later are further keys, with numbers, too.
    """

    mae: float | None
    rmse: float | None
    smape: float | None
    mase: float | None
    __pydantic_extra__: dict[str, float | None]

    def value_of(self, metric: str) -> float | None:
        """The score of this name; None where it is not defined, or newer than the run."""
        value: float | None = getattr(self, metric, None)
        return value


class Skill(_OpenRecord):
    """1 - error of the network / error of the naive method; None where the latter is 0."""

    seasonal_naive: float | None
    naive: float | None


class HeldOutScores(_OpenRecord):
    """Errors on the rows that were held out, as means over the series.

    rows: of each series; series: how many were scored; season: in steps, 1 where there is none.
    """

    rows: Count
    series: Count
    season: Positive
    network: Scores
    seasonal_naive: Scores
    naive: Scores
    skill: Skill

    @property
    def by_method(self) -> dict[str, Scores]:
        """The scores of the network and of the naive methods, by the name of their key."""
        return {
            "network": self.network,
            "seasonal_naive": self.seasonal_naive,
            "naive": self.naive,
        }

    @property
    def main_skill(self) -> float | None:
        """The skill against the seasonal naive method; without a season, the naive one."""
        return self.skill.seasonal_naive if self.season > 1 else self.skill.naive


class TrainingScores(_OpenRecord):
    """How the first member was trained.

    clipped: share of the steps of all members, since 0.3.0; device: where they were trained, `cpu`
    or `cuda`, since 0.7.0.
    """

    epochs: Count
    best_epoch: Count
    steps: Count
    clipped: float | None = None
    device: str | None = None


class MemberScores(_OpenRecord):
    """How the members differ: the best epoch of each, the mean standard deviation of their
    forecasts of held-out rows, and the mean absolute error of each alone."""

    count: Count
    best_epochs: list[int]
    spread: float | None
    mae: list[float | None] | None


class Coverage(_OpenRecord):
    """How many held-out values lay inside of the intervals of a level, in percent.

    values: how many have an interval; held: how many of them lay inside; msis: the mean scaled
    interval score over series, None where it is not defined.
    """

    level: float
    values: Positive
    held: Count
    msis: float | None

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.held / self.values


class IntervalScores(_OpenRecord):
    """How many windows the intervals come from; unseen: the network was not trained on them.

    Since 0.10.0: kind, what they are made of; coverage: of the held-out rows, whose own errors
    are not in their intervals; None where nothing was held out.
    """

    windows: Count
    unseen: bool
    kind: str | None = None
    coverage: list[Coverage] | None = None


class TrainingNote(_OpenRecord):
    """What a training had to say: a `messages.Note` without its fields."""

    kind: str
    level: str
    text: str


class Metrics(_OpenRecord):
    """metrics.json: how good the network is.

    members: since 0.3.0; test: None where nothing was held out; verdict: a sentence for people;
    notes: what the training had to say, since 0.10.0.
    """

    training: TrainingScores
    members: MemberScores | None = None
    intervals: IntervalScores
    test: HeldOutScores | None
    verdict: str
    notes: list[TrainingNote] = []


def coverage_sentence(coverage: Iterable[Coverage]) -> str:
    """`80 % intervals held 78.9 % of 1,344 held-out values, 95 % intervals 94.1 %.`"""
    texts: list[str] = []
    values = 0
    for one in coverage:
        text = f"{one.level:.10g} % intervals"
        text += f" {100 * one.share:.1f} %" if values else f" held {100 * one.share:.1f} %"
        if one.values != values:
            text += f" of {one.values:,} held-out value{'s' if one.values > 1 else ''}"
        values = one.values
        texts.append(text)
    return ", ".join(texts)


def metrics_from(scores: dict[str, Any]) -> Metrics:
    """The record of scores that are still a dict. Raises ValueError."""
    return strict_json.read(Metrics, strict_json.write(scores))
