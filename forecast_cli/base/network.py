"""The shape of the base network, and its answers in numpy."""

from __future__ import annotations

from forecast_cli.base.frame import INPUTS, POINTS, REFERENCES, Framed, mixed
from forecast_cli.network import Architecture, Weights
from forecast_cli.network.inference import apply_head, encode
from forecast_cli.panel import Floats

# Probabilities of the quantiles that the network answers; the middle one is the forecast.
LEVELS = (0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.975)

ARCHITECTURE = Architecture(
    lookback=1,  # the same weights read windows of any number of seasons
    inputs=INPUTS,
    segment=1,
    units=(192, 192),
    dropout=0.1,
    outputs=POINTS * len(LEVELS) + REFERENCES,
)


def answer(framed: Framed, weights: Weights) -> Floats:
    """What the network answers to windows: (B, F, Q, P) in units of their spread."""
    ahead = framed.references.shape[1]
    outputs = encode(ARCHITECTURE, weights, framed.inputs).outputs[:, -ahead:]
    return mixed(framed, apply_head(ARCHITECTURE, outputs, weights), len(LEVELS))
