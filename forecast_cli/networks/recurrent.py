"""Stacked recurrent networks with dropout, reading points or segments, answering all steps at once."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from forecast_cli.cells import Architecture
from forecast_cli.panel import Floats


class StackedLSTM(nn.Module):
    """[segments ->] LSTM -> dropout -> LSTM -> dropout -> ... -> linear, on (B, lookback, inputs) -> (B, outputs).

    Segments: a linear layer and a ReLU embed `segment` steps into one input of the recurrence (Lin et al., SegRNN, 2023).
    `zero_head`: the last layer starts with zeros, so the network starts at the reference forecast.
    """

    def __init__(self, architecture: Architecture, *, zero_head: bool) -> None:
        super().__init__()
        self.architecture = architecture
        size = architecture.inputs
        if architecture.segment > 1:
            self.embedding = nn.Linear(size * architecture.segment, architecture.units[0])
            size = architecture.units[0]
        sizes = (size, *architecture.units)
        self.layers = nn.ModuleList(
            nn.LSTM(before, after, batch_first=True) for before, after in zip(sizes, architecture.units, strict=False)
        )
        self.dropout = nn.Dropout(architecture.dropout)
        self.head = nn.Linear(sizes[-1], architecture.outputs)
        if zero_head:
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        if self.architecture.segment > 1:
            x = x.reshape(len(x), -1, self.architecture.segment * self.architecture.inputs)
            x = torch.relu(self.embedding(x))
        for layer in self.layers[:-1]:
            x = self.dropout(layer(x)[0])
        x = self.layers[-1](x)[0][:, -1]
        out: Tensor = self.head(self.dropout(x))
        return out


def weights_of(network: nn.Module) -> dict[str, Floats]:
    """The weights as float32 arrays, by torch's names."""
    return {name: value.detach().float().cpu().numpy().copy() for name, value in network.state_dict().items()}
