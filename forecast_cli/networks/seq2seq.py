"""Encoder and decoder: the window is read, then the horizon is written step by step (Sutskever et al. 2014)."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from forecast_cli.cells import Architecture
from forecast_cli.networks.recurrent import Recurrent

CELLS: dict[str, type[nn.LSTMCell] | type[nn.GRUCell] | type[nn.RNNCell]] = {
    "lstm": nn.LSTMCell, "gru": nn.GRUCell, "rnn": nn.RNNCell,
}  # fmt: skip


class Seq2Seq(Recurrent):
    """The encoder of `Recurrent`; its states start a decoder of the same layers, (B, lookback, inputs) -> (B, outputs, Q).

    Each step of the decoder takes the forecast of the step before (zero at first) and what is known of its own step.
    Bahdanau's attention looks before the step, with the former state, and feeds the cell; Luong's looks after it.
    """

    def __init__(self, architecture: Architecture, *, zero_head: bool) -> None:
        super().__init__(architecture, zero_head=zero_head)
        a = architecture
        first = 1 + 2 * a.known + (a.width if a.attention == "bahdanau" else 0)
        sizes = (first, *(units * a.directions for units in a.units))
        self.decoder = nn.ModuleList(CELLS[a.cell](before, after) for before, after in itertools.pairwise(sizes))

    def forward(
        self,
        x: Tensor,
        ahead: Tensor | None = None,
        static: Tensor | None = None,
        teacher: Tensor | None = None,
        forcing: float = 0.0,
    ) -> Tensor:
        """teacher: the true targets (B, outputs), which replace the forecast of the step before with chance `forcing`."""
        a = self.architecture
        outputs, states = self.encode(x)
        keys = self.attention.keys(outputs) if a.attention != "none" else outputs
        last, answers = x.new_zeros(len(x), 1), []
        for step in range(a.outputs):
            parts = [last] if ahead is None or not a.known else [last, ahead[:, step]]
            found = [self.attention(states[-1][0], outputs, keys)] if a.attention == "bahdanau" else []
            y = torch.cat([*parts, *found], dim=1)
            for number, cell in enumerate(self.decoder):
                h, c = states[number]
                state = cell(self.dropout(y) if number else y, (h, c) if a.cell == "lstm" else h)
                states[number] = state if isinstance(state, tuple) else (state, c)
                y = states[number][0]
            if a.attention not in ("none", "bahdanau"):
                found = [self.attention(y, outputs, keys)]
            context = self.dropout(torch.cat([y, *found], dim=1))
            answers.append(self.answer(context if static is None else torch.cat([context, static], dim=1)))
            last = answers[-1][:, a.middle : a.middle + 1]
            if teacher is not None and forcing > 0:
                told = torch.rand(len(x), 1, device=x.device) < forcing
                last = torch.where(told, teacher[:, step : step + 1], last)
        return torch.stack(answers, dim=1)
