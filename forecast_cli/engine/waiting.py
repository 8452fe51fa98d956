"""Whether tasks wait for processors of a cluster that others use."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from forecast_cli.progress import Waiting

SILENCE = 10.0  # seconds in which no task has begun, after which that is said
NAMES = {"CPU": "processor", "GPU": "GPU"}


@dataclass
class Wait:
    """Tasks of which none has begun yet: says once why, where others use what they need.

    - needed: free processors, or GPUs (`kind`), without which none begins
    - due: when to look, in time.monotonic()
    - was_taken: they were not free when the waiting began, before any of them could be ours: a
      task that has one may need some time until it begins
    """

    ray: Any
    tell: Callable[[Any], None]
    needed: int
    kind: str
    due: float
    was_taken: bool
    is_over: bool = False

    @classmethod
    def beginning(
        cls, ray: Any, tell: Callable[[Any], None], needed: int = 1, kind: str = "CPU"
    ) -> Self:
        """Before the tasks are handed out. tell: what is to hear of a `progress.Waiting`."""
        was_taken = _free(ray, kind) < needed
        return cls(ray, tell, needed, kind, time.monotonic() + SILENCE, was_taken)

    def look(self, *, has_begun: bool) -> None:
        """Now and then: say that tasks are waiting, if it is time to. has_begun: one of them has."""
        if has_begun:
            self.is_over = True
        if self.is_over or time.monotonic() < self.due:
            return

        self.is_over = True
        if self.was_taken and _free(self.ray, self.kind) < self.needed:
            self.tell(Waiting(self._text()))

    def _text(self) -> str:
        total = int(self.ray.cluster_resources().get(self.kind, 0))
        taken = total - int(_free(self.ray, self.kind))
        name = NAMES[self.kind]
        what = f"a free {name}" if self.needed == 1 else f"{self.needed:,} free {name}s"
        share = f"all {total:,}" if taken == total else f"{taken:,} of {total:,}"
        return f"waiting for {what} of the cluster: others are using {share}"


def _free(ray: Any, kind: str) -> float:
    free: float = ray.available_resources().get(kind, 0)
    return free
