"""Help pages: plain text, in which the options stand under the headings of their panels.

An option takes one or two lines at 80 columns. Nothing is drawn, so that a page appears at once
and is the same in a terminal, in a pipe and in docs/commands.md.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

NAME_WIDTH = 25  # columns of `--dates-as-columns COLUMN`; longer names get a line of their own
MOST_USED_PANEL = "Most used options"
PANEL = "Options"  # of what is in no other panel
BASE_PANEL = "With --run base alone"
LAST_PANEL = "General"  # of what every command has
ORDER = (
    "Arguments",
    PANEL,
    MOST_USED_PANEL,
    "Refresh",
    "Data",
    "Windows",
    "Network",
    "Training",
    "Ensemble",
    "Engine",
    "Output",
    BASE_PANEL,
    "Store",
    "Monitoring",
    LAST_PANEL,
)


class HelpCommand(TyperCommand):
    """A command whose options are listed by panel."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **{**named, "rich_markup_mode": None})

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words of the usage line, without the braces around required arguments."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then a section for each panel."""
        sections: dict[str, list[tuple[str, str]]] = {heading: [] for heading in ORDER}
        for parameter in self.get_params(ctx):
            sections[_panel(parameter)].append((_name(parameter), _help(parameter)))

        for heading, rows in sections.items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows, col_max=NAME_WIDTH)


def _panel(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return "Arguments"
    panel: str | None = parameter.rich_help_panel
    return panel or (LAST_PANEL if parameter.name == "help" else PANEL)


def _name(parameter: Any) -> str:
    """`DATA`, `-o, --output FILE`, `--[no-]calendar`."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar)

    names = sorted(parameter.opts, key=len)
    if parameter.secondary_opts:
        return f"--[no-]{names[-1][2:]}"
    value = "" if parameter.is_flag else f" {parameter.metavar}"
    return ", ".join(names) + value


def _help(parameter: Any) -> str:
    """What a parameter is for, and what holds without it."""
    text, default = str(parameter.help), parameter.show_default
    has_default = isinstance(default, str) and not parameter.required
    return f"{text} [default: {default}]" if has_default else text
