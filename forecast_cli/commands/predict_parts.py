"""forecast predict, of many files: a folder of them, or a pattern."""

from __future__ import annotations

import json as json_module
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from forecast_cli import console
from forecast_cli.errors import DEGRADED, SettingsError
from forecast_cli.formats import Format, named_format
from forecast_cli.messages import plural

if TYPE_CHECKING:
    from forecast_cli.workflow import Document, Partitions, PredictedParts

SCHEMA = "forecast/predict/v1"
TOLD = ("base_network", "coverage", "parts_left_out")  # kinds of notes that are not warnings
MOST_ROWS = 50  # files that a terminal gets a line for


@dataclass(frozen=True)
class Asked:
    """What was asked for of the output. format: None where it was not named."""

    output: str | None
    format: Format | None
    json: bool
    quiet: bool


def predict_parts(partitions: Partitions, asked: Asked, wanted: dict[str, Any]) -> int:
    """Forecast many files. wanted: options of `workflow.predict_into`. Returns the exit code."""
    _check(partitions, asked)
    with console.progress(quiet=asked.quiet or asked.json) as report:
        from forecast_cli import workflow

        if asked.output:
            kind = asked.format or Format.parquet
            folder = workflow.folder_of_parts(partitions, asked.output, kind)
            predicted = workflow.predict_into(partitions, folder, report, **wanted)
        elif asked.json:
            document = workflow.spooled_document(console.emit)
            predicted = workflow.predict_into(
                partitions, document, report, finish=_emit_document, **wanted
            )
        elif asked.format is None and console.stdout_is_terminal():
            predicted = workflow.predict_into(partitions, workflow.nowhere(), report, **wanted)
        else:
            stream = workflow.spooled(console.emit, asked.format or Format.csv)
            predicted = workflow.predict_into(partitions, stream, report, **wanted)

    _tell(predicted, asked)
    return DEGRADED if _texts(predicted, "degraded") else 0


def _check(partitions: Partitions, asked: Asked) -> None:
    """Refuse outputs that many files cannot have. Raises SettingsError."""
    named_as_file = asked.output and named_format(asked.output)
    if asked.output and named_as_file:
        raise SettingsError(
            f"-o {asked.output} is the name of a file, and the forecasts of "
            f"{plural(len(partitions.paths), 'file')} go into a folder",
            f"give a folder and --format {named_as_file}, or leave out -o and redirect the output",
        )
    if asked.output:
        return
    if asked.format is Format.parquet:
        raise SettingsError("--format parquet of many files goes into a folder only", "add -o DIR")
    if asked.json and asked.format is not None:
        message = f"--json and --format {asked.format} both write to stdout"
        raise SettingsError(message, "add -o DIR, or leave one out")


def _texts(predicted: PredictedParts, level: str) -> list[str]:
    return [note.text for note in predicted.notes if note.level == level]


def _tell(predicted: PredictedParts, asked: Asked) -> None:
    """Say what is worth knowing, and where the forecast is."""
    _tell_notes(predicted, quiet=asked.quiet)
    if asked.output:
        _tell_folder(predicted, asked.output, asked)
    elif not asked.json and asked.format is None and console.stdout_is_terminal():
        _show(predicted, quiet=asked.quiet)


def _tell_notes(predicted: PredictedParts, *, quiet: bool) -> None:
    """Say what is wrong, and what is worth knowing of the forecast."""
    for note in predicted.notes:
        if note.level != "info":
            console.warning(note.text)
        elif note.kind in TOLD and not quiet:
            console.say(console.escape(note.text))


def _tell_folder(predicted: PredictedParts, folder: str, asked: Asked) -> None:
    """Say what was written into a folder."""
    manifest = predicted.manifest
    if asked.json:
        console.emit_json(_outcome(predicted) | asdict(manifest))
        return
    if asked.quiet:
        return

    parts = plural(len(manifest.parts), "part")
    series = plural(sum(part.series for part in manifest.parts), "series", "series")
    console.say(f"wrote {console.escape(folder)}: {parts}, {series}")


def _outcome(predicted: PredictedParts) -> dict[str, Any]:
    reasons = _texts(predicted, "degraded")
    return {
        "schema": predicted.manifest.schema,
        "exit_code": DEGRADED if reasons else 0,
        "warnings": _texts(predicted, "warning"),
        "reasons": reasons,
    }


def _emit_document(document: Document, predicted: PredictedParts) -> None:
    """The document of a forecast of one file, whose rows are those of all."""
    run, source = predicted.manifest.run, predicted.manifest.source
    content = _outcome(predicted) | {"schema": SCHEMA, "run": run, "source": source}
    text = json_module.dumps(content | dict(document.about), ensure_ascii=False, indent=1)
    console.emit(text.removesuffix("\n}").encode() + b',\n "forecast": [\n')
    document.write_rows()
    console.emit(b"\n ]\n}\n")


def _show(predicted: PredictedParts, *, quiet: bool) -> None:
    """A table of the files: the forecasts of many are no use on a terminal."""
    parts = predicted.manifest.parts
    rows = []
    for part in parts[:MOST_ROWS]:
        name = os.path.relpath(part.input)
        rows.append([name, f"{part.series:,}", f"{part.rows:,}"])
    console.table("", ["file", "series", "rows"], rows)
    if len(parts) > MOST_ROWS:
        console.say(f"and {len(parts) - MOST_ROWS:,} more files")
    if not quiet:
        console.say(f"run {predicted.manifest.run}; -o DIR writes the forecasts")
