"""The networks that train, in torch. `NETWORKS` is the whole list, by the name of their decoder."""

from forecast_cli.networks.recurrent import Recurrent, weights_of
from forecast_cli.networks.seq2seq import Seq2Seq

NETWORKS: dict[str, type[Recurrent]] = {"direct": Recurrent, "recursive": Recurrent, "seq2seq": Seq2Seq}

__all__ = ["NETWORKS", "Recurrent", "Seq2Seq", "weights_of"]
