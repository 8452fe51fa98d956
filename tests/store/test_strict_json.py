"""JSON is read as this tool writes it, and in no other way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from forecast_cli import store
from forecast_cli.errors import RunRejectedError
from forecast_cli.store import strict_json
from forecast_cli.store.records import FileSeal, Metrics, Pointer
from tests.store.helpers import reseal

ODD = [
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"NaN",
    b"Infinity",
    b"1e999",
    b"9" * 5000,
    b"1" * 19,
    b'{"a": 1, "a": 2}',
    b'"\xff"',
    b"",
    b"\xef\xbb\xbf{}",
    b"{} {}",
]


@pytest.mark.parametrize("data", ODD, ids=lambda data: repr(data[:12]))
def test_json_that_nobody_writes_raises_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        strict_json.parse(data)


@pytest.mark.parametrize("data", ODD, ids=lambda data: repr(data[:12]))
@pytest.mark.parametrize("name", ["config.json", "series.json", "metrics.json", "manifest.json"])
def test_a_sealed_run_with_such_json_is_refused(store_copy: Path, name: str, data: bytes) -> None:
    reseal(store_copy, lambda texts: texts.update({name: data}))
    with pytest.raises(RunRejectedError, match=name):
        store.load(store_copy)


@pytest.mark.parametrize(
    "hidden",
    [b'"verdict": "good", "verdict": "bad"', b'"verdict": "good", "extra": {"a": 1, "a": 2}'],
)
def test_a_key_that_is_there_twice_is_refused_at_any_depth(store_copy: Path, hidden: bytes) -> None:
    def change(texts: dict[str, bytes]) -> None:
        start = texts["metrics.json"].index(b'"verdict"')
        texts["metrics.json"] = texts["metrics.json"][:start] + hidden + b"}"

    reseal(store_copy, change)
    with pytest.raises(RunRejectedError, match="a key is there twice"):
        store.load(store_copy)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"size": "1"}, "size: Input should be a valid integer"),
        ({"size": 1.0}, "size: Input should be a valid integer"),
        ({"size": True}, "size: Input should be a valid integer"),
        ({"size": -1}, "size: Input should be greater than or equal to 0"),
        ({"size": 10**18}, "a number is out of bounds"),
        ({"sha256": "A" * 64}, "sha256: String should match pattern '^[0-9a-f]{64}$'"),
        ({"sha256": "a" * 64 + "\n"}, "sha256: String should match pattern '^[0-9a-f]{64}$'"),
        ({"sha256": None}, "sha256: Input should be a valid string"),
        ({"more": 1}, "more: Unexpected keyword argument"),
    ],
)
def test_a_record_of_other_content_says_where_and_what(
    content: dict[str, Any], problem: str
) -> None:
    data = json.dumps({"size": 1, "sha256": "a" * 64} | content).encode()
    with pytest.raises(ValueError, match=r".+") as caught:
        strict_json.read(FileSeal, data)
    assert str(caught.value) == problem


def test_a_record_without_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^sha256: Field required$"):
        strict_json.read(FileSeal, b'{"size": 1}')


def test_a_record_is_written_and_read_again() -> None:
    pointer = Pointer("20260101T000000Z-000009-0123456789ab", 9)
    data = strict_json.write(pointer)
    assert data == b'{\n "run": "20260101T000000Z-000009-0123456789ab",\n "sequence": 9\n}\n'
    assert strict_json.read(Pointer, data) == pointer


def test_a_number_that_json_cannot_hold_is_never_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        strict_json.write({"a": float("nan")})


def test_validators_are_made_once() -> None:
    strict_json.read(Pointer, b'{"run": "20260101T000000Z-000009-0123456789ab", "sequence": 9}')
    before = strict_json._adapter.cache_info()
    strict_json.read(Pointer, b'{"run": "20260101T000000Z-000009-0123456789ab", "sequence": 9}')
    after = strict_json._adapter.cache_info()
    assert (after.misses, after.hits) == (before.misses, before.hits + 1)


def test_unknown_keys_of_an_open_record_are_written_as_they_were(airline_store: Path) -> None:
    data = store.load(airline_store).texts["metrics.json"]
    assert strict_json.write(strict_json.read(Metrics, data)) == data
