"""Encoder and decoder: the window is read, then the horizon is written step by step."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from forecast_cli.network.architecture import Architecture
from forecast_cli.network.cells import CELLS
from forecast_cli.network.modules.cells import TORCH_CELLS
from forecast_cli.network.modules.recurrent import Recurrent, State


class Seq2Seq(Recurrent):
    """The encoder of `Recurrent` and a decoder of the same layers (Sutskever et al. 2014).

    (B, lookback, inputs) -> (B, outputs, Q). The encoder's states start the decoder. Each of
    its steps reads the forecast of the step before (zero at first) and the future features of
    its own step. Bahdanau's attention looks before the step, with the previous state, and its
    context is read by the cell; Luong's looks after the step.
    """

    def __init__(self, architecture: Architecture, *, zero_head: bool) -> None:
        super().__init__(architecture, zero_head=zero_head)
        sizes = itertools.pairwise((architecture.decoder_inputs, *architecture.layer_widths))
        cell = TORCH_CELLS[architecture.cell].cell
        self.decoder = nn.ModuleList(cell(before, after) for before, after in sizes)

    def forward(
        self,
        x: Tensor,
        future_features: Tensor | None = None,
        static_features: Tensor | None = None,
        teacher: Tensor | None = None,
        forcing: float | Tensor = 0.0,
    ) -> Tensor:
        """Run the network; in training, the decoder is sometimes told the truth.

        - teacher: the true targets (B, outputs), which replace the forecast of the step before
        - forcing: with which probability; or where, (B, outputs) as 0 or 1, drawn before
        """
        a = self.architecture
        outputs, states = self.encode(x)
        looks_first = a.attention == "bahdanau"
        looks_after = a.attention in ("luong", "luong-dot")
        keys = self.attention.keys(outputs) if a.attention != "none" else outputs
        previous = x.new_zeros(len(x), 1)

        forecasts = []
        for step in range(a.outputs):
            inputs = [previous]
            if future_features is not None and a.known:
                inputs.append(future_features[:, step])
            seen = []
            if looks_first:
                seen = [self.attention(states[-1][0], outputs, keys)]
            states = self._step_layers(torch.cat([*inputs, *seen], dim=1), states)

            h = states[-1][0]
            if looks_after:
                seen = [self.attention(h, outputs, keys)]
            context = self.dropout(torch.cat([h, *seen], dim=1))
            if static_features is not None:
                context = torch.cat([context, static_features], dim=1)
            forecasts.append(self.apply_head(context))

            previous = forecasts[-1][:, a.point_index : a.point_index + 1]
            if teacher is not None and (isinstance(forcing, Tensor) or forcing > 0):
                truth = teacher[:, step : step + 1]
                previous = torch.where(_is_told(forcing, step, truth), truth, previous)
        return torch.stack(forecasts, dim=1)

    def _step_layers(self, x: Tensor, states: list[State]) -> list[State]:
        """One step of all layers of the decoder, each over the new state of the one before."""
        has_memory = CELLS[self.architecture.cell].has_memory
        new_states = []
        for number, (cell, (h, c)) in enumerate(zip(self.decoder, states, strict=True)):
            if number:
                x = self.dropout(x)
            if has_memory:
                h, c = cell(x, (h, c))
            else:
                h = cell(x, h)
            new_states.append((h, c))
            x = h
        return new_states


def _is_told(forcing: float | Tensor, step: int, truth: Tensor) -> Tensor:
    """Which windows are told the truth of a step: as they were drawn, or drawn now; (B, 1)."""
    if isinstance(forcing, Tensor):
        return forcing[:, step : step + 1] > 0
    return torch.rand(len(truth), 1, device=truth.device) < forcing
