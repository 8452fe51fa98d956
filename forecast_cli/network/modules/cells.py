"""The torch classes of the cells: a layer reads a sequence, a cell takes a single step.

A cell that torch does not have needs one class, a subclass of `torch.nn.RNNCellBase` that takes
a step; `CellLayer` makes a layer of it. Its state is a tensor (B, U), or a pair of them, state
and memory, where `network.CELLS` says that it has a memory.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from forecast_cli import choices
from forecast_cli.network.architecture import DIRECTIONS


@dataclass(frozen=True)
class TorchCell:
    """How to make the modules of a cell.

    layer(inputs, units, bidirectional=...) reads (B, T, inputs), as `torch.nn.GRU` with
    `batch_first` does; cell(inputs, units) takes one step, as `torch.nn.GRUCell` does.
    """

    layer: Callable[..., nn.Module]
    cell: Callable[[int, int], nn.Module]


TORCH_CELLS: dict[choices.Cell, TorchCell] = {
    "lstm": TorchCell(functools.partial(nn.LSTM, batch_first=True), nn.LSTMCell),
    "gru": TorchCell(functools.partial(nn.GRU, batch_first=True), nn.GRUCell),
    "rnn": TorchCell(functools.partial(nn.RNN, batch_first=True), nn.RNNCell),
}


class CellLayer(nn.Module):
    """A layer made of any cell, with the results and the parameters of torch's own layers.

    It is for cells that torch has no layer for: `functools.partial(CellLayer, cell)`. It goes
    step by step, so it is slower than a layer of torch.
    """

    def __init__(
        self,
        cell: Callable[[int, int], nn.Module],
        inputs: int,
        units: int,
        *,
        bidirectional: bool = False,
    ) -> None:
        super().__init__()
        directions = DIRECTIONS if bidirectional else DIRECTIONS[:1]
        # The parameters belong to this module, under torch's names; cells in a list are not
        # modules of it.
        self.cells = [cell(inputs, units) for _ in directions]
        for one, direction in zip(self.cells, directions, strict=True):
            for name, parameter in one.named_parameters():
                self.register_parameter(name + direction, parameter)

    def forward(self, x: Tensor) -> tuple[Tensor, Any]:
        """(B, T, in) -> outputs (B, T, E), and the last state of every direction."""
        steps = x.unbind(dim=1)
        outputs, state = _read(self.cells[0], steps)
        results = [(outputs, state)]
        if len(self.cells) > 1:
            outputs, state = _read(self.cells[1], steps[::-1])
            results.append((outputs[::-1], state))

        joined = torch.cat([torch.stack(outputs, dim=1) for outputs, _ in results], dim=2)
        states = [state for _, state in results]
        if isinstance(states[0], tuple):
            return joined, tuple(torch.stack(parts) for parts in zip(*states, strict=True))
        return joined, torch.stack(states)


def _read(cell: nn.Module, steps: tuple[Tensor, ...]) -> tuple[list[Tensor], Any]:
    """The output of a cell at every step, from states of zero, and its last state."""
    outputs, state = [], None
    for step in steps:
        state = cell(step, state)
        outputs.append(state[0] if isinstance(state, tuple) else state)
    return outputs, state
