"""The data set `coco_gender`, real and simulated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from paretofair.data import load, split
from paretofair.data.coco.gender import COCO_GENDER
from paretofair.data.inputs.embeddings import Embeddings


def test_the_simulated_one_says_so():
    dataset = load("coco_gender", source="simulated")
    assert dataset.source == "simulated"
    assert len(dataset) == 9885
    assert dataset.is_test.mean() == pytest.approx(0.15, abs=0.001)
    assert dataset.tasks[-1] == "man"
    # Group 0 is man, and the task says so.
    assert ((dataset.groups["gender"] == 0) == (dataset.labels[:, -1] == 1)).all()
    assert split(dataset).inputs.shape == (512,)


@pytest.mark.real_data
def test_the_real_one(real_coco):
    folder = real_coco.parent
    dataset = COCO_GENDER.read(folder / COCO_GENDER.folder_name)
    assert len(dataset) == 359
    assert isinstance(dataset.inputs, Embeddings)
    assert dataset.is_test.sum() == 179
    labels = pd.read_csv(folder / COCO_GENDER.folder_name / "labels.csv")
    assert (labels["gender"] == "man").sum() == dataset.labels[:, -1].sum() == 270
    splits = split(dataset)
    assert splits.validation is not None
    assert (splits.train.labels.sum(0) > 0).all(), "every object has a training row"
    with np.load(folder / COCO_GENDER.folder_name / "efficientnet_lite0_embeddings.npz") as file:
        place = {key: number for number, key in enumerate(file["image_id"].tolist())}
        expected = file["embedding"][[place[key] for key in labels["image_id"]]]
    np.testing.assert_array_equal(dataset.inputs.read(np.arange(359)), expected)
