"""Several networks, trained one after the other or side by side.

Each has a seed of its own; with bagging, windows drawn in blocks; with boosting, it learns what
the previous ones left over.

    tasks.py      the training of one member as a task: its seed, its windows, its deadline
    states.py     how far members are, kept for --resume
    fitting.py    members trained, all of them or one
"""

from forecast_cli.members.fitting import Assignment, fit_member, train_kinds, train_members
from forecast_cli.members.tasks import REFIT, Execution, Task

__all__ = [
    "REFIT",
    "Assignment",
    "Execution",
    "Task",
    "fit_member",
    "train_kinds",
    "train_members",
]
