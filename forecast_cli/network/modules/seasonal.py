"""The network that reads whole seasons, in torch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from forecast_cli.network.modules.recurrent import Recurrent
from forecast_cli.network.seasons import POINTS, Framed, frame, known_seasons, to_steps


class Seasonal(Recurrent):
    """Frame of seasons -> cell -> dropout -> cell -> dropout -> head, for each season ahead.

    (B, lookback, 1) -> (B, outputs, Q). The frame is made in numpy: nothing in it is learned.
    """

    def answer(self, framed: Framed) -> Tensor:
        """What the network says about windows that are framed already.

        (B, F, Q, P) in units of each window's spread.
        """
        weight = self.head.weight
        inputs, references, change = (
            torch.from_numpy(np.ascontiguousarray(values)).to(weight.device, weight.dtype)
            for values in (framed.inputs, framed.references, framed.change)
        )
        ahead, quantiles = references.shape[1], self.architecture.outputs_per_step
        outputs, _ = self.encode(inputs)
        outputs = self.apply_head(self.dropout(outputs[:, -ahead:]))

        shares = torch.softmax(outputs[..., POINTS * quantiles :], dim=-1)
        reference = torch.einsum("bfr,bfrp->bfp", shares, references)
        offsets = outputs[..., : POINTS * quantiles]
        offsets = offsets.reshape(*outputs.shape[:2], quantiles, POINTS)
        answers: Tensor = reference[:, :, None] + change[:, None, None, None] * offsets
        return answers

    def forward(
        self,
        x: Tensor,
        future_features: Tensor | None = None,
        static_features: Tensor | None = None,
        teacher: Tensor | None = None,
        forcing: float | Tensor = 0.0,
    ) -> Tensor:
        """The other arguments are those of other networks, and not used here."""
        a = self.architecture
        if a.by_season is None:
            raise ValueError("the architecture says nothing about seasons")
        history = x[:, :, 0].detach().cpu().numpy().reshape(len(x), -1, a.by_season.steps)
        read = int(known_seasons(history, a.by_season.read).max())
        framed = frame(history, read, a.seasons_ahead, a.by_season.cycle)
        answers = self.answer(framed)

        # What resampling does is linear: its matrix is what it does to each point alone.
        matrix = torch.from_numpy(to_steps(np.eye(POINTS, dtype=np.float32), a.by_season.steps))
        level, spread, detail = (
            torch.from_numpy(np.ascontiguousarray(values)).to(answers.device, answers.dtype)
            for values in (framed.level, framed.spread, framed.detail)
        )
        steps = answers @ matrix.to(answers.device, answers.dtype)
        steps = steps * spread[:, None, None, None] + level[:, None, None, None]
        steps = steps + detail[:, None, None]
        joined = steps.transpose(2, 3).reshape(len(x), -1, a.outputs_per_step)
        return joined[:, : a.outputs]
