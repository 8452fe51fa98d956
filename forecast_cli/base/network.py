"""The shape of the base network for given seasons and horizon. Its weights fit all of them."""

from __future__ import annotations

from forecast_cli.network import Architecture, Seasons

# Probabilities of the quantiles that the network answers; the middle one is the forecast.
LEVELS = (0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.975)

UNITS = (192, 192)
DROPOUT = 0.1
SEASONS_READ = 32
SPARE = 2  # seasons that are looked at beyond one longer season


def architecture(season: int, horizon: int, cycle: int = 0) -> Architecture:
    """The base network for a season of so many steps.

    cycle: how many seasons make a longer one; 0 if none is known.
    """
    return Architecture(
        lookback=max(SEASONS_READ, cycle + SPARE) * season,
        inputs=1,
        segment=1,
        units=UNITS,
        dropout=DROPOUT,
        outputs=horizon,
        quantiles=LEVELS,
        by_season=Seasons(season, SEASONS_READ, cycle),
    )
