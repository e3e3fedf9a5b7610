"""The sets of texts: what was published of them, and that nothing tells the attribute."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from paretofair.data import DATASETS, Dataset
from paretofair.data.inputs.joined import Joined
from paretofair.data.inputs.text.texts import Texts
from paretofair.data.sets.text.texts_simulated import simulate_texts


@pytest.fixture(scope="module")
def real(real_folder: Callable[[str], Path]) -> Callable[[str], Dataset]:
    return cache(lambda name: DATASETS[name].read(real_folder(name)))


@pytest.mark.real_data
def test_reports(real):
    data = real("nlm_reports")
    assert len(data) == 3955
    sex, labels = data.groups["sex"], dict(zip(data.tasks, data.labels.T, strict=True))
    assert [int((sex == group).sum()) for group in (-1, 0, 1)] == [2794, 684, 477]
    assert int(labels["normal"].sum()) == 1391
    assert {task: int(labels[task].sum()) for task in data.tasks[1:]} == {
        "cardiomegaly": 375,
        "opacity": 455,
        "atelectasis": 332,
    }
    assert [int(labels["cardiomegaly"][sex == group].sum()) for group in (0, 1)] == [87, 44]
    # The indication tells the sex; what is read tells it in a handful of reports.
    told = sum(any(word in text.lower().split() for word in ("male", "female", "man", "woman")) for text in every(data))
    assert told < 10


@pytest.mark.real_data
def test_tweets(real):
    data = real("hate_english")
    rates = {task: labels[labels >= 0].mean() for task, labels in zip(data.tasks, data.labels.T, strict=True)}
    assert rates == pytest.approx({"related_hate": 0.234, "target_hate": 0.725}, abs=0.001)
    assert data.origin_names == ("related", "target")
    assert [int((data.origins == origin).sum()) for origin in (0, 1)] == [12_681, 12_682]
    assert isinstance(data.inputs, Texts)
    control = real("hate_english_spanish")
    assert isinstance(control.inputs, Joined)
    assert [len(part) for part in control.inputs.parts] == [4_926, 12_682]


def every(data: Dataset) -> list[str]:
    assert isinstance(data.inputs, Texts)
    return list(data.inputs.packed.take(np.arange(len(data))))


def test_made_up_texts_go_with_labels_and_groups():
    made = simulate_texts(3000, {"ill": 0.3}, group_shares=(0.6, 0.4), known=0.5, length=20, seed=1)
    again = simulate_texts(3000, {"ill": 0.3}, group_shares=(0.6, 0.4), known=0.5, length=20, seed=1)
    assert made.texts == again.texts
    assert made.labels["ill"].mean() == pytest.approx(0.3, abs=0.03)
    assert (made.groups >= 0).mean() == pytest.approx(0.5, abs=0.03)
    assert (made.groups[made.groups >= 0] == 0).mean() == pytest.approx(0.6, abs=0.04)
    counted = [set(text.split()) for text in made.texts]
    seen = {word: np.array([word in own for own in counted]) for word in map(str, range(50, 86))}
    for marks in (made.labels["ill"] == 1, made.groups == 0):
        apart = [column[marks].mean() - column[~marks].mean() for column in seen.values()]
        assert max(apart) > 0.05
