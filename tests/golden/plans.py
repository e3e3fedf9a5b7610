"""What the space files plan: identities of spaces, names of packs, ids and seeds of trials, first hyperparameters."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from paretofair.runs.run import RunOptions, load_splits
from paretofair.runs.stages import Context, packs_ahead
from paretofair.runs.stages.confirm import confirm_packs
from paretofair.space.space import load_space

SPACES = Path(__file__).parent.parent.parent / "search_spaces"
IDENTITIES = Path(__file__).parent / "identities.json"
SMALL = Path(__file__).parent / "small.yaml"
VARIANTS: dict[str, tuple[str, ...]] = {
    "small": (),
    "small, a split of each seed": ("data.test_seed=each",),
    "small, one other split": ("data.test_seed=3",),
    "small under the published protocol": ("protocol=paper",),
    "small by sobol": ("stages.sweep.sampler=sobol",),
    "small by grid": ("stages.sweep.sampler=grid",),
    "small by tpe": ("stages.sweep.sampler=tpe",),
    "small, halved": ("stages.sweep.successive_halving={bracket: 4, eta: 2, rungs: [1, 2]}",),
    "small, tuned": ("stages.tune={parameters: [learning_rate], settings: 3, trials: 2, seeds: [7]}",),
    "small, tuned on splits of its own": (
        "data.test_seed=each",
        "stages.tune={parameters: [learning_rate], settings: 3, trials: 2, seeds: [7]}",
    ),
    "small, with options": (
        "methods.oversample={balance_task: credit}",
        "methods.mmd={class: mtaf, fairness: {distance: mmd, goal: odds}, penalty_split: holdout}",
        "methods.fixed={class: vanilla, threshold: {fixed: 0.4}, training: {reduction: mean}}",
        "training={optimizer: adam, batch_size: 100}",
    ),
}


def space_identities(name: str) -> dict[str, Any]:
    """By stage and method the `space_id`; for the small spaces also every pack that follows from the file alone."""
    if name not in VARIANTS:
        return _ids(load_space(SPACES / f"{name}.yaml"))
    space = load_space(SMALL, VARIANTS[name])
    packs = packs_ahead(Context(space, list(space.methods), load_splits(space, RunOptions(Path(), []))))
    packs += [pack for method in space.methods for pack in confirm_packs(space.method(method), _points(packs), 2, 4)]
    return {"spaces": _ids(space), "packs": {pack.name: _pack(pack) for pack in packs}}


def _ids(space: Any) -> dict[str, str]:
    spaces = {"single_task": space.baselines, **{name: space.method(name) for name in space.methods}}
    stages = ("baselines", "points", "tune", "sweep", "confirm")
    return {f"{stage} {name}": each.space_id(stage) for name, each in spaces.items() for stage in stages}


def _pack(pack: Any) -> dict[str, Any]:
    values = sorted(pack.values.items())
    return {
        "trials": _digest(pack.trial_ids),
        "split": pack.split_id,
        "seeds": np.asarray(pack.seeds).tolist(),
        "indices": np.asarray(pack.indices).tolist(),
        "training_seeds": np.asarray(pack.training_seeds).tolist(),
        "values": _digest([[name, each.dtype.str, each.tolist()] for name, each in values]),
        "confirms": None if pack.confirms is None else _digest(list(pack.confirms)),
    }


def _points(packs: list[Any]) -> pd.DataFrame:
    """A frontier to confirm: the first two trials of each searched pack of `mtaf`."""
    rows = [
        {"trial_id": pack.trial_ids[row], "stage": pack.stage, "seed": pack.seeds[row], "index": pack.indices[row]}
        | {"split_id": pack.split_id, **{name: values[row] for name, values in pack.values.items()}}
        for pack in packs
        if pack.stage in ("points", "sweep") and pack.method == "mtaf"
        for row in range(min(2, len(pack)))
    ]
    return pd.DataFrame(rows)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def main() -> None:
    """Writes the identities anew."""
    names = [*(path.stem for path in sorted(SPACES.glob("*.yaml"))), *VARIANTS]
    written = {name: space_identities(name) for name in names}
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(row)}" for name, row in written.items())
    IDENTITIES.write_text(f"{{\n{lines}\n}}\n")


if __name__ == "__main__":
    main()
