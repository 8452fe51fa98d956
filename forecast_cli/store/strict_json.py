"""Bytes of JSON <-> records.

What is read must be exactly what this tool writes: UTF-8, no key twice, no number that a machine
cannot hold, no key that is unknown or missing, no value of another type. Everything else raises
ValueError with one line that says where and what.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Hashable
from typing import Any, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from forecast_cli.errors import ForecastError

MAX_DIGITS = 18  # of a whole number, which 64 bits hold

Record = TypeVar("Record")


def parse(data: bytes) -> Any:
    """JSON as Python objects. Raises ValueError."""
    try:
        return json.loads(
            data.decode(),
            object_pairs_hook=_unique_keys,
            parse_int=_small_int,
            parse_float=_finite_float,
            parse_constant=_finite_float,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read(kind: type[Record], data: bytes) -> Record:
    """One record from JSON. Raises ValueError."""
    parse(data)
    return validate(kind, data)


def validate(kind: type[Record], data: bytes) -> Record:
    """One record from JSON that `parse` has passed already. Raises ValueError.

    pydantic reads the bytes once more: from JSON it takes lists for tuples and objects for
    dataclasses even where it is strict, from Python objects it does not. `parse` must come first,
    because it refuses what pydantic's own parser lets pass: keys that are there twice, and numbers
    out of bounds.
    """
    try:
        record: Record = _adapter(cast(Hashable, kind)).validate_json(data, strict=True)
    except ValidationError as error:
        raise ValueError(_first_problem(error)) from None
    except ForecastError as error:
        # Settings check themselves, and blame the option that gives them.
        raise ValueError(error.message) from None
    return record


def write(record: Any) -> bytes:
    """A record or a dict as JSON bytes, the same bytes for the same content."""
    if isinstance(record, BaseModel):
        content = record.model_dump(exclude_unset=True)
    elif dataclasses.is_dataclass(record) and not isinstance(record, type):
        content = dataclasses.asdict(record)
    else:
        content = record
    return (json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode()


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """The validator of a record, made when first needed, because making it takes milliseconds."""
    return TypeAdapter(kind)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key is there twice")
    return content


def _small_int(text: str) -> int:
    if len(text.lstrip("-")) > MAX_DIGITS:
        raise ValueError("a number is out of bounds")
    return int(text)


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is not finite")
    return value


def _first_problem(error: ValidationError) -> str:
    """What is wrong first, in one line: `plan.horizon: Input should be a valid integer`."""
    problem = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    reason = problem["msg"].removeprefix("Value error, ")
    return f"{place}: {reason}" if place else reason
