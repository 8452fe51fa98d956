"""What a scheduled job tells those who watch it: metrics, pings, one line about its state.

What is named here is what other packages may use:

Metrics:   JobFacts, Outcome, metrics_text, write_metrics; a text file for Prometheus
Pings:     Ping, start_ping, read_ping_url; requests to a service that notices when they stay away
State:     Health, status_of; an exit code and one line, as Nagios shows it

Nothing here fails a job: what goes wrong is returned as the text of a warning.
"""

from forecast_cli.monitoring.health import Health, status_of
from forecast_cli.monitoring.metrics import JobFacts, Outcome, metrics_text, write_metrics
from forecast_cli.monitoring.ping import Ping, read_ping_url, start_ping

__all__ = [
    "Health",
    "JobFacts",
    "Outcome",
    "Ping",
    "metrics_text",
    "read_ping_url",
    "start_ping",
    "status_of",
    "write_metrics",
]
