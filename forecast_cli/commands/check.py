"""forecast check"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from forecast_cli import console
from forecast_cli.commands import options
from forecast_cli.commands.train_lines import TrainLine, train_command, train_lines
from forecast_cli.errors import DataError, RunRejectedError
from forecast_cli.messages import plural
from forecast_cli.settings import DEFAULT_STORE, Settings
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

    failure: why training would refuse the file; command: the line to type, where there is one;
    lines: those that read a refused file, one for each reading that is possible.
    """

    findings: list[Finding] = dataclasses.field(default_factory=list)
    decisions: list[Decision] = dataclasses.field(default_factory=list)
    panel: Panel | None = None
    failure: DataError | None = None
    command: str = ""
    lines: list[TrainLine] = dataclasses.field(default_factory=list)

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

    Exits with 20 or 21 if training would refuse the file. With --quiet, only what is odd or
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
    from forecast_cli.reading import read, standard_input

    report, lookback = _Report(), None
    content: bytes | None = None
    try:
        if data == "-":  # a stream cannot be read twice
            content = standard_input()
        report.panel = read(data, settings.data, content=content)
        plan = planning.make(report.panel, planning.without_freeze(settings))
        lookback = plan.lookback
        store = sources.values.get("store", DEFAULT_STORE)
        report.decisions = decisions.decisions(report.panel, plan, settings, sources, store)
        report.command = train_command(data, sources)
    except DataError as error:
        report.failure = error
        report.lines = train_lines(data, content, sources, error)
        if len(report.lines) == 1 and not report.lines[0].error:
            report.command = report.lines[0].command

    if report.panel is not None:
        report.findings = checks.check(report.panel, settings.data.season, lookback)
        report.findings += _about_base(report.panel, settings)
    if report.failure:
        name = "reading" if report.panel is None else "training"
        details = {"hint": report.failure.hint}
        failed = checks.Finding(name, report.failure.message, "error", details)
        report.findings.append(failed)
    return report


def _about_base(panel: Panel, settings: Settings) -> list[Finding]:
    """How the base network would have forecast the newest rows; nothing where there are too few."""
    from forecast_cli import checks, workflow

    try:
        score = workflow.score_base(panel, settings)
    except RunRejectedError as error:
        return [checks.Finding("base", error.message, "warning", {"hint": error.hint})]
    if score is None:
        return []

    some = "" if score.series == len(panel) else f" of {score.series:,} of the series"
    text = f"untrained, it forecasts the newest {plural(score.horizon, 'row')}{some} with "
    text += f"{score.metric} {score.network:.3g}, seasonal naive with {score.seasonal_naive:.3g}"
    return [checks.Finding("base", text, details=dataclasses.asdict(score))]


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
        lines = [line.as_dict() for line in report.lines]
        document |= {"error": failure.message, "hint": failure.hint, "lines": lines}
    return document


def _show(report: _Report, *, quiet: bool) -> None:
    """The findings, the decisions and the line to type; with quiet only what is odd or wrong."""
    rows = _finding_rows(report.findings, quiet=quiet)
    if report.failure and report.failure.hint:
        rows.append(["", f"hint: {report.failure.hint}"])
    if not quiet:
        rows += _decision_rows(report.decisions)

    if report.failure:
        console.lines(_aligned(rows, with_names=report.panel is not None))
    elif rows:
        console.table("", ["", "found"], rows, text_columns=2)
    if not quiet:
        console.lines(_commands(report))


def _finding_rows(findings: list[Finding], *, quiet: bool) -> list[list[str]]:
    """The name and the text of each finding; with quiet only of what is odd or wrong."""
    rows = []
    for finding in findings:
        if finding.level != "info":
            rows.append([finding.name, f"{finding.level}: {finding.text}"])
        elif not quiet:
            rows.append([finding.name, finding.text])
    return rows


def _aligned(rows: list[list[str]], *, with_names: bool) -> list[str]:
    """Lines of names and texts below one another; of a file that could not be read, the texts."""
    if not with_names:
        return [text for _, text in rows]
    width = max(len(name) for name, _ in rows) + 2
    return [f"{name:{width}}{text}" for name, text in rows]


def _commands(report: _Report) -> list[str]:
    """What to type: the command that trains on the file, or those that would read it."""
    if report.failure:
        return _hints(report.lines)
    return [report.command] if report.command else []


def _hints(lines: list[TrainLine]) -> list[str]:
    """The lines to type for a refused file, below what their options do."""
    shown = []
    if len(lines) > 1:
        shown.append(f"{len(lines)} readings are possible:")
    for line in lines:
        shown += [f"  {each['option']} {each['effect']}" for each in line.options]
        if line.error:
            shown.append(f"  then {line.error}")
        shown.append(f"hint: {line.command}")
    return shown


def _decision_rows(shown: list[Decision]) -> list[list[str]]:
    from forecast_cli.commands import decisions

    return [
        ["auto", f"{each.name} {decisions.text(each.value)}: {each.why}"]
        for each in shown
        if each.name in SHOWN
    ]
