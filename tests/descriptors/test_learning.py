"""Learned models match what they were learned from, and say how well."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from paretofair.descriptors.diagnostics import diagnose
from paretofair.descriptors.learning import Learning, Standard, learn

SMALL = Learning(filters=24, chains=256, filter_updates=30, weight_updates=150, bank=300)


def make_rows(rows: int = 600, width: int = 8) -> torch.Tensor:
    """Two clouds, of 70 and 30 percent, in correlated directions."""
    random = np.random.default_rng(0)
    cloud = random.random(rows) < 0.3
    noise = random.normal(size=(rows, width)) @ random.normal(size=(width, width))
    return torch.tensor(5 + noise + 6 * cloud[:, None] * np.ones(width), dtype=torch.float32)


def test_mean_responses_match_those_of_examples():
    rows = make_rows()
    model = learn(rows, SMALL)
    found = diagnose(model, rows, rounds=60)
    assert found.mismatch < 0.02 + 2 * found.noise
    assert found.acceptance > 0.9
    samples = model.standard.restore(model.bank)
    assert samples.shape == (300, 8)
    # Not only what was matched: means and deviations of the numbers that a network reads.
    np.testing.assert_allclose(samples.mean(0), rows.mean(0), atol=float(rows.std(0).max()) / 5)
    np.testing.assert_allclose(samples.std(0), rows.std(0), rtol=0.25)


def test_the_same_bits_again_and_others_with_another_seed():
    rows = make_rows(200)
    one, again, other = (
        learn(rows, Learning(**(SMALL.__dict__ | {"weight_updates": 10, "seed": seed}))) for seed in (0, 0, 1)
    )
    assert torch.equal(one.bank, again.bank)
    assert not torch.equal(one.bank, other.bank)


def test_images_are_learned_by_convolutions():
    random = torch.Generator().manual_seed(0)
    images = torch.rand(300, 1, 8, 8, generator=random)
    images[:, :, 2:5, 2:5] += 2 * torch.rand(300, 1, 1, 1, generator=random)
    how = Learning(filters=6, kernel=3, stride=2, chains=128, filter_updates=10, weight_updates=150, bank=200)
    model = learn(images, how)
    assert model.bank.shape == (200, 1, 8, 8)
    found = diagnose(model, images, rounds=60)
    assert found.mismatch < 0.03 + 2 * found.noise
    assert len(found.of_examples) == 6 * 3 * 3


@pytest.mark.parametrize("whiten", [False, True])
def test_standardising_is_undone(whiten):
    rows = make_rows()
    standard = Standard.of(rows, whiten)
    standardised = standard.apply(rows)
    torch.testing.assert_close(standard.restore(standardised), rows, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(standardised.std(0, correction=0), torch.ones(8), rtol=1e-3, atol=1e-3)
    if whiten:
        torch.testing.assert_close(standardised.T @ standardised / len(rows), torch.eye(8), rtol=0, atol=1e-3)


def test_few_examples_leave_directions_out():
    few = torch.randn(20, 50, generator=torch.Generator().manual_seed(0))
    assert Standard.of(few, True).apply(few).shape == (20, 5)
    constant = torch.cat([make_rows(), torch.ones(600, 2)], 1)
    assert Standard.of(constant, True).apply(constant).shape == (600, 8)


def test_diagnostics_are_a_table():
    rows = make_rows(200)
    found = diagnose(learn(rows, replace(SMALL, weight_updates=5)), rows, rounds=30)
    table = {(str(row["what"]), row["place"]): row for row in found.rows() if row["place"] == row["place"]}
    known = {str(row["what"]): row["samples"] for row in found.rows()}
    assert (known["mismatch"], known["mismatch by chance"]) == (found.mismatch, found.noise)
    assert known["acceptance"] == found.acceptance
    assert table["response", 3]["examples"] == found.of_examples[3]
    assert table["energy", 0.5]["samples"] == np.median(found.energy_of_samples)
    assert found.mixing[0] > found.mixing[-1], "chains forget where they were"


@pytest.mark.real_data
@pytest.mark.slow
def test_real_embeddings_are_matched_within_one_percent():
    folder = os.environ.get("PARETOFAIR_DATA")
    if not folder:
        pytest.skip("PARETOFAIR_DATA is not set")
    file = np.load(Path(folder) / "coco_val2014_embed" / "efficientnet_lite0_embeddings.npz")
    rows = torch.tensor(file["embedding"].astype(np.float32))
    how = Learning(filter_updates=20, weight_updates=1000, chains=1024)
    found = diagnose(learn(rows, how), rows, rounds=400)
    assert found.mismatch < 0.01
    assert found.noise < 0.005
