"""The network: its shape, its cells and losses, and numpy equations that run a saved one.

Nothing here imports torch. The modules that train are in `forecast_cli.network.modules`, which
only training imports.
"""

from forecast_cli.network.architecture import (
    Architecture,
    Weights,
    count_operations,
    count_parameters,
    describe,
    tensor_shapes,
)
from forecast_cli.network.cells import CELLS, CellKind
from forecast_cli.network.inference import Dropout, attention_weights, forward, layer_trace
from forecast_cli.network.losses import LOSSES, LossFunction, LossKind, loss_function
from forecast_cli.network.seasons import Seasons, without_outliers

__all__ = [
    "CELLS",
    "LOSSES",
    "Architecture",
    "CellKind",
    "Dropout",
    "LossFunction",
    "LossKind",
    "Seasons",
    "Weights",
    "attention_weights",
    "count_operations",
    "count_parameters",
    "describe",
    "forward",
    "layer_trace",
    "loss_function",
    "tensor_shapes",
    "without_outliers",
]
