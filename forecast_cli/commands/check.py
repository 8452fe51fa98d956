"""forecast check"""

from __future__ import annotations

import dataclasses
import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast_cli import config, console
from forecast_cli.commands import options
from forecast_cli.config import Given, Settings
from forecast_cli.errors import DataError

if TYPE_CHECKING:
    from forecast_cli.checks import Finding
    from forecast_cli.commands.decisions import Decision
    from forecast_cli.panel import Panel

SCHEMA = "forecast/check/v1"


@dataclasses.dataclass
class _Report:
    """What is known so far; `failure` is why training would refuse."""

    findings: list[Finding] = dataclasses.field(default_factory=list)
    decisions: list[Decision] = dataclasses.field(default_factory=list)
    panel: Panel | None = None
    failure: DataError | None = None
    line: str = ""

    @property
    def code(self) -> int:
        return self.failure.exit_code if self.failure else 0


@options.with_settings("data", "window")
def check(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="CSV or Parquet file; - reads standard input.")
    ],
    settings: Settings,
    given: Given,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Say what a file is, what is odd about it, what training would use, and the line to type.

    Ends with the exit code with which training would refuse the file: 20 or 21.

    Example: forecast check sample_data/panel.csv
    """
    report = _report(data, settings, given)
    if json:
        console.emit_json(_document(data, report))
    else:
        _show(report)
    return report.code


def _report(data: str, settings: Settings, given: Given) -> _Report:
    from forecast_cli import checks, planning
    from forecast_cli.commands import decisions
    from forecast_cli.config import DEFAULT_STORE
    from forecast_cli.reading import read

    report, needed = _Report(), None
    try:
        report.panel = read(data, settings.data)
        decided = planning.make(report.panel, settings)
        needed = decided.lookback
        store = given.values.get("store", DEFAULT_STORE)
        report.decisions = decisions.decisions(report.panel, decided, given, store)
        report.line = _line(data, given)
    except DataError as error:
        report.failure = error
        if error.proposal:
            report.line = _line(data, _with(given, error.option, error.proposal))
    if report.panel is not None:
        report.findings = checks.check(report.panel, config.seasons(settings.data.season), needed)
    if report.failure:
        name = "reading" if report.panel is None else "training"
        report.findings.append(
            checks.Finding(name, report.failure.message, "error", {"hint": report.failure.hint})
        )
    return report


def _with(given: Given, option: str, value: str) -> Given:
    """What was given, and the setting that a refused file wants."""
    values = given.values | {option: value}
    origins = given.origins | {option: "command line"}
    if option == "dates_as_columns":  # the columns are dates, so none of them is anything else
        values = {name: one for name, one in values.items() if name not in config.ROLES}
    return dataclasses.replace(given, values=values, origins=origins)


def _line(data: str, given: Given) -> str:
    """The command that trains with what was given here."""
    words = ["forecast", "train", data]
    for name, value in given.values.items():
        if given.origins[name] == "file":
            continue
        option = config.option_name(name)
        if isinstance(value, bool):
            words.append(option if value else f"--no-{option[2:]}")
        else:
            items = value if isinstance(value, list) else [value]
            words += [word for item in items for word in _option(option, str(item))]
    words += ["--config", given.file] if "file" in given.origins.values() else []
    return shlex.join(words)


def _option(option: str, value: str) -> list[str]:
    return [f"{option}={value}"] if value.startswith("-") else [option, value]


def _document(data: str, report: _Report) -> dict[str, Any]:
    from forecast_cli.commands import decisions

    panel, failure = report.panel, report.failure
    return {
        "schema": SCHEMA,
        "exit_code": report.code,
        "source": panel.source if panel else data,
        "series": len(panel) if panel else None,
        "steps": int(panel.offsets[-1]) if panel else None,
        "findings": [dataclasses.asdict(finding) for finding in report.findings],
        "settings": decisions.listed(report.decisions),
        "train": report.line or None,
        **({"error": failure.message, "hint": failure.hint} if failure else {}),
    }


SHOWN = (
    "horizon",
    "seasons",
    "lookback",
    "segment",
    "validation",
    "test",
    "lag",
    "normalization",
    "units",
    "epochs",
)


def _show(report: _Report) -> None:
    from forecast_cli.commands import decisions

    rows = [
        [f.name, f.text if f.level == "info" else f"{f.level}: {f.text}"] for f in report.findings
    ]
    if report.failure and report.failure.hint:
        rows.append(["", f"hint: {report.failure.hint}"])
    rows += [
        ["auto", f"{d.name} {decisions.text(d.value)}: {d.why}"]
        for d in report.decisions
        if d.name in SHOWN
    ]
    console.table("", ["", "found"], rows, text_columns=2)
    if report.line:
        console.emit(f"{console.escape(report.line)}\n".encode())
