"""Whether a run may extend the results that a folder already holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from paretofair.data import Splits
from paretofair.errors import RunError
from paretofair.search.identity import compare
from paretofair.search.packs import Pack
from paretofair.search.space import Space, load_space


def check_same(
    space: Space, methods: Sequence[str], splits: Splits, folder: Path, trials: pd.DataFrame, packs: Sequence[Pack]
) -> None:
    """Raises RunError where `trials`, the table of `folder`, was made from anything else than what would extend it.

    The space file of the last run tells what changed in words; the rows themselves tell for certain: by the ids of
    their space, data and split, and for points by their values. `packs` are those planned.
    """
    if not len(trials):
        return
    advice = f"Give another --output, or go back to what {folder} was made with."
    written = folder / "space.yaml"
    differences = compare(load_space(written), space) if written.exists() else []
    if differences:
        lines = "\n".join(f"  {line}" for line in differences)
        raise RunError(f"{folder} holds trials of a different space:\n{lines}\n{advice}")
    check_data(folder, trials, splits, advice)
    for method_space in (space.baselines, *(space.method(name) for name in methods)):
        own = trials[trials["method"] == method_space.method]
        for stage, ids in own.groupby("stage")["space_id"]:
            if (ids != method_space.space_id(str(stage))).any():
                raise RunError(
                    f"{folder} holds trials of {method_space.method} ({stage}) that were trained with other settings. "
                    f"{advice}"
                )
    _check_points(trials, packs, folder, advice)


def check_data(folder: Path, trials: pd.DataFrame, splits: Splits, advice: str) -> None:
    """Raises RunError where `trials`, the table of `folder`, was made from other data than `splits`."""
    for name, here in (("data_id", splits.data_id), ("split_id", splits.split_id)):
        if name in trials and (trials[name] != here).any():
            raise RunError(
                f"{folder} holds trials of other data ({name} {trials[name].iloc[0]}, {trials['source'].iloc[0]}) than "
                f"these ({here}, {splits.source}). {advice}"
            )


def _check_points(trials: pd.DataFrame, packs: Sequence[Pack], folder: Path, advice: str) -> None:
    points = trials[trials["stage"] == "points"].set_index("trial_id")
    for pack in (pack for pack in packs if pack.stage == "points"):
        for row, trial in enumerate(pack.trial_ids):
            changed = [
                f"{name} {points.at[trial, name]:g} -> {values[row]:g}"
                for name, values in pack.values.items()
                if trial in points.index and not np.isclose(points.at[trial, name], values[row], rtol=1e-12, atol=0)
            ]
            if changed:
                raise RunError(
                    f"{folder} holds another points[{pack.indices[row]}] of {pack.method}: {', '.join(changed)}. "
                    f"Points may only be added at the end of the list. {advice}"
                )
