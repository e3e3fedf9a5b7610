"""Made rows of the schema of `coco_gender`: embeddings from which objects and gender are decoded with known strengths.

A row's gender is drawn first, then every object by its probability in that gender; rows without an object are drawn
again. An embedding is standard normal noise plus, for every label that is 1, a step along a direction of the label's
own. So the best decision that is possible can be computed, and with it how much it amplifies bias (`best_scores`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from paretofair.data.coco.table import OBJECTS, PUBLISHED_BIAS

ROWS, WIDTH = 9885, 512
MEN = 0.687  # of all rows, as published
# Shares of rows with each object, roughly those of images that are selected in this way.
_SHARES = dict(zip(OBJECTS, (0.10, 0.09, 0.16, 0.16, 0.19, 0.20, 0.05, 0.07, 0.05, 0.18, 0.027), strict=True))
_SEED = 2014


@dataclass(frozen=True)
class MadeRows:
    """`embeddings` `(rows, width)` float16, and `labels` `(rows, objects + 1)`: the objects in their order, then 1 for
    men."""

    embeddings: np.ndarray
    labels: np.ndarray


def simulate_rows(
    rows: int = ROWS, *, width: int = WIDTH, of_object: float = 2.0, of_gender: float = 1.0, seed: int = _SEED
) -> MadeRows:
    """Rows with these strengths: the length of the step of a label in standard deviations of the noise. A label of
    strength s alone is decoded with an area under the ROC curve of Φ(s / √2): .92 of 2, .76 of 1.

    Args:
        rows: How many.
        width: Of an embedding, at least the number of labels.
        of_object, of_gender: Strengths, 0 or greater.
        seed: Which rows; the same ones at every call.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    labels = np.empty((0, len(OBJECTS) + 1), dtype=np.int8)
    of_group = _object_shares()
    while len(labels) < rows:
        man = random.random(rows) < MEN
        objects = random.random((rows, len(OBJECTS))) < of_group[man.astype(int)]
        drawn = np.concatenate([objects, man[:, None]], 1).astype(np.int8)
        labels = np.concatenate([labels, drawn[objects.any(1)]])
    labels = labels[:rows]
    steps = np.array([of_object] * len(OBJECTS) + [of_gender])
    noise = random.standard_normal((rows, width), dtype=np.float32)
    made = noise + (labels * steps).astype(np.float32) @ _directions(width)
    return MadeRows(made.astype(np.float16), labels)


def best_scores(embeddings: np.ndarray, *, of_object: float = 2.0, of_gender: float = 1.0) -> np.ndarray:
    """The probability of every label of rows that were made with these strengths, `(rows, objects + 1)`: no predictor
    can do better, and this one amplifies bias too, since what it cannot see it takes from the gender it sees."""
    seen = embeddings.astype(np.float64) @ _directions(embeddings.shape[1]).T.astype(np.float64)
    likelihood = np.exp(of_object * seen[:, :-1] - of_object**2 / 2)  # of an object against none, (rows, objects)
    gender = np.exp(of_gender * seen[:, -1] - of_gender**2 / 2)
    joint, objects = [], []
    for group, share in ((0, 1 - MEN), (1, MEN)):
        with_object = _object_shares()[group] * likelihood
        without = 1 - _object_shares()[group]
        every = (with_object + without).prod(1)
        some = every - without.prod()  # rows without an object are not made
        weight = share * (gender if group else 1.0)
        joint.append(weight * some)
        objects.append((weight * every)[:, None] * with_object / (with_object + without))
    total = joint[0] + joint[1]
    return np.concatenate([(objects[0] + objects[1]) / total[:, None], (joint[1] / total)[:, None]], 1)


def _object_shares() -> np.ndarray:
    """The probability of each object in rows of women and of men, `(2, objects)`."""
    share, bias = (np.array([table[name] for name in OBJECTS]) for table in (_SHARES, PUBLISHED_BIAS))
    return np.stack([share * (1 - bias) / (1 - MEN), share * bias / MEN])


@cache
def _directions(width: int) -> np.ndarray:
    """Orthonormal directions of the labels, `(objects + 1, width)`."""
    random = np.random.Generator(np.random.PCG64(_SEED + 1))
    return np.linalg.qr(random.standard_normal((width, len(OBJECTS) + 1)))[0].T.astype(np.float32)
