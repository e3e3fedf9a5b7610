"""Whether a run may extend the results that a folder already holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from paretofair.data.splits import SplitsBySeed
from paretofair.errors import RunError
from paretofair.results.files import SPACE, space_file
from paretofair.runs.packs import Pack
from paretofair.runs.stages import STAGE_OF, Context, spaces_of
from paretofair.sections import Section
from paretofair.space.identity import compare
from paretofair.space.method_space import MethodSpace
from paretofair.space.numbering import decode_seed
from paretofair.space.space import load_space

_ADVICE = "Give another --output, or go back to what {folder} was made with."


def check_same(context: Context, folder: Path, trials: pd.DataFrame) -> None:
    """Raises RunError where `trials`, the table of `folder`, was made from anything else than what would extend it.

    The space file of the last run tells what changed in words; the rows themselves tell for certain: by the ids of
    their space, data and split, and for points by their values.
    """
    if not len(trials):
        return
    space, advice = context.space, _ADVICE.format(folder=folder)
    written = folder / SPACE
    old = load_space(space_file(folder)) if written.exists() else space
    differences = compare(old, space)
    begun = set(trials["stage"])
    if "sweep" in begun:
        differences += _compare_tuning("stages.tune", ("settings", "seeds"), old.stages.tune, space.stages.tune)
    if begun & {"tune_baselines", "baselines"}:
        tuning = old.stages.baselines.tune, space.stages.baselines.tune
        differences += _compare_tuning("stages.baselines.tune", ("settings", "runs"), *tuning)
    if differences:
        lines = "\n".join(f"  {line}" for line in differences)
        raise RunError(f"{folder} holds trials of a different space:\n{lines}\n{advice}")
    check_data(folder, trials, context.splits, advice)
    # What will be chosen before a stage is not known yet: it is checked when it is.
    chosen_for = {"sweep": space.stages.tune, "baselines": space.stages.baselines.tune}
    stages = [name for name in STAGE_OF if chosen_for.get(name) is None]
    check_spaces(folder, trials, spaces_of(context), stages)
    _check_points(trials, STAGE_OF["points"].packs(context), folder, advice)


def _compare_tuning(path: str, keys: Sequence[str], before: Section | None, now: Section | None) -> list[str]:
    """A line for each key of how settings are compared that has changed, where they are compared before and now."""
    if before is None or now is None:
        return []
    pairs = {key: (getattr(before, key), getattr(now, key)) for key in keys}
    return [
        f"{path}.{key}: {one} -> {other} (later stages rest on what was chosen)"
        for key, (one, other) in pairs.items()
        if one != other
    ]


def check_spaces(
    folder: Path, trials: pd.DataFrame, spaces: Mapping[tuple[str, str], MethodSpace], stages: Sequence[str]
) -> None:
    """Raises RunError where `trials`, the table of `folder`, were made under other spaces than these, by stage and
    method."""
    for (stage, method), own in trials[trials["stage"].isin(stages)].groupby(["stage", "method"]):
        space = spaces.get((str(stage), str(method)))
        if space is not None and (own["space_id"] != space.space_id(str(stage))).any():
            raise RunError(
                f"{folder} holds trials of {method} ({stage}) that were trained with other settings. "
                f"{_ADVICE.format(folder=folder)}"
            )


def check_data(folder: Path, trials: pd.DataFrame, splits: SplitsBySeed, advice: str) -> None:
    """Raises RunError where a row of `trials`, the table of `folder`, was made from other data than its seed's split.

    The seeds of rows need not be among those of this run.
    """
    if not len(trials):
        return
    data = splits.dataset
    for row in trials[["stage", "seed", "data_id", "split_id", "source"]].drop_duplicates().itertuples():
        seed, _ = decode_seed(row.stage, row.seed)
        split_id = splits.id_of(seed)
        for name, there, here in (("data_id", row.data_id, data.data_id), ("split_id", row.split_id, split_id)):
            if there != here:
                raise RunError(
                    f"{folder} holds trials of other data ({name} {there}, {row.source}) than these ({here}, "
                    f"{data.source}). {advice}"
                )


def _check_points(trials: pd.DataFrame, packs: Sequence[Pack], folder: Path, advice: str) -> None:
    points = trials[trials["stage"] == "points"].set_index("trial_id")
    for pack in packs:
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
