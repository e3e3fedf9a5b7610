"""Groups of several attributes at once."""

from dataclasses import replace

import numpy as np

from paretofair.data.dataset import Dataset
from paretofair.data.reading.tables import suggest_known
from paretofair.errors import DataError
from paretofair.naming import JOINT

_MOST_GROUPS = np.iinfo(np.int8).max


def with_intersection(dataset: Dataset, attribute: str) -> Dataset:
    """Add the product of attributes as one more attribute.

    Args:
        dataset: A data set that has the attributes.
        attribute: Their names joined by `_x_`, such as `sex_x_race`.

    Returns:
        The data set with `attribute` behind the others. Its groups are named `Female x White` and so on, ordered by the
        first attribute, then the next; those without a row are left out. A row is in none (-1) where any of its
        attributes is unknown. A data set that has the attribute already is returned as it is.

    Raises:
        DataError: Fewer than two attributes, one that the data set lacks or that is named twice, no two groups with
            rows, or more than 127.
    """
    if attribute in dataset.groups:
        return dataset
    parts = attribute.split(JOINT)
    for part in parts:
        if part not in dataset.groups:
            raise DataError(
                f"data set {dataset.name!r} has no attribute {part!r} for the intersection {attribute!r}; "
                f"{suggest_known(part, list(dataset.groups))}"
            )
    if len(set(parts)) < max(len(parts), 2):
        raise DataError(f"intersection {attribute!r}: expected two or more different attributes, joined by {JOINT!r}")
    members = np.stack([dataset.groups[part] for part in parts], axis=1)
    known = (members >= 0).all(axis=1)
    cells, index = np.unique(members[known], axis=0, return_inverse=True)
    if not 2 <= len(cells) <= _MOST_GROUPS:
        raise DataError(
            f"data set {dataset.name!r}: intersection {attribute!r} has {len(cells)} groups with rows; accepted: 2 to "
            f"{_MOST_GROUPS}"
        )
    product = np.full(len(members), -1, dtype=np.int8)
    product[known] = index.reshape(-1)
    names = tuple(
        " x ".join(dataset.group_names[part][member] for part, member in zip(parts, cell, strict=True))
        for cell in cells
    )
    return replace(
        dataset,
        groups=dataset.groups | {attribute: product},
        group_names=dataset.group_names | {attribute: names},
    )
