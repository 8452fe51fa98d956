"""Attention over the window in torch: Bahdanau's (2015) and Luong's (2015)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from forecast_cli import choices


class Attention(nn.Module):
    """The sum of the encoder's outputs enc_s, weighted by softmax(e_s) for a query h.

    bahdanau     e_s = v . tanh(W [h, enc_s])
    luong        e_s = h . W enc_s
    luong-dot    e_s = h . enc_s
    """

    def __init__(self, kind: choices.Attention, width: int) -> None:
        super().__init__()
        self.kind, self.width = kind, width
        bound = 1 / math.sqrt(width)
        if kind != "luong-dot":
            columns = 2 * width if kind == "bahdanau" else width
            self.weight = nn.Parameter(torch.empty(width, columns))
            nn.init.uniform_(self.weight, -bound, bound)
        if kind == "bahdanau":
            self.score = nn.Parameter(torch.empty(width))
            nn.init.uniform_(self.score, -bound, bound)

    def keys(self, outputs: Tensor) -> Tensor:
        """The part of the scores that no query changes: (B, T, E) -> (B, T, E)."""
        if self.kind == "bahdanau":
            return outputs @ self.weight[:, self.width :].T
        if self.kind == "luong":
            return outputs @ self.weight.T
        return outputs

    def forward(self, query: Tensor, outputs: Tensor, keys: Tensor) -> Tensor:
        """The context (B, E) of a query (B, E)."""
        if self.kind == "bahdanau":
            projected = query @ self.weight[:, : self.width].T
            scores = torch.tanh(projected[:, None] + keys) @ self.score
        else:
            scores = (keys @ query[:, :, None])[:, :, 0]
        context: Tensor = (torch.softmax(scores, dim=1)[:, None] @ outputs)[:, 0]
        return context
