"""Stacked recurrent networks with dropout, reading points or segments, answering all steps at once."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from forecast_cli.cells import MIXING, Architecture
from forecast_cli.networks.attention import Attention
from forecast_cli.panel import Floats

CELLS: dict[str, type[nn.LSTM] | type[nn.GRU] | type[nn.RNN]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
State = tuple[Tensor, Tensor]


class Recurrent(nn.Module):
    """[segments ->] cell -> dropout -> cell -> dropout -> ... -> head: (B, lookback, inputs) -> (B, outputs, Q).

    Attention, if any, looks back over the window with the last state. What is known of the steps ahead
    (B, outputs, 2 * known) and of the series (B, static) joins before the head.

    Segments: a linear layer and a ReLU embed `segment` steps into one input of the recurrence (Lin et al., SegRNN, 2023).
    `zero_head`: the last layer starts with zeros, so the network starts at the reference forecast.
    """

    def __init__(self, architecture: Architecture, *, zero_head: bool) -> None:
        super().__init__()
        a = self.architecture = architecture
        size = a.inputs
        if a.segment > 1:
            self.embedding = nn.Linear(size * a.segment, a.units[0])
            size = a.units[0]
        sizes = (size, *(units * a.directions for units in a.units))
        self.layers = nn.ModuleList(
            CELLS[a.cell](before, units, batch_first=True, bidirectional=a.bidirectional)
            for before, units in zip(sizes, a.units, strict=False)
        )
        self.dropout = nn.Dropout(a.dropout)
        if a.attention != "none":
            self.attention = Attention(a.attention, a.width)
        context = size = a.width * (1 if a.attention == "none" else 2) + a.static
        if a.head == "mlp":
            self.hidden = nn.Linear(size, a.units[-1])
            size = a.units[-1]
        self.head = nn.Linear(size, a.answers * (1 if a.decoder == "seq2seq" else a.outputs))
        last = [self.head]
        if a.known and a.decoder != "seq2seq":
            self.mixing = nn.Linear(context + 2 * a.known, MIXING)
            self.effect = nn.Linear(MIXING, 1)
            last.append(self.effect)
        for layer in last if zero_head else []:
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def encode(self, x: Tensor) -> tuple[Tensor, list[State]]:
        """Outputs of the last layer (B, T, E), and the final state and memory of every layer, (B, E_n) each."""
        if self.architecture.segment > 1:
            x = x.reshape(len(x), -1, self.architecture.segment * self.architecture.inputs)
            x = torch.relu(self.embedding(x))
        states = []
        for number, layer in enumerate(self.layers):
            x, state = layer(self.dropout(x) if number else x)
            h, c = state if isinstance(state, tuple) else (state, state)
            states.append((torch.cat(tuple(h), dim=1), torch.cat(tuple(c), dim=1)))
        return x, states

    def answer(self, context: Tensor) -> Tensor:
        """linear: W context + b; mlp: W relu(V relu(context) + a) + b."""
        if self.architecture.head == "mlp":
            context = torch.relu(self.hidden(torch.relu(context)))
        out: Tensor = self.head(context)
        return out

    def forward(
        self,
        x: Tensor,
        ahead: Tensor | None = None,
        static: Tensor | None = None,
        teacher: Tensor | None = None,
        forcing: float = 0.0,
    ) -> Tensor:
        """teacher and forcing are for the decoder of `Seq2Seq`; all steps at once have no former step to be told."""
        a = self.architecture
        outputs, states = self.encode(x)
        h = states[-1][0]
        if a.attention != "none":
            h = torch.cat([h, self.attention(h, outputs, self.attention.keys(outputs))], dim=1)
        context = self.dropout(h)
        if static is not None:
            context = torch.cat([context, static], dim=1)
        out = self.answer(context).reshape(len(x), a.outputs, a.answers)
        if ahead is None or not a.known:
            return out
        repeated = context[:, None, :].expand(-1, ahead.shape[1], -1)
        effect: Tensor = self.effect(torch.relu(self.mixing(torch.cat([repeated, ahead], dim=2))))
        return out + effect


def weights_of(network: nn.Module) -> dict[str, Floats]:
    """The weights as float32 arrays, by torch's names."""
    return {name: value.detach().float().cpu().numpy().copy() for name, value in network.state_dict().items()}
