"""Bias amplification of captions that two real captioners wrote: an ordinary one and one made to amplify less.

Their captions of val2014 (Burns, Hendricks et al., "Women also Snowboard", ECCV 2018) go through what human captions go
through: the gender and the objects that they name. Labels are the published gender and objects of the same images.

    PARETOFAIR_DATA=FOLDER python benchmarks/coco_captions.py

Writes benchmarks/results/coco_captions.csv.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from paretofair.data.coco.table import OBJECTS, object_columns, read_published
from paretofair.data.coco.words import GENDERS, tell_gender, tell_objects
from paretofair.metrics.rows import co_occurrence
from paretofair.metrics.rows.co_occurrence import JointRows, interval

RESULTS = Path(__file__).parent / "results" / "coco_captions.csv"
CAPTIONERS = {"ordinary": "baseline_ft", "debiased": "equalizer"}
MEASURES: dict[str, Callable[[JointRows], Any]] = {
    "away from one half": co_occurrence.bias_amplification,
    "towards men": co_occurrence.bias_amplification_towards,
    "absolute": co_occurrence.bias_amplification_absolute,
    "from objects to gender": co_occurrence.amplification_from_object,
    "from gender to objects": co_occurrence.amplification_from_group,
}


def read_captioner(folder: Path, name: str) -> pd.Series:
    """Its caption of every image, by image id."""
    table = pd.read_csv(folder / f"generated_captions_val2014_{name}.csv.gz", keep_default_na=False)
    return table.set_index("image_id")["caption"]


def measure(labels: pd.DataFrame, captions: pd.Series, objects: tuple[str, ...], *, named: bool) -> JointRows:
    """Labels and what captions say, as tasks: the objects, and whether there is a man. `named`: objects that the
    caption names; else those of the labels, so that the gender alone is the captioner's. Images whose caption names no
    gender, or both, are left out. The training labels are those of the other half of the images."""
    said = [tell_gender([captions[image]]) for image in labels["image_id"]]
    judged = (labels["split"] == "test").to_numpy() & np.array([gender in GENDERS for gender in said])
    truth = np.concatenate([labels[list(object_columns(labels))].to_numpy(np.int8), _is_man(labels["gender"])], 1).T
    decided = truth.copy()
    decided[-1] = [gender == "man" for gender in said]
    if named:
        told = [tell_objects([captions[image]], objects) for image in labels["image_id"]]
        decided[:-1] = np.array([[name in each for each in told] for name in objects])
    training = truth[:, (labels["split"] == "val").to_numpy()]
    return JointRows(truth[:, judged], decided[:, judged], len(objects), training)


def compare(folder: Path, objects: tuple[str, ...], resamples: int) -> pd.DataFrame:
    """One row for each captioner, choice of objects and measure, with its 95 % interval by resampled images."""
    labels = read_published(folder / "gender_objects_val2014.csv", objects, every=True)
    rows = []
    for words, name in CAPTIONERS.items():
        captions = read_captioner(folder, name)
        for named in (True, False):
            joint = measure(labels, captions, objects, named=named)
            for what, function in MEASURES.items():
                if not named and what == "from gender to objects":
                    continue  # objects are the labels': 0
                low, high = interval(joint, function, resamples=resamples)
                row = {"captioner": words, "objects": "named by the caption" if named else "of the labels"}
                row |= {"amplification": what, "value": np.nanmean(function(joint)), "low": low[-1], "high": high[-1]}
                rows.append(row | {"images": joint.labels.shape[1]})
    return pd.DataFrame(rows)


def _is_man(gender: pd.Series) -> np.ndarray:
    return (gender == "man").to_numpy(np.int8)[:, None]


def main() -> None:
    """Prints and writes the table."""
    command = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    command.add_argument("--all-objects", action="store_true", help="79 categories, not the 11 of the paper")
    command.add_argument("--resamples", type=int, default=1000)
    command.add_argument("--output", type=Path, default=RESULTS)
    given = command.parse_args()
    folder = Path(os.environ["PARETOFAIR_DATA"]) / "coco"
    names = pd.read_csv(folder / "object_names.csv")["object"]
    objects = tuple(sorted(names)) if given.all_objects else OBJECTS
    table = compare(folder, objects, given.resamples)
    print(table.round(4).to_string(index=False))
    table.to_csv(given.output, index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
