"""What `forecast refresh` decides, from plain values: pure functions that read and write nothing.

What is named here is what other packages may use:

When to train:    Facts, Decision, decide
The alarm:        Alarm, alarm_of, mase_ratio, HORIZONS_NEEDED
What to promote:  Errors, Verdict, judge
Settings:         weight_settings, changed_settings
"""

from forecast_cli.refreshing.alarms import HORIZONS_NEEDED, Alarm, alarm_of, mase_ratio
from forecast_cli.refreshing.decisions import Decision, Facts, decide
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
    "judge",
    "mase_ratio",
    "weight_settings",
]
