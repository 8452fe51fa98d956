"""A stacked recurrent network with dropout that predicts all steps at once."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from forecast_cli.network.architecture import MIXING_UNITS, Architecture
from forecast_cli.network.modules.attention import Attention
from forecast_cli.network.modules.cells import TORCH_CELLS
from forecast_cli.panel import Floats

State = tuple[Tensor, Tensor]


class Recurrent(nn.Module):
    """[segments ->] cell -> dropout -> cell -> dropout -> ... -> head.

    (B, lookback, inputs) -> (B, outputs, Q). With attention, the last state looks back over the
    window once. Features of the steps ahead (B, outputs, 2 * known) and of the series
    (B, static) join before the head.

    Segments: a linear layer and a ReLU embed `segment` steps into one input of the recurrence
    (Lin et al., SegRNN, 2023).

    zero_head: the last layer starts with zeros, so that an untrained network predicts its
    reference forecast.

    skip: a linear map of the window's target is added to the forecast.
    """

    def __init__(self, architecture: Architecture, *, zero_head: bool) -> None:
        super().__init__()
        a = self.architecture = architecture

        # The order of the layers decides the random numbers that each begins with: add new ones
        # last.
        inputs = a.step_inputs
        if a.embeds:
            self.embedding = nn.Linear(inputs, a.units[0])
            inputs = a.units[0]
        layer = TORCH_CELLS[a.cell].layer
        self.layers = nn.ModuleList(
            layer(before, units, bidirectional=a.bidirectional)
            for before, units in zip((inputs, *a.layer_widths), a.units, strict=False)
        )
        self.dropout = nn.Dropout(a.dropout)
        if a.attention != "none":
            self.attention = Attention(a.attention, a.width)
        if a.head == "mlp":
            self.hidden = nn.Linear(a.context_width, a.units[-1])
        head_inputs = a.units[-1] if a.head == "mlp" else a.context_width
        self.head = nn.Linear(head_inputs, a.head_outputs)
        last_layers = [self.head]
        if a.known and a.decoder != "seq2seq":
            self.mixing = nn.Linear(a.context_width + 2 * a.known, MIXING_UNITS)
            self.effect = nn.Linear(MIXING_UNITS, 1)
            last_layers.append(self.effect)

        if a.skip == "linear":
            self.skip = nn.Linear(a.lookback, a.outputs)
            last_layers.append(self.skip)

        if zero_head:
            for last in last_layers:
                nn.init.zeros_(last.weight)
                nn.init.zeros_(last.bias)

    def encode(self, x: Tensor) -> tuple[Tensor, list[State]]:
        """Outputs of the last layer (B, T, E), and the last state and memory of every layer.

        For a cell without a memory, the state stands in its place.
        """
        a = self.architecture
        if a.segment > 1:
            x = x.reshape(len(x), -1, a.segment * a.inputs)
        if a.embeds:
            x = self.embedding(x)
            x = torch.relu(x) if a.embedding == "relu" else x

        states = []
        for number, layer in enumerate(self.layers):
            x, state = layer(self.dropout(x) if number else x)
            h, c = state if isinstance(state, tuple) else (state, state)
            states.append((torch.cat(tuple(h), dim=1), torch.cat(tuple(c), dim=1)))
        return x, states

    def apply_head(self, context: Tensor) -> Tensor:
        """linear: W context + b; mlp: W relu(V relu(context) + a) + b."""
        if self.architecture.head == "mlp":
            context = torch.relu(self.hidden(torch.relu(context)))
        outputs: Tensor = self.head(context)
        return outputs

    def forward(
        self,
        x: Tensor,
        future_features: Tensor | None = None,
        static_features: Tensor | None = None,
        teacher: Tensor | None = None,
        forcing: float | Tensor = 0.0,
    ) -> Tensor:
        """teacher and forcing are for the decoder of `Seq2Seq`, and not used here."""
        a = self.architecture
        outputs, states = self.encode(x)
        h = states[-1][0]
        if a.attention != "none":
            h = torch.cat([h, self.attention(h, outputs, self.attention.keys(outputs))], dim=1)
        context = self.dropout(h)
        if static_features is not None:
            context = torch.cat([context, static_features], dim=1)

        forecast = self.apply_head(context).reshape(len(x), a.outputs, a.outputs_per_step)
        if a.skip == "linear":
            forecast = forecast + self.skip(x[:, :, 0])[:, :, None]
        if future_features is None or not a.known:
            return forecast

        repeated = context[:, None, :].expand(-1, future_features.shape[1], -1)
        mixed = torch.relu(self.mixing(torch.cat([repeated, future_features], dim=2)))
        effect: Tensor = self.effect(mixed)
        return forecast + effect


def weights_of(network: nn.Module) -> dict[str, Floats]:
    """The weights as float32 arrays, by torch's names."""
    tensors = network.state_dict().items()
    return {name: tensor.detach().float().cpu().numpy().copy() for name, tensor in tensors}
