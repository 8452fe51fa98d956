"""Threads, processes, folders, texts, fonts, and what jobs were told to use."""

from __future__ import annotations

import math
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from forecast_cli import engine, monitoring, plots
from forecast_cli.doctor.check import Check, Situation, existing_parent
from forecast_cli.errors import ForecastError, StorageError
from forecast_cli.messages import plural
from forecast_cli.store import Run

MOST_THREADS = 4  # that a training starts by itself
LETTERS = {"Chinese": "数据预测", "Japanese": "データ予測", "Korean": "데이터예측"}
WRITABLE = os.W_OK | os.X_OK


# -- threads and processes -------------------------------------------------------------------------


def check_threads(
    situation: Situation, quota: Path = Path("/sys/fs/cgroup/cpu.max")
) -> list[Check]:
    """Whether more threads would start than there are cores for them."""
    all_cores = os.cpu_count() or 1
    cores = min(_usable_cores(), _cores_of_quota(quota))
    checks = []
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        checks += _check_variable(variable, situation.environment.get(variable), cores)

    if situation.threads is not None and situation.threads > cores:
        text = f"{situation.threads} threads are set for trainings, and {_cores(cores)} can be used"
        checks.append(Check("threads", "finding", text, f"set threads to {cores} (--threads)"))
    elif situation.threads is None and min(MOST_THREADS, all_cores) > cores:
        text = f"only {cores} of {_cores(all_cores)} can be used, which trainings do not see"
        checks.append(Check("threads", "finding", text, f"set threads to {cores} (--threads)"))
    return checks or [Check("threads", "ok", f"{_cores(cores)} can be used")]


def _cores(count: int) -> str:
    return plural(count, "core")


def _check_variable(name: str, value: str | None, cores: int) -> list[Check]:
    if not value:
        return []
    parts = value.split(",")  # of OMP_NUM_THREADS, one for each level of nesting
    if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        text = f"{name} is {value!r}, which is not a whole number"
        return [Check("threads", "finding", text, f"unset {name}")]
    if int(parts[0]) > cores:
        text = f"{name} is {value}, and {_cores(cores)} can be used"
        return [Check("threads", "finding", text, f"unset {name}, or set it to {cores}")]
    return []


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cores_of_quota(path: Path) -> int:
    """The cores that a container may use at a time: cpu.max of cgroup v2, `200000 100000`."""
    try:
        quota, period = path.read_text().split()
        return max(1, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError, ZeroDivisionError):
        return sys.maxsize


def check_processes() -> list[Check]:
    """Whether trainings and forecasts can run in several processes."""
    try:
        engine.check_processes()
    except StorageError as error:
        return [Check("processes", "finding", error.message, error.hint)]
    return [Check("processes", "ok", "worker processes can be started")]


# -- folders ---------------------------------------------------------------------------------------


def check_folders(situation: Situation) -> list[Check]:
    """HOME, the folder for temporary files, and that of the list of fonts."""
    return [
        *_check_home(situation.environment),
        *_check_temporary(situation.environment),
        _check_cache(situation.environment),
        *_check_program(situation.environment),
    ]


def _check_home(environment: Mapping[str, str]) -> list[Check]:
    home = environment.get("HOME")
    if home and Path(home).is_dir():
        return [Check("home", "ok", home)]
    text = f"HOME is {home}, which is not a folder" if home else "HOME is not set"
    return [Check("home", "remark", text, "forecast does without it; use absolute paths for jobs")]


def _check_temporary(environment: Mapping[str, str]) -> list[Check]:
    try:
        used = tempfile.gettempdir()
    except OSError:
        text = "there is no folder for temporary files that can be written"
        return [
            Check("temporary files", "finding", text, "set TMPDIR to a folder that is writable")
        ]

    wanted = environment.get("TMPDIR")
    if wanted and not os.access(wanted, WRITABLE):
        text = f"TMPDIR is {wanted}, which cannot be written; {used} is used"
        return [Check("temporary files", "finding", text, f"make {wanted}, or unset TMPDIR")]
    return [Check("temporary files", "ok", used)]


def cache_folder(environment: Mapping[str, str]) -> Path | None:
    """Where matplotlib keeps its list of fonts on Linux; None where there is no home folder."""
    if environment.get("MPLCONFIGDIR"):
        return Path(environment["MPLCONFIGDIR"])
    if environment.get("XDG_CACHE_HOME"):
        return Path(environment["XDG_CACHE_HOME"], "matplotlib")
    home = environment.get("HOME")
    try:
        return Path(home or Path.home(), ".cache", "matplotlib")
    except RuntimeError:
        return None


def _check_cache(environment: Mapping[str, str]) -> Check:
    folder = cache_folder(environment)
    if folder is not None and os.access(existing_parent(folder), WRITABLE):
        return Check("list of fonts", "ok", str(folder))
    where = f"cannot be kept in {folder}" if folder else "has no folder"
    text = f"the list of fonts {where}, so every training and plot makes it again"
    hint = "set MPLCONFIGDIR to a folder that can be written, such as /var/cache/forecast"
    return Check("list of fonts", "finding", text, hint)


def _check_program(environment: Mapping[str, str]) -> list[Check]:
    script = Path(sys.executable).with_name("forecast")
    if shutil.which("forecast", path=environment.get("PATH", os.defpath)):
        return []
    hint = (
        f"call it as {script}"
        if script.exists()
        else f"call it as {sys.executable} -m forecast_cli"
    )
    return [Check("program", "remark", "forecast is not in the folders of PATH", hint)]


# -- texts and fonts -------------------------------------------------------------------------------


def check_texts() -> list[Check]:
    """Whether names in other scripts can be written in messages."""
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    names = {encoding.lower(), sys.getfilesystemencoding().lower()}
    if names <= {"utf-8", "utf8"}:
        return [Check("locale", "ok", "texts are UTF-8")]
    text = f"texts are {', '.join(sorted(names))}, so messages show other letters as codes"
    return [Check("locale", "remark", text, "set LC_ALL=C.UTF-8; forecasts are the same")]


def check_fonts(situation: Situation, run: Run | None) -> list[Check]:
    """Whether plots can show the names of the run, and those of languages with many letters."""
    if not situation.can_draw:
        text = "not looked at, because matplotlib needs a folder for temporary files"
        return [Check("fonts", "remark", text, "set TMPDIR to a folder that is writable")]

    if run is not None:
        columns = run.config.columns
        missing = plots.missing_letters([columns.target, columns.time, *run.tail.ids])
        if missing:
            text = f"no font can draw {missing[:5]!r}, which is in names of the latest run"
            return [Check("fonts", "finding", text, _fonts_hint(situation))]

    without = [name for name, text in LETTERS.items() if plots.missing_letters([text])]
    if without:
        text = f"no font is known for {', '.join(without)}"
        return [Check("fonts", "remark", text, _fonts_hint(situation))]
    return [Check("fonts", "ok", f"there are fonts for {', '.join(LETTERS)}")]


def _fonts_hint(situation: Situation) -> str:
    """What to do about letters without a font: the list of fonts may be older than the fonts."""
    hint = "install Noto fonts (Debian, Ubuntu: fonts-noto-cjk)"
    folder = cache_folder(situation.environment)
    lists = sorted(folder.glob("fontlist-*.json")) if folder else []
    if lists:
        hint += f"; if they are installed, remove {lists[-1]}, and the list is made again"
    return hint


# -- what jobs were told to use --------------------------------------------------------------------


def check_monitoring(situation: Situation) -> list[Check]:
    """Whether metrics can be written, and whether the file with the URL of pings is right."""
    checks = []
    if situation.metrics:
        checks.append(_check_metrics(Path(situation.metrics)))
    if situation.ping_file:
        checks.append(_check_ping_file(situation.ping_file))
    return checks


def _check_metrics(path: Path) -> Check:
    folder = path.absolute().parent
    if not folder.is_dir():
        text = f"there is no folder {folder}"
        return Check("metrics", "finding", text, "make it, or give another path to --metrics")
    if not os.access(folder, WRITABLE) or (path.exists() and not path.is_file()):
        hint = "check the permissions, or give another path to --metrics"
        return Check("metrics", "finding", f"{path} cannot be written", hint)
    if path.suffix != ".prom":
        text = f"{path} does not end in .prom, and node_exporter reads no other files"
        return Check("metrics", "remark", text, "give a name that ends in .prom to --metrics")
    return Check("metrics", "ok", str(path))


def _check_ping_file(path: str) -> Check:
    try:
        monitoring.read_ping_url(path)
        is_open = bool(os.stat(path).st_mode & stat.S_IROTH)
    except ForecastError as error:
        return Check("ping", "finding", error.message, error.hint)
    except OSError as error:
        return Check("ping", "finding", f"cannot read {path}: {error.strerror}", "check the path")
    if is_open:
        text = f"every user of this machine can read {path}, and the URL in it is a secret"
        return Check("ping", "finding", text, f"chmod 600 {path}")
    return Check("ping", "ok", f"{path} has a URL; nothing was sent")
