"""What `forecast refresh` decides, from plain values: pure functions that read and write nothing.

What is named here is what other packages may use:

When to train:    Facts, Decision, decide; duration, in words
The alarm:        Alarm, alarm_of, HORIZONS_NEEDED
What to promote:  Errors, Verdict, judge
Settings:         weight_settings, changed_settings
"""

from forecast_cli.refreshing.alarms import HORIZONS_NEEDED, Alarm, alarm_of
from forecast_cli.refreshing.decisions import Decision, Facts, decide, duration
from forecast_cli.refreshing.promotions import Errors, Verdict, judge
from forecast_cli.refreshing.weights import changed_settings, weight_settings

__all__ = [
    "HORIZONS_NEEDED",
    "Alarm",
    "Decision",
    "Errors",
    "Facts",
    "Verdict",
    "alarm_of",
    "changed_settings",
    "decide",
    "duration",
    "judge",
    "weight_settings",
]
