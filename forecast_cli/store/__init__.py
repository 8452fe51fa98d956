"""The store: runs on disk. One command writes, under a lock; others read at any time, without one.

What is named here is what other packages may use; the modules inside are the business of the store.
Functions that write in the store take its `Lock` as their first argument:

    with store.lock(root) as lock:
        run = store.publish(lock, contents)
        store.promote(lock, run)

Reading:       load, latest, names, promoted, unpromoted, refusal, pinned, predecessor, resolve, exists
Writing:       lock, publish, promote, write_report, versions
State:         lock_state, LockState, check_writable
Upkeep:        verify, check_tables, rejected, smoke_forecast, prune, roll_back, pin
Limits:        EARLIEST_TIME, LATEST_TIME, of what a run can hold
Times:         Clock, now_in_utc; time_text, time_of, as the names of runs have them
Records:       Run, Contents, RunConfig, Manifest, Input, newest_run_schema, Metrics and its parts, metrics_from, coverage_sentence
Checkpoints:   Checkpoint, load_checkpoint, save_checkpoint, remove_checkpoint, training_identity;
               write_snapshot, read_snapshot, between the processes of a training
Backtests:     lock_backtest, has_backtest, forget_backtest, save_forecasts, load_forecasts,
               save_training, load_training, OTHER_BACKTEST: what `backtest --resume` goes on
               from
Studies:       lock_studies, study_numbers, load_study, save_study, Study, TrialRecord: what
               `tune --resume` goes on from
Track:         PastForecast, TrackRecord, RefreshEvent; forecast_numbers, next_forecast_number, read_forecast;
               write_forecast, set_forecast_aside, prune_forecasts: what `refresh` published, and
               what came true of it
Parts:         lock_parts, write_part, publish_parts, read_parts, PartsLock, PartsManifest, Part,
               FailedPart, PARTS_SCHEMA: a forecast in many files, which `predict -o DIR` writes
Other files:   make_folder, replace_file, check_writable, for what is written beside the store, such
               as -o FILE; Spool, opened_spool, for what is kept until it is written to stdout
"""

from forecast_cli.store.backtests import (
    OTHER_BACKTEST,
    BacktestLock,
    PartForecasts,
    forget_backtest,
    has_backtest,
    load_forecasts,
    load_training,
    lock_backtest,
    save_forecasts,
    save_training,
)
from forecast_cli.store.checkpoints import (
    Checkpoint,
    load_checkpoint,
    read_snapshot,
    remove_checkpoint,
    save_checkpoint,
    training_identity,
    write_snapshot,
)
from forecast_cli.store.contents import EARLIEST_TIME, LATEST_TIME, Contents, Run
from forecast_cli.store.files import Spool, check_writable, make_folder, opened_spool, replace_file
from forecast_cli.store.listing import (
    exists,
    latest,
    names,
    pinned,
    predecessor,
    promoted,
    refusal,
    resolve,
    unpromoted,
)
from forecast_cli.store.locking import Lock, LockState, lock, lock_state
from forecast_cli.store.parts import SCHEMA as PARTS_SCHEMA
from forecast_cli.store.parts import (
    FailedPart,
    Part,
    PartsLock,
    PartsManifest,
    lock_parts,
    publish_parts,
    read_parts,
    write_part,
)
from forecast_cli.store.publishing import promote, publish, smoke_forecast, versions, write_report
from forecast_cli.store.reading import load
from forecast_cli.store.records import (
    Coverage,
    HeldOutScores,
    Input,
    IntervalScores,
    Manifest,
    MemberScores,
    Metrics,
    RunConfig,
    Scores,
    Skill,
    TrainingNote,
    TrainingScores,
    coverage_sentence,
    metrics_from,
)
from forecast_cli.store.rejection import rejected
from forecast_cli.store.studies import (
    Study,
    StudyLock,
    TrialRecord,
    load_study,
    lock_studies,
    save_study,
    study_numbers,
)
from forecast_cli.store.table_checks import check_tables
from forecast_cli.store.times import Clock, now_in_utc, time_of, time_text
from forecast_cli.store.track import (
    PastForecast,
    RefreshEvent,
    TrackRecord,
    forecast_numbers,
    next_forecast_number,
    prune_forecasts,
    read_forecast,
    set_forecast_aside,
    write_forecast,
)
from forecast_cli.store.upgrades import newest_run_schema
from forecast_cli.store.upkeep import pin, prune, roll_back, verify

__all__ = [
    "EARLIEST_TIME",
    "LATEST_TIME",
    "OTHER_BACKTEST",
    "PARTS_SCHEMA",
    "BacktestLock",
    "Checkpoint",
    "Clock",
    "Contents",
    "Coverage",
    "FailedPart",
    "HeldOutScores",
    "Input",
    "IntervalScores",
    "Lock",
    "LockState",
    "Manifest",
    "MemberScores",
    "Metrics",
    "Part",
    "PartForecasts",
    "PartsLock",
    "PartsManifest",
    "PastForecast",
    "RefreshEvent",
    "Run",
    "RunConfig",
    "Scores",
    "Skill",
    "Spool",
    "Study",
    "StudyLock",
    "TrackRecord",
    "TrainingNote",
    "TrainingScores",
    "TrialRecord",
    "check_tables",
    "check_writable",
    "coverage_sentence",
    "exists",
    "forecast_numbers",
    "forget_backtest",
    "has_backtest",
    "latest",
    "load",
    "load_checkpoint",
    "load_forecasts",
    "load_study",
    "load_training",
    "lock",
    "lock_backtest",
    "lock_parts",
    "lock_state",
    "lock_studies",
    "make_folder",
    "metrics_from",
    "names",
    "newest_run_schema",
    "next_forecast_number",
    "now_in_utc",
    "opened_spool",
    "pin",
    "pinned",
    "predecessor",
    "promote",
    "promoted",
    "prune",
    "prune_forecasts",
    "publish",
    "publish_parts",
    "read_forecast",
    "read_parts",
    "read_snapshot",
    "refusal",
    "rejected",
    "remove_checkpoint",
    "replace_file",
    "resolve",
    "roll_back",
    "save_checkpoint",
    "save_forecasts",
    "save_study",
    "save_training",
    "set_forecast_aside",
    "smoke_forecast",
    "study_numbers",
    "time_of",
    "time_text",
    "training_identity",
    "unpromoted",
    "verify",
    "versions",
    "write_forecast",
    "write_part",
    "write_report",
    "write_snapshot",
]
