"""The torch classes of the cells: one that reads a sequence, and one that takes a single step.

A class that is not torch's own must have the same arguments, results and names of parameters as `torch.nn.GRU` and
`torch.nn.GRUCell`, or as `torch.nn.LSTM` and `torch.nn.LSTMCell` where the cell has a memory.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from forecast_cli import choices


@dataclass(frozen=True)
class TorchCell:
    """layer: reads (B, T, in) from its start to its end; cell: takes one step from (B, in) and the state before it."""

    layer: type[nn.Module]
    cell: type[nn.Module]


TORCH_CELLS: dict[choices.Cell, TorchCell] = {
    "lstm": TorchCell(nn.LSTM, nn.LSTMCell),
    "gru": TorchCell(nn.GRU, nn.GRUCell),
    "rnn": TorchCell(nn.RNN, nn.RNNCell),
}
