"""Hate speech in tweets as numbers of words, and what was inferred of their authors: English, in two sources.

Source: X. Huang and others, "Multilingual Twitter Corpus and Baselines for Evaluating Demographic Bias in Hate Speech
Recognition", LREC 2020. The published files hold numbers of words, which mean other words in every language, and are
never turned back into words. The two English files that are published differ in their share of hate (23 % and 73 %), a
real shift: the rows of `valid` have the label `related_hate`, those of `test` the label `target_hate`, so that fairness
can be carried from the one to the other. Test rows are drawn anew from both. Gender, age and ethnicity are binary and
known for about two thirds of the authors; which side of the median of age is 1 is not published.

`hate_english_spanish` is a control: the related rows are the Spanish ones, whose numbers are other words, in columns
of their own. Nothing can be carried over but by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from paretofair.data.assemble import assemble
from paretofair.data.dataset import Dataset, group_indices
from paretofair.data.inputs.joined import Joined
from paretofair.data.inputs.text.cleaning import Cleaning
from paretofair.data.inputs.text.encoders import TextEncoder
from paretofair.data.inputs.text.texts import Texts
from paretofair.data.joining import join_datasets
from paretofair.data.reading.tables import read_table
from paretofair.data.sets.text.texts_simulated import simulate_texts
from paretofair.data.source import DataFile, DatasetSource, FileForm

RELATED, TARGET = "related_hate", "target_hate"
_GROUPS: dict[str, tuple[str, ...]] = {
    "gender": ("male", "female"),
    "age": ("age_0", "age_1"),
    "ethnicity": ("ethnicity_0", "ethnicity_1"),
}
_ENCODER = TextEncoder(options='{"lowercase": false, "token_pattern": "\\\\S+"}')
_CLEANING = Cleaning(markup="keep")
_RATES = {RELATED: (12_681, 0.23), TARGET: (12_682, 0.73)}
_SPANISH = (4_926, 0.40)
_FILE = DataFile("indices.csv.gz", (FileForm("29a5f63b363185a0f6538434a1b961185632fca57d3d5f319502f20e4a5014da"),))


def _read(name: str, related: str, directory: Path) -> Dataset:
    """Reads the English test file as the target and the rows of a language as related ones."""
    path = Path(directory) / _FILE.name
    form = _FILE.form_of(path)
    tweets = read_table(path, text=("language", "split", "label", *_GROUPS, "tokens"))
    english = tweets["language"] == "English"
    chosen = {TARGET: english & (tweets["split"] == "test")}
    chosen[RELATED] = english & (tweets["split"] == "valid") if related == "English" else tweets["language"] == related
    sources = {
        "related": _source(RELATED, tweets[chosen[RELATED]], "real", {_FILE.name: form.sha256}),
        "target": _source(TARGET, tweets[chosen[TARGET]], "real", {_FILE.name: form.sha256}),
    }
    return _join(name, sources, related)


def _simulate(name: str, related: str) -> Dataset:
    """Made-up numbers of words, of the same size and schema (see `texts_simulated`)."""
    sources = {}
    for number, task in enumerate((RELATED, TARGET)):
        rows, rate = _SPANISH if task == RELATED and related != "English" else _RATES[task]
        # Words of the two sources go with other things where they are of two languages.
        seed = 48884 + (number if related != "English" else 0)
        made = simulate_texts(rows, {task: rate}, group_shares=(0.5, 0.5), known=0.6, length=16, seed=seed)
        random = np.random.default_rng(seed + 2)
        frame = pd.DataFrame({"tokens": made.texts, "label": made.labels[task].astype(str)})
        frame["gender"] = np.array(["0", "1", ""])[made.groups]
        for attribute in ("age", "ethnicity"):
            frame[attribute] = np.where(made.groups < 0, "", random.integers(0, 2, rows).astype(str))
        sources["related" if task == RELATED else "target"] = _source(task, frame, "simulated", {})
    return _join(name, sources, related)


def _source(task: str, tweets: pd.DataFrame, source: str, checksums: dict[str, str]) -> Dataset:
    inputs = Texts.of({"tokens": tweets["tokens"].tolist()}, _ENCODER, _CLEANING)
    data = assemble(
        task,
        source,
        labels={task: tweets["label"].to_numpy().astype(np.int8)},
        numeric={},
        categorical={},
        inputs=inputs,
        groups={name: group_indices(tweets[name], ("0", "1")) for name in _GROUPS},
        group_names=_GROUPS,
        test=0.3,
        checksums=checksums,
    )
    return replace(data, notes=inputs.describe_oddities())


def _join(name: str, sources: dict[str, Dataset], related: str) -> Dataset:
    joined = join_datasets(name, sources)
    if related == "English":
        return joined
    return replace(joined, inputs=Joined(tuple(each.inputs for each in sources.values())))


def _describe(name: str, related: str) -> DatasetSource:
    return DatasetSource(
        name=name,
        tasks=(RELATED, TARGET),
        group_names=_GROUPS,
        files=(_FILE,),
        read=partial(_read, name, related),
        simulate=partial(_simulate, name, related),
        folder="multilingual_hate",
    )


HATE: Sequence[DatasetSource] = (
    _describe("hate_english", "English"),
    _describe("hate_english_spanish", "Spanish"),
)
