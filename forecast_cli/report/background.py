"""The sections on where the forecast comes from: training, data, settings, versions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from forecast_cli import calendar, network, planning
from forecast_cli.messages import number, plural
from forecast_cli.planning import Plan
from forecast_cli.report.elements import Block, Figure, Listing, Section, Table, Text
from forecast_cli.report.subject import Subject
from forecast_cli.store import Run

FINDING_NAMES = {
    "shape": "Size",
    "columns": "Columns",
    "frequency": "Frequency",
    "span": "Time span",
    "gaps": "Gaps",
    "duplicates": "Duplicates",
    "outliers": "Outliers",
    "seasons": "Seasons",
    "constant": "Constant series",
    "short": "Short series",
    "reading": "Reading",
}


# -- training ----------------------------------------------------------------------------------


def training_section(subject: Subject, pictures: Mapping[str, str]) -> Section:
    """How the network was trained."""
    run = subject.run
    plan, training = run.config.plan, run.metrics.training
    text = f"The network is {network.describe(plan.architecture)}"
    if plan.members > 1:
        text += f", {plan.members:,} members whose {plan.combine} is the forecast"
    text += f", with {planning.count_parameters(plan):,} parameters."
    blocks: list[Block] = [Text(text)]

    epochs = plural(training.epochs, "epoch")
    trained = f"It was trained for {epochs} with the {plan.loss} loss and {plan.optimizer}."
    if training.best_epoch:
        trained += f" The weights of epoch {training.best_epoch:,} were kept."
    if plan.refit:
        trained += " After it was scored, it was trained again on all rows."
    blocks.append(Text(trained))
    blocks += _about_members(run)
    blocks += _candidates(plan)

    description = f"Lines of the loss over {epochs}, of the training part"
    description += " and of the validation part, where there is one."
    title = "The loss, epoch by epoch"
    blocks.append(Figure("loss", pictures["loss"], title, description))
    return Section("training", "Training", tuple(blocks))


def _about_members(run: Run) -> list[Block]:
    members = run.metrics.members
    if members is None or members.count < 2 or members.spread is None or not members.mae:
        return []
    errors = [error for error in members.mae if error is not None]
    if not errors:
        return []
    text = f"On the held-out rows the members are {number(members.spread)} apart (standard "
    text += f"deviation); alone, their MAE is {number(min(errors))} to {number(max(errors))}."
    return [Text(text)]


def _candidates(plan: Plan) -> list[Block]:
    """What validation chose between, and what the forecast is made of."""
    blocks: list[Block] = []
    if plan.trials:
        rows = []
        for trial in plan.trials:
            chosen = "chosen" if trial.chosen else ""
            rows.append((trial.name, chosen, number(trial.error), number(trial.naive_error)))
        origins = plural(plan.trials[0].origins, "origin")
        caption = f"Candidates, by their error in validation from {origins}"
        header = ("candidate", "result", "MASE", "MASE of a naive forecast")
        blocks.append(Table(caption, header, tuple(rows), text_columns=2))
    if plan.parts:
        shares = "; ".join(planning.portfolio_shares(plan))
        blocks.append(Text(f"The forecast is a weighted mean: {shares}."))
    if plan.base is not None:
        share = f"{plan.base.weight:.0%} of the forecast is that of the base network"
        blocks.append(Text(f"{share}: {plan.reasons.get('base', '')}."))
    if plan.shrinkage:
        share = f"{plan.shrinkage:.0%} of the forecast is that of a naive forecast"
        blocks.append(Text(f"{share}: {plan.reasons.get('shrinkage', '')}."))
    return blocks


# -- data --------------------------------------------------------------------------------------


def data_section(subject: Subject) -> Section:
    """What was found in the data, and what the training had to say."""
    blocks: list[Block] = []
    if subject.data_note:
        blocks.append(Text(subject.data_note, "warning"))

    items = []
    for finding in subject.findings:
        name = FINDING_NAMES.get(finding.name, finding.name)
        level = "info" if finding.level == "info" else "warning"
        items.append(Text(f"{name}: {finding.text}", level))
    blocks.append(Listing(tuple(items)))
    return Section("data", "What was found in the data", tuple(blocks))


def notes_section(subject: Subject) -> Section | None:
    """What the training had to say; None where it had nothing to say or did not keep it."""
    notes = subject.run.metrics.notes
    if not notes:
        return None
    items = []
    for note in notes:
        items.append(Text(note.text, "info" if note.level == "info" else "warning"))
    return Section("notes", "Notes of the training", (Listing(tuple(items)),))


# -- settings and versions ---------------------------------------------------------------------


def settings_section(subject: Subject) -> Section:
    """Every setting with its reason, and how the data were read."""
    run = subject.run
    plan = run.config.plan
    rows = []
    for name, value in planning.values_by_name(plan).items():
        why = planning.reason_of(plan, name, value) or "default"
        rows.append((name.replace("_", " "), planning.written(value), why))
    digits = planning.written(run.digits)
    rows.append(("digits", digits, "decimals of the forecast"))

    header = ("setting", "value", "why")
    tables: list[Block] = [Table("The training", header, tuple(rows), text_columns=3)]
    read = _reading_rows(run)
    if read:
        tables.append(Table("How the data were read", ("setting", "value"), read, text_columns=2))
    return Section("settings", "Settings, and why", tuple(tables))


def _reading_rows(run: Run) -> tuple[tuple[str, ...], ...]:
    """The settings of the reader that are not left to their default."""
    rows = []
    for field in dataclasses.fields(run.config.data):
        value = getattr(run.config.data, field.name)
        if value is not None and value != field.default:
            rows.append((field.name.replace("_", " "), planning.written(value)))
    return tuple(rows)


def versions_section(subject: Subject) -> Section:
    """Versions of the libraries, and the hashes of the data and of every file of the run."""
    manifest = subject.run.manifest
    versions = tuple(manifest.versions.items())
    files = [("the data", f"{manifest.input.rows:,} rows", manifest.input.sha256 or "-")]
    for name, seal in manifest.files.items():
        files.append((name, f"{seal.size:,} bytes", seal.sha256))

    caption = "SHA-256 of the data and of the files of the run; the command forecast runs verify checks them"
    return Section(
        "versions",
        "Versions and hashes",
        (
            Table("Trained with", ("library", "version"), versions, text_columns=2),
            Table(caption, ("file", "size", "SHA-256"), tuple(files), text_columns=3),
        ),
    )


def facts(run: Run) -> tuple[tuple[str, str], ...]:
    """The few numbers at the top of the page."""
    config, data = run.config, run.manifest.input
    several = f" of {data.series:,} series" if data.series > 1 else ""
    return (
        ("Run", run.name),
        ("Trained", _moment(run.manifest.created)),
        ("Data", config.source or "a panel"),
        ("Rows", f"{data.rows:,}{several}, {calendar.describe(config.frequency)}"),
        ("Forecast", f"{plural(config.plan.horizon, 'step')} ahead"),
    )


def _moment(created: str) -> str:
    """`20261122T033808Z` as `2026-11-22 03:38 UTC`."""
    digits = created.replace("T", "").rstrip("Z")
    if len(digits) != 14 or not digits.isdigit():
        return created
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:8]} {digits[8:10]}:{digits[10:12]} UTC"
