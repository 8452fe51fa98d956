"""The base network: trained on synthetic series, shipped with the package, never trained on data.

What is named here is what other packages may use: architecture, LEVELS, load_weights.
"""

from forecast_cli.base.network import LEVELS, architecture
from forecast_cli.base.weights import load_weights

__all__ = ["LEVELS", "architecture", "load_weights"]
