"""Models are learned once, kept, and found again."""

from __future__ import annotations

import logging

import pytest
import torch

from paretofair.descriptors import stored
from paretofair.descriptors.learning import Learning
from paretofair.descriptors.stored import find_descriptor, identify

HOW = Learning(filters=6, chains=32, filter_updates=2, weight_updates=6, bank=40, kernel=3)


def make_rows(*shape: int) -> torch.Tensor:
    return torch.randn(*(shape or (80, 5)), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", [(80, 5), (60, 1, 6, 6)])
def test_what_was_learned_once_is_read(tmp_path, monkeypatch, shape):
    rows = make_rows(*shape)
    first = find_descriptor(rows, HOW, tmp_path)
    monkeypatch.setattr(stored, "learn", lambda *_: pytest.fail("learned again"))
    again = find_descriptor(rows, HOW, tmp_path)
    assert torch.equal(first.bank, again.bank)
    assert torch.equal(first.energy.energy(first.chains), again.energy.energy(again.chains))
    assert torch.equal(first.standard.restore(first.bank), again.standard.restore(again.bank))
    assert again.step_size == HOW.step_size


def test_other_examples_or_settings_are_another_model():
    rows = make_rows()
    names = {identify(rows, HOW), identify(rows + 1, HOW), identify(rows, Learning(filters=7)), identify(rows[1:], HOW)}
    assert len(names) == 4
    assert identify(rows, HOW) in names


def test_a_damaged_file_is_learned_again(tmp_path):
    rows = make_rows()
    first = find_descriptor(rows, HOW, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:100])
    assert torch.equal(find_descriptor(rows, HOW, tmp_path).bank, first.bank)


def test_a_folder_that_cannot_be_written_is_told(tmp_path, caplog):
    (tmp_path / "file").write_text("no folder")
    with caplog.at_level(logging.WARNING, "paretofair"):
        find_descriptor(make_rows(), HOW, tmp_path / "file")
    assert "can't be kept" in caplog.text
