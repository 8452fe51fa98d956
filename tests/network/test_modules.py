from __future__ import annotations

import copy
import typing

import pytest
import torch

from forecast_cli import choices
from forecast_cli.network import Architecture
from forecast_cli.network.modules import NETWORKS, TORCH_CELLS, CellLayer, TorchCell


def test_every_cell_and_decoder_that_can_be_chosen_has_torch_classes() -> None:
    assert list(TORCH_CELLS) == list(typing.get_args(choices.Cell))
    assert set(NETWORKS) == set(typing.get_args(choices.Decoder))


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", TORCH_CELLS.values(), ids=list(TORCH_CELLS))
def test_a_layer_made_of_a_cell_is_the_layer_that_torch_has(
    kind: TorchCell, bidirectional: bool
) -> None:
    torch.manual_seed(1)
    theirs = kind.layer(3, 5, bidirectional=bidirectional)
    ours = copy.deepcopy(CellLayer(kind.cell, 3, 5, bidirectional=bidirectional))
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 7, 3)
    torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.parametrize("decoder", ["direct", "seq2seq"])
def test_dropout_is_at_work_while_training_alone(decoder: choices.Decoder) -> None:
    shape = Architecture(8, 1, 1, (6, 6), 0.5, 3, decoder=decoder)
    torch.manual_seed(1)
    network, x = NETWORKS[decoder](shape, zero_head=False), torch.randn(2, 8, 1)
    assert not torch.equal(network.train()(x), network(x))
    assert torch.equal(network.eval()(x), network(x))


def test_a_decoder_that_is_forced_reads_the_true_values() -> None:
    """With forcing 1 each step depends on the target of the step before it, and never on the forecast of it."""
    shape = Architecture(8, 1, 1, (6,), 0.0, 3, decoder="seq2seq")
    torch.manual_seed(1)
    network, x = NETWORKS["seq2seq"](shape, zero_head=False), torch.randn(2, 8, 1)
    alone = network(x)
    told = network(x, teacher=torch.full((2, 3), 5.0), forcing=1.0)
    assert torch.equal(told[:, 0], alone[:, 0])
    assert not torch.equal(told[:, 1], alone[:, 1])
    agreeing = network(x, teacher=alone[:, :, 0].detach(), forcing=1.0)
    assert torch.equal(agreeing, alone)
    never_told = network(x, teacher=torch.full((2, 3), 5.0), forcing=0.0)
    assert torch.equal(never_told, alone)
