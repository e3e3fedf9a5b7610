"""Hiding the groups of training rows, to study how few of them a method needs."""

from dataclasses import replace

import numpy as np

from paretofair.data.dataset import Digest
from paretofair.data.splits import Splits
from paretofair.data.tables import nearest
from paretofair.errors import DataError


def hide_groups(splits: Splits, attribute: str, known_share: float, seed: int) -> Splits:
    """Hide the group of an attribute in randomly chosen training rows; validation and test rows keep theirs.

    It acts on `Splits` because only there it is decided which rows are training rows.

    Args:
        splits: The split data set.
        attribute: Whose groups are hidden.
        known_share: Share of the rows with a known group that keep it, 0 to 1, to the nearest row.
        seed: Which rows. Those that keep their group at a share keep it at every greater one.

    Returns:
        The splits with -1 for hidden groups, and another `split_id` unless nothing is hidden.

    Raises:
        DataError: An unknown attribute; a share or seed out of range.
    """
    if attribute not in splits.attributes:
        raise DataError(
            f"data set {splits.name!r} has no attribute {attribute!r}; {nearest(attribute, splits.attributes)}"
        )
    if not 0 <= known_share <= 1:
        raise DataError(f"share of known groups is {known_share}; accepted: 0 to 1")
    if seed < 0:
        raise DataError(f"seed of hidden groups is {seed}; accepted: integers from 0")
    if known_share == 1:
        return splits
    column = splits.attributes.index(attribute)
    groups = splits.train.groups.copy()
    known = np.flatnonzero(groups[:, column] >= 0)
    # Raw output, as for validation rows: the same ones with every version of NumPy.
    order = np.argsort(np.random.PCG64((seed, column)).random_raw(len(known)), kind="stable")
    groups[known[order[int(np.floor(known_share * len(known) + 0.5)) :]], column] = -1
    digest = Digest()
    digest.add("hidden groups", splits.split_id, attribute, repr(float(known_share)), str(int(seed)))
    return replace(splits, train=replace(splits.train, groups=groups), split_id=digest.hexadecimal())
