"""What stands beside numbers: a currency, %, K, M or B; read where a whole column is written
so.

`$273.36`, `1.234,50 €` and `12 USD` are read without their currency, `12.5%` is 12.5, `1.46M` is 1,460,000 and `($5)` is
-5. Of other things beside a number (`12 kWh`, `~12`, `<0.5`) only this is known: the column is one of numbers.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast_cli.calendar import Ints
from forecast_cli.panel import Floats
from forecast_cli.reading.number_formats import NumberFormat, is_number, read_numbers, tidy

_ISO_4217 = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP
CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR
ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT
MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES
VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL
"""
CURRENCIES = frozenset(_ISO_4217.split())
_EXPONENTS = {"K": "e3", "M": "e6", "B": "e9"}
_WORDS = {"K": "thousands", "M": "millions", "B": "billions"}
LARGE = 1000  # where some numbers are written with a K, those without one are smaller
SEEN = 1000  # cells that decide what a column is
FEW = 5  # different things that stand beside the numbers of one column
LABELS = 10  # distinct texts such as "500 ml" that name sizes, not measurements

_CURRENCY = r"(?:[A-Z]{0,2}\$|[£€¥₹₩₽₺₪₫₦₱฿₴₸₵₡₲₭₮₾￥]|[A-Z]{3})"
_DIGITS = r"[0-9.,](?:[0-9.,' ]*[0-9.,])?"
_MARKED = re.compile(
    rf"(?P<sign>[+-])? ?(?P<before>{_CURRENCY})? ?(?P<late_sign>[+-])? ?"
    rf"(?P<digits>{_DIGITS}(?:[eE][+-]?[0-9]+)?)(?P<unit>[KMBkmb]| ?%)? ?(?P<after>{_CURRENCY})?"
)
_ENCLOSED = re.compile(rf"({_CURRENCY})? ?\(([^()+-]+)\) ?({_CURRENCY})?")
_BESIDE = re.compile(
    rf"(?P<before>[~≈<>≤≥±=*†'(\[]{{0,2}}|{_CURRENCY}|(?:kr|Rs|Fr|ca|approx|about)\.?) ?(?P<digits>[+-]?{_DIGITS}) ?"
    r"(?P<after>(?:/?[^\s\d.,:/-][^\s\d:]{0,9}(?:(?<=[mM])[23](?:/\w{1,4})?)?)?)"
)
_NO_UNIT = re.compile(
    r"/?(?:st|nd|rd|th|[ap]\.?m\.?|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?|[年月日时時点])",
    re.IGNORECASE,
)


Mark = tuple[str, str]  # the currency and the unit of a number


class Parts(NamedTuple):
    """A cell taken apart: its number with its sign, its currency, and its unit: %, K, M or B;
    each may be empty.
    """

    number: str
    currency: str = ""
    unit: str = ""


def take_apart(cell: str) -> Parts:
    """The number in a tidy cell, and what stands beside it; the whole cell where that is
    nothing that is read.

    Parentheses are a minus only where there is a currency, as in `($1,234.50)`. No space is
    before K, M and B: `5 K` may be a temperature.
    """
    enclosed = _ENCLOSED.fullmatch(cell)
    if enclosed is None:
        return _parts(cell) or Parts(cell)

    parts = _parts("".join(enclosed.groups("")))
    if parts is None or not parts.currency:
        return Parts(cell)
    return parts._replace(number=f"-{parts.number}")


def _parts(cell: str) -> Parts | None:
    match = _MARKED.fullmatch(cell)
    if match is None:
        return None

    texts = match.groupdict("")
    signs = texts["sign"] + texts["late_sign"]
    currencies = [text for text in (texts["before"], texts["after"]) if text]
    unit = texts["unit"].strip()
    marks = [*currencies, *(["%"] if unit == "%" else [])]
    if len(signs) > 1 or len(marks) > 1:
        return None  # both before and after the number, or a percentage of a currency

    currency = "".join(currencies)
    if not currency and not unit:
        return None
    if not _may_be_currency(currency):
        return None
    return Parts(f"{signs}{texts['digits']}", currency, unit)


def _may_be_currency(text: str) -> bool:
    """Whether three letters are the code of a currency; signs are all known."""
    is_code = text.isalpha() and text.isascii()
    return not is_code or text in CURRENCIES


def is_marked_number(cell: str) -> bool:
    """Whether a cell is a number in some format, with or without something beside it that is
    read.
    """
    return is_number(cell) or is_number(take_apart(tidy(cell)).number)


def look_like_numbers(cells: list[str]) -> bool:
    """Whether most cells are numbers, if need be with something beside them that is not read:
    `12 kWh`, `~12`, `<0.5`.
    """
    odd = [cell for cell in cells if not is_marked_number(cell)]
    if 2 * len(odd) <= len(cells):
        return len(cells) > 0

    pairs = [beside_number(cell) for cell in odd]
    some = [pair for pair in pairs if pair is not None]
    numbers = len(cells) - len(odd) + len(some)
    if 2 * numbers < len(cells) or len(set(some)) > FEW:
        return False

    # A few texts such as "500 ml", each there many times, are names of sizes.
    distinct = len(set(cells))
    have_units = all(after[:1].isalpha() and not before for before, after in some)
    are_labels = have_units and distinct <= LABELS and 5 * distinct <= len(cells)
    return not are_labels


def most_are_numbers(cells: list[str], missing: frozenset[str]) -> bool:
    """Whether a column is one of numbers: a few bad cells make it one with errors, not one of
    texts.

    So does something beside the numbers, whether it can be read or not.
    """
    return look_like_numbers([cell for cell in cells[:SEEN] if cell not in missing])


def beside_number(cell: str) -> tuple[str, str] | None:
    """What stands before and after the number in a cell, where that is not read; None where
    there is no such number.
    """
    match = _BESIDE.fullmatch(tidy(cell))
    if match is None or not is_number(match["digits"]) or _NO_UNIT.fullmatch(match["after"]):
        return None

    before, after = match["before"], match["after"]
    is_name = before.isupper() and before.isalpha() and before not in CURRENCIES
    if is_name or not (before or after):
        # A name is what SKU001 is.
        return None
    return before, after


# -- columns ----------------------------------------------------------------------------------

_ABSENT, _UNREAD = -2, -1  # where a cell has no mark


@dataclass(frozen=True, eq=False)
class Numbers:
    """A column read.

    values: (R,), NaN where there is no number; wrong: (R,) cells that are no numbers, or
    numbers that are not written like the others; example: one that is; style: what stands
    beside the numbers, in words.
    """

    values: Floats
    wrong: NDArray[np.bool_]
    example: str = ""
    style: str = ""


@dataclass(eq=False)
class Column:
    """The cells of a column, added some rows at a time and read when all are there.

    missing: texts, and nulls: numbers, that stand for a missing value.
    """

    number_format: NumberFormat
    missing: frozenset[str]
    nulls: list[float]
    _marks: dict[Mark, int] = field(default_factory=dict)
    _examples: list[str] = field(default_factory=list)
    _values: list[Floats] = field(default_factory=list)
    _which: list[NDArray[np.int16]] = field(default_factory=list)

    def add(self, cells: list[str], codes: Ints) -> None:
        """cells: distinct ones, tidied; codes: (R,) which of them each row has."""
        parts = [take_apart(cell) for cell in cells]
        numbers = [part.number + _EXPONENTS.get(part.unit.upper(), "") for part in parts]
        values = read_numbers(numbers, self.number_format)
        absent = np.array([cell in self.missing for cell in cells], bool)
        absent |= np.isin(values, self.nulls)

        which = np.full(len(cells), _UNREAD, np.int16)
        for at in np.flatnonzero(~np.isnan(values) & ~absent).tolist():
            mark = parts[at].currency, parts[at].unit
            if mark not in self._marks:
                self._marks[mark] = len(self._marks)
                self._examples.append(cells[at])
            which[at] = self._marks[mark]

        which[absent] = _ABSENT
        values[absent] = np.nan
        self._values.append(values[codes])
        self._which.append(which[codes])

    def numbers(self) -> Numbers:
        """All rows; those are wrong that are not written as most are."""
        values, which = np.concatenate(self._values), np.concatenate(self._which)
        wrong = which == _UNREAD
        marks, is_marked = list(self._marks), which >= 0
        if not marks:
            return Numbers(values, wrong)

        alike = _alike(marks, np.bincount(which[is_marked], minlength=len(marks)).tolist())
        wrong |= is_marked & ~_of_marks(alike)[which]

        units = [unit if good else "" for (_, unit), good in zip(marks, alike, strict=True)]
        has_scale = ~wrong & _of_marks([unit not in ("", "%") for unit in units])[which]
        if has_scale.any():
            is_plain = is_marked & ~wrong & ~has_scale
            wrong |= _clash(
                values, has_scale, is_plain, has_thousands="K" in "".join(units).upper()
            )

        used = np.unique(which[is_marked & ~wrong]).tolist()
        example = self._examples[used[0]] if used else ""
        return Numbers(values, wrong, example, _in_words([marks[number] for number in used]))


def _of_marks(flags: list[bool]) -> NDArray[np.bool_]:
    """A flag for each mark, and False for cells without one, whose numbers count from the end."""
    return np.array([*flags, False, False])


def _alike(marks: list[Mark], counts: list[int]) -> list[bool]:
    """Which marks go together: those of the currency, and with or without %, that most cells
    have.
    """
    totals: Counter[tuple[str, bool]] = Counter()
    for mark, count in zip(marks, counts, strict=True):
        totals[_kind(mark)] += count

    usual = totals.most_common(1)[0][0]
    letters = {unit for currency, unit in marks if _kind((currency, unit)) == usual}
    return [_kind(mark) == usual and not _may_be_another_unit(mark[1], letters) for mark in marks]


def _kind(mark: Mark) -> tuple[str, bool]:
    currency, unit = mark
    return currency, unit == "%"


def _may_be_another_unit(unit: str, letters: set[str]) -> bool:
    """Whether an m or b may be meters or bytes: there is no k beside it, or an M or B as well."""
    return unit in ("m", "b") and ("k" not in letters or unit.upper() in letters)


def _clash(
    values: Floats,
    has_scale: NDArray[np.bool_],
    is_plain: NDArray[np.bool_],
    *,
    has_thousands: bool,
) -> NDArray[np.bool_]:
    """Numbers without K, M or B that are too large to be written without one; or those with
    one, if they are fewer.
    """
    # Beside numbers with a K, those below a thousand are written in full.
    least = LARGE if has_thousands else 0
    large: NDArray[np.bool_] = is_plain & (values != 0) & (np.abs(values) >= least)
    if not large.any():
        return large

    is_minority = np.count_nonzero(large) <= np.count_nonzero(has_scale)
    if is_minority:
        return large
    return has_scale


def _in_words(marks: list[Mark]) -> str:
    """What stands beside the numbers of a column: `in $, K as thousands, M as millions`."""
    units = {unit for _, unit in marks}
    currencies = sorted({currency for currency, _ in marks if currency})
    words = [f"in {currency}" for currency in currencies]
    if "%" in units:
        words.append("in %")
    words += [f"{unit} as {_WORDS[unit.upper()]}" for unit in "KkMmBb" if unit in units]
    return ", ".join(words)
