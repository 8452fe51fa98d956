"""The networks that train, in torch. `NETWORKS` is the whole list."""

from forecast_cli.networks.recurrent import StackedLSTM, weights_of

NETWORKS = {"lstm": StackedLSTM}

__all__ = ["NETWORKS", "StackedLSTM", "weights_of"]
