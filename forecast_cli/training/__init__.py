"""fit(): windows in, trained weights out. With `network.modules`, the only torch.

What is named here is what other packages may use:

Work:       fit, TrainingData, FitOptions, Fold, Snapshot
Results:    Fitted, Weights
Schedules:  max_epochs
Devices:    choose_device, check_device
Sharing:    Share, ALONE, share_of_group
"""

from forecast_cli.training.devices import check_device, choose_device
from forecast_cli.training.loop import fit
from forecast_cli.training.records import (
    ALONE,
    FitOptions,
    Fitted,
    Fold,
    Share,
    Snapshot,
    TrainingData,
    Weights,
)
from forecast_cli.training.schedules import max_epochs
from forecast_cli.training.sharing import share_of_group

__all__ = [
    "ALONE",
    "FitOptions",
    "Fitted",
    "Fold",
    "Share",
    "Snapshot",
    "TrainingData",
    "Weights",
    "check_device",
    "choose_device",
    "fit",
    "max_epochs",
    "share_of_group",
]
