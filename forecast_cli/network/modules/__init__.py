"""The networks that train, in torch. Only training imports this package."""

from forecast_cli.network.architecture import Architecture
from forecast_cli.network.modules.cells import TORCH_CELLS, CellLayer, TorchCell
from forecast_cli.network.modules.recurrent import Recurrent, weights_of
from forecast_cli.network.modules.seasonal import Seasonal
from forecast_cli.network.modules.seq2seq import Seq2Seq

NETWORKS: dict[str, type[Recurrent]] = {
    "direct": Recurrent,
    "recursive": Recurrent,
    "seq2seq": Seq2Seq,
}


def network_of(architecture: Architecture, *, zero_head: bool) -> Recurrent:
    """A network of this shape, with random weights."""
    kind = NETWORKS[architecture.decoder]
    if architecture.by_season is not None:
        kind = Seasonal
    return kind(architecture, zero_head=zero_head)


__all__ = [
    "NETWORKS",
    "TORCH_CELLS",
    "CellLayer",
    "Recurrent",
    "Seasonal",
    "Seq2Seq",
    "TorchCell",
    "network_of",
    "weights_of",
]
