"""forecast check"""

from __future__ import annotations

import dataclasses
import shlex
from typing import TYPE_CHECKING, Any

from forecast_cli import console
from forecast_cli.commands import options
from forecast_cli.errors import DataError
from forecast_cli.fields import option_name
from forecast_cli.settings import DEFAULT_STORE, ROLES, Settings
from forecast_cli.sources import SettingSources

if TYPE_CHECKING:
    from forecast_cli.checks import Finding
    from forecast_cli.commands.decisions import Decision
    from forecast_cli.panel import Panel

SCHEMA = "forecast/check/v1"
SHOWN = (  # decisions that are worth a line
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


@dataclasses.dataclass
class _Report:
    """What is known so far.

    failure: why training would refuse the file; command: the line to type.
    """

    findings: list[Finding] = dataclasses.field(default_factory=list)
    decisions: list[Decision] = dataclasses.field(default_factory=list)
    panel: Panel | None = None
    failure: DataError | None = None
    command: str = ""

    @property
    def code(self) -> int:
        return self.failure.exit_code if self.failure else 0


@options.with_settings("data", "window")
def check(
    data: options.Data,
    settings: Settings,
    sources: SettingSources,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Describe a file: what it is, what is odd about it, and the command that trains on it.

    Exits with 20 or 21 where training would refuse the file. With --quiet, only what is odd or
    wrong is listed.

    Example: forecast check sample_data/panel.csv
    """
    report = _check(data, settings, sources)
    if json:
        console.emit_json(_document(data, report))
    else:
        _show(report, quiet=quiet)
    return report.code


def _check(data: str, settings: Settings, sources: SettingSources) -> _Report:
    from forecast_cli import checks, planning
    from forecast_cli.commands import decisions
    from forecast_cli.reading import read

    report, lookback = _Report(), None
    try:
        report.panel = read(data, settings.data)
        plan = planning.make(report.panel, settings)
        lookback = plan.lookback
        store = sources.values.get("store", DEFAULT_STORE)
        report.decisions = decisions.decisions(report.panel, plan, settings, sources, store)
        report.command = _command(data, sources)
    except DataError as error:
        report.failure = error
        if error.proposal:
            report.command = _command(data, _with_proposal(sources, error))

    if report.panel is not None:
        report.findings = checks.check(report.panel, settings.data.season, lookback)
    if report.failure:
        name = "reading" if report.panel is None else "training"
        details = {"hint": report.failure.hint}
        failed = checks.Finding(name, report.failure.message, "error", details)
        report.findings.append(failed)
    return report


def _with_proposal(sources: SettingSources, error: DataError) -> SettingSources:
    """What was given, and the setting that a refused file needs."""
    if error.option == "dates_as_columns":  # the columns are dates, so none of them has a role
        sources = sources.without(ROLES)
    return sources.with_typed(error.option, error.proposal)


def _command(data: str, sources: SettingSources) -> str:
    """The command that trains with what was given here."""
    words = ["forecast", "train", data]
    for name, value in sources.values.items():
        if sources.origins[name] != "file":
            words += _option(name, value)
    if "file" in sources.origins.values():
        words += ["--config", sources.file]
    return shlex.join(words)


def _option(name: str, value: Any) -> list[str]:
    """The words of an option. A value that looks like an option is joined to its name with `=`."""
    option = option_name(name)
    if isinstance(value, bool):
        return [option if value else f"--no-{option[2:]}"]

    words = []
    for item in value if isinstance(value, list) else [value]:
        text = str(item)
        words += [f"{option}={text}"] if text.startswith("-") else [option, text]
    return words


def _document(data: str, report: _Report) -> dict[str, Any]:
    from forecast_cli.commands import decisions

    panel, failure = report.panel, report.failure
    document = {
        "schema": SCHEMA,
        "exit_code": report.code,
        "source": panel.source if panel else data,
        "series": len(panel) if panel else None,
        "steps": int(panel.offsets[-1]) if panel else None,
        "findings": [dataclasses.asdict(finding) for finding in report.findings],
        "settings": decisions.as_dicts(report.decisions),
        "train": report.command or None,
    }
    if failure:
        document |= {"error": failure.message, "hint": failure.hint}
    return document


def _show(report: _Report, *, quiet: bool) -> None:
    """The findings, the decisions and the line to type; with quiet only what is odd or wrong."""
    rows = []
    for finding in report.findings:
        if finding.level != "info":
            rows.append([finding.name, f"{finding.level}: {finding.text}"])
        elif not quiet:
            rows.append([finding.name, finding.text])
    if report.failure and report.failure.hint:
        rows.append(["", f"hint: {report.failure.hint}"])
    if not quiet:
        rows += _decision_rows(report.decisions)

    if report.failure:
        width = 0 if report.panel is None else max(len(name) for name, _ in rows) + 2
        console.lines([f"{name if width else '':{width}}{text}" for name, text in rows])
    elif rows:
        console.table("", ["", "found"], rows, text_columns=2)
    if report.command and not quiet:
        console.lines([report.command])


def _decision_rows(shown: list[Decision]) -> list[list[str]]:
    from forecast_cli.commands import decisions

    return [
        ["auto", f"{each.name} {decisions.text(each.value)}: {each.why}"]
        for each in shown
        if each.name in SHOWN
    ]
