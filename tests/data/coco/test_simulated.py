"""Made rows: their strengths, their bias, and what the best decisions make of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from paretofair.data.coco.simulated import MEN, best_scores, simulate_rows
from paretofair.data.coco.table import OBJECTS, PUBLISHED_BIAS


def test_rows_have_the_published_bias_and_at_least_one_object():
    made = simulate_rows(40000, width=16)
    objects, man = made.labels[:, :-1], made.labels[:, -1]
    assert objects.any(1).all()
    assert man.mean() == pytest.approx(MEN, abs=0.03)
    for place, name in enumerate(OBJECTS):
        own = man[objects[:, place] == 1]
        # That every row has an object moves the bias of each a little.
        assert own.mean() == pytest.approx(PUBLISHED_BIAS[name], abs=0.03)


def test_labels_are_decoded_with_the_given_strengths():
    made = simulate_rows(20000, width=32, of_object=0.0, of_gender=1.0)
    scores = best_scores(made.embeddings, of_object=0.0, of_gender=1.0)
    assert roc_auc_score(made.labels[:, -1], scores[:, -1]) == pytest.approx(norm.cdf(1 / 2**0.5), abs=0.01)


def test_best_scores_are_calibrated_probabilities():
    made = simulate_rows(60000, width=16)
    scores = best_scores(made.embeddings)
    for label, score in zip(made.labels.T, scores.T, strict=True):
        for low in np.arange(0.0, 1.0, 0.2):
            rows = (score >= low) & (score < low + 0.2)
            if rows.sum() > 500:
                assert label[rows].mean() == pytest.approx(score[rows].mean(), abs=4 * 0.5 / rows.sum() ** 0.5)


def test_the_same_rows_again_and_others_with_another_seed():
    one, again, other = (simulate_rows(50, width=16, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.embeddings, again.embeddings)
    assert not np.array_equal(one.labels, other.labels)
    assert one.embeddings.dtype == np.float16
