"""A known data set as a pandas frame, to begin with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from paretofair.data import Columns, load
from paretofair.errors import DataError


def load_frame(name: str, *, source: str = "auto", data_dir: str | Path | None = None) -> pd.DataFrame:
    """The inputs, labels and groups of a known data set, one row for each of its rows.

    Labels are 0 and 1, of several classes their words, missing where unknown; groups are words. A column that is both
    an input and a group or label stands there once. `frame.attrs["source"]` is `real` or `simulated`.

    Args:
        name: As in `adult`, `german`, `compas`, `lsac`.
        source: `real`, `simulated`, or `auto`: real where they can be had.
        data_dir: Where real data are looked for first.

    Raises:
        DataError: no such data set, or one that has no columns.
    """
    data = load(name, source=source, data_dir=data_dir)
    if not isinstance(data.inputs, Columns):
        raise DataError(f"the inputs of {name} are no columns")
    inputs = data.inputs
    columns = {name: inputs.numeric[:, place] for place, name in enumerate(inputs.numeric_names)}
    columns |= {name: inputs.categorical[:, place] for place, name in enumerate(inputs.categorical_names)}
    for attribute, codes in data.groups.items():
        words = np.array([*data.group_names[attribute], None], dtype=object)
        columns[attribute] = words[codes]
    for place, (task, kind) in enumerate(zip(data.tasks, data.kinds, strict=True)):
        labels = data.labels[:, place]
        words = np.array([*((0, 1) if kind.is_binary else kind.classes), None], dtype=object)
        columns[task] = labels.astype(int) if kind.is_binary and (labels >= 0).all() else words[labels]
    frame = pd.DataFrame(columns)
    frame.attrs["source"] = data.source
    return frame
