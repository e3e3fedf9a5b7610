"""Chest X-ray reports of Indiana University: four findings, and the sex of 1,161 of 3,955 patients.

Source: D. Demner-Fushman and others, "Preparing a collection of radiology examinations for distribution and retrieval",
JAMIA 2016 (Open-i). CC BY-NC-ND 4.0: the texts are read where they are and never passed on. The input is the text of
findings and impression. The indication is never read: it tells the sex, which is where the sex was read from. Labels
are headings that the reports were indexed with, `Cardiomegaly` say, whatever its qualifiers; `normal` is the whole of
them. Few rows of known sex have a finding (131 cardiomegaly), so that gaps of one split are luck: draw test rows
anew for each seed (`test_seed: each`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from paretofair.data.assemble import assemble
from paretofair.data.dataset import Dataset, group_indices
from paretofair.data.inputs.text.encoders import TextEncoder
from paretofair.data.inputs.text.texts import Texts
from paretofair.data.reading.tables import read_table
from paretofair.data.sets.text.texts_simulated import simulate_texts
from paretofair.data.source import DataFile, DatasetSource, FileForm

TEXTS = ("findings", "impression")
_HEADINGS = {"cardiomegaly": "Cardiomegaly", "opacity": "Opacity", "atelectasis": "Pulmonary Atelectasis"}
_TASKS = ("normal", *_HEADINGS)
_SEXES = {"F": "Female", "M": "Male"}
_ENCODER = TextEncoder(options='{"sublinear_tf": true}')
_ROWS, _RATES = 3955, {"normal": 0.35, "cardiomegaly": 0.095, "opacity": 0.115, "atelectasis": 0.084}
_FILE = DataFile("reports.csv.gz", (FileForm("43c634f8cb7bbd0cf7754d6758997623981557f6bcd931efa330bb7e225ada50"),))


def read_nlm_reports(directory: Path) -> Dataset:
    """Read the file from `directory`. Raises DataError for a missing file or another checksum."""
    path = Path(directory) / _FILE.name
    form = _FILE.form_of(path)
    reports = read_table(path, text=("sex", *TEXTS, "mesh_major"))
    headings = [{each.split("/")[0].strip() for each in cell.split("|")} for cell in reports["mesh_major"]]
    labels = {task: np.array([heading in own for own in headings]) for task, heading in _HEADINGS.items()}
    normal = (reports["mesh_major"] == "normal").to_numpy()
    sexes = reports["sex"].map(_SEXES).fillna("")
    texts = {name: reports[name].tolist() for name in TEXTS}
    return _dataset(texts, {"normal": normal, **labels}, sexes, "real", {_FILE.name: form.sha256})


def make_simulated_reports() -> Dataset:
    """Made-up words in place of reports, of the same size and schema (see `texts_simulated`)."""
    made = simulate_texts(_ROWS, _RATES, group_shares=(0.59, 0.41), known=0.29, length=40, seed=3955)
    sexes = pd.Series(np.array(["Female", "Male", ""])[made.groups])
    return _dataset({"findings": made.texts}, made.labels, sexes, "simulated", {})


def _dataset(
    texts: dict[str, list[str]], labels: dict[str, np.ndarray], sexes: pd.Series, source: str, checksums: dict[str, str]
) -> Dataset:
    inputs = Texts.of(texts, _ENCODER)
    data = assemble(
        NLM_REPORTS.name,
        source,
        labels={task: labels[task].astype(np.int8) for task in _TASKS},
        numeric={},
        categorical={},
        inputs=inputs,
        groups={"sex": group_indices(sexes, NLM_REPORTS.group_names["sex"])},
        group_names=NLM_REPORTS.group_names,
        test=0.3,
        checksums=checksums,
    )
    return replace(data, notes=inputs.describe_oddities())


NLM_REPORTS = DatasetSource(
    name="nlm_reports",
    tasks=_TASKS,
    group_names={"sex": tuple(_SEXES.values())},
    files=(_FILE,),
    read=read_nlm_reports,
    simulate=make_simulated_reports,
)
