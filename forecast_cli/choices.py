"""The words that settings, plans, saved runs and help share, each set of them declared once.

Only `typing` is imported, so that `--help` stays fast. What a word stands for is in the table
of its package: `network.CELLS`, `network.LOSSES`, `planning.PRESETS`.
"""

from __future__ import annotations

from typing import Literal

Preset = Literal["auto", "accurate", "classic", "bilstm", "seq2seq"]

# The network
Cell = Literal["lstm", "gru", "rnn"]
Attention = Literal["none", "bahdanau", "luong", "luong-dot"]
Decoder = Literal["direct", "seq2seq", "recursive"]
Head = Literal["linear", "mlp"]
Skip = Literal["none", "linear"]
Embedding = Literal["relu", "linear", "none"]

# The training
Loss = Literal["mse", "mae", "huber", "quantile"]
Optimizer = Literal["rmsprop", "adam", "adamw", "sgd"]
Schedule = Literal["constant", "cosine", "one-cycle"]
Combine = Literal["median", "mean"]
Interval = Literal["conformal", "quantile", "dropout"]
Device = Literal["auto", "cpu", "cuda"]
TrainedOn = Literal["cpu", "cuda"]  # what `Device` comes to

Statistic = Literal["naive", "seasonal_naive", "theta"]

# The data
Normalization = Literal["log", "shifted-log", "spread", "both", "minmax", "standard"]
Spread = Literal["deviation", "absolute", "root"]
Squash = Literal["none", "asinh"]
ShortSeries = Literal["fallback", "drop", "refuse"]
Gaps = Literal["auto", "interpolate", "ffill", "zero", "drop", "error"]
Duplicates = Literal["error", "first", "last", "mean", "sum"]
BadRows = Literal["error", "skip"]

# The store and the messages
Engine = Literal["local", "processes", "ray"]
IfLocked = Literal["fail", "skip"]
Start = Literal["scratch", "warm"]
LogFormat = Literal["text", "json"]

BASE = "base"  # the run that is always there
