"""How messages show lines, and name them by their numbers."""

from __future__ import annotations

from collections.abc import Iterable

from forecast_cli.messages import plural

SHOWN = 40  # letters of a line in a message
RANGES = 10  # runs of lines that a note names


def shortened(text: str) -> str:
    """The beginning of a line."""
    text = text.strip()
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def listed(numbers: Iterable[int]) -> str:
    """`line 3`, `lines 1 to 4, 7`."""
    numbers = list(numbers)
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])

    if len(numbers) == 1:
        return f"line {numbers[0]}"
    shown = [str(low) if low == high else f"{low} to {high}" for low, high in runs[:RANGES]]
    if len(runs) <= RANGES:
        return f"lines {', '.join(shown)}"
    counted = sum(high - low + 1 for low, high in runs[:RANGES])
    return (
        f"{plural(len(numbers), 'line')} ({', '.join(shown)} and {len(numbers) - counted:,} more)"
    )
