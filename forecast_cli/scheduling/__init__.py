"""Schedules as text: a line for cron, a service and a timer for systemd.

What is named here is what other packages may use:

Jobs:      Job, the command that is to run; TimeOfDay, parse_time
Texts:     crontab_line, systemd_units
Clocks:    local_zone, clock_change_warning
"""

from forecast_cli.scheduling.clock import TimeOfDay, clock_change_warning, local_zone, parse_time
from forecast_cli.scheduling.crontab import crontab_line
from forecast_cli.scheduling.job import Job
from forecast_cli.scheduling.systemd import systemd_units

__all__ = [
    "Job",
    "TimeOfDay",
    "clock_change_warning",
    "crontab_line",
    "local_zone",
    "parse_time",
    "systemd_units",
]
