"""Samples for training: functions of seed, epoch and step, and of chains that go on."""

from __future__ import annotations

import torch

from paretofair.descriptors.learning import Learning, learn
from paretofair.descriptors.sampling import BankSamples, ChainSamples

ROWS = torch.randn(100, 4, generator=torch.Generator().manual_seed(0)) * 3 + 1
MODEL = learn(ROWS, Learning(filters=8, chains=64, filter_updates=2, weight_updates=10, bank=50))


def test_the_bank_is_drawn_without_repetition_and_by_seed_epoch_and_step():
    source = BankSamples(MODEL, 20)
    first = source.draw({}, 3, 1, 2)
    assert torch.equal(first, source.draw({}, 3, 1, 2))
    assert len(torch.unique(first, dim=0)) == 20
    for other in ((4, 1, 2), (3, 2, 2), (3, 1, 3)):
        assert not torch.equal(first, source.draw({}, *other))
    whole = MODEL.standard.restore(MODEL.bank)
    assert all((whole == row).all(1).any() for row in first)
    assert source.begin(0) == {}


def test_chains_walk_every_so_many_steps():
    source = ChainSamples(MODEL, 16, every=2, steps=3)
    state = source.begin(0)
    begun = state["chains"].clone()
    first = source.draw(state, 0, 0, 0)
    assert not torch.equal(state["chains"], begun)
    assert torch.equal(source.draw(state, 0, 0, 1), first), "no step between"
    assert not torch.equal(source.draw(state, 0, 0, 2), first)
    again = source.begin(0)
    assert torch.equal(again["chains"], begun)
    assert torch.equal(source.draw(again, 0, 0, 0), first)
    assert not torch.equal(source.begin(1)["chains"], begun)
