"""What a command says of where it works."""

from __future__ import annotations

from forecast_cli import engine
from forecast_cli.progress import Event, Phase
from forecast_cli.sources import settings_from
from forecast_cli.workflow import running


class Lossy:
    """An engine whose workers were lost."""

    together = 0

    def __init__(self, repeated: int) -> None:
        self.repeated = repeated


def texts(repeated: int) -> list[str]:
    return [note.text for note in running.about_engine(Lossy(repeated))]  # type: ignore[arg-type]


def test_tasks_that_ran_again_are_counted_in_words() -> None:
    assert texts(0) == []
    assert texts(1) == ["1 task lost its worker and ran again; the result is the same"]
    assert texts(2) == ["2 tasks lost their worker and ran again; the result is the same"]


def test_processes_are_opened_without_a_word_and_are_those_that_were_asked_for() -> None:
    heard: list[Event] = []
    with running.opened(settings_from(engine="local"), heard.append) as here:
        assert here is engine.HERE
    with running.opened(settings_from(), heard.append) as processes:
        assert processes.is_here(1, 5)
        assert not processes.is_here(2, 5)
    assert not [event for event in heard if isinstance(event, Phase)]
