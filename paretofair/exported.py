"""A trained model that was exported from a run: what it needs to score a pandas frame."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from paretofair.data import Encoding
from paretofair.errors import DataError
from paretofair.models.perceptron import Perceptron
from paretofair.results.files import inside, write_text, write_whole

ABOUT, WEIGHTS = "model.json", "weights.pt"
_FORMAT = 1
_MISSING = "_missing"
logger = logging.getLogger("paretofair")


@dataclass(frozen=True)
class ExportedModel:
    """One trial as an ordinary PyTorch module with its preprocessing and thresholds.

    `module` maps encoded rows (see `encode`) to logits `(rows, tasks)`; it can be trained further, scripted, or moved.
    `about` is what `model.json` says: trial, hyperparameters, data, metrics.
    """

    module: nn.Module
    encoding: Encoding
    about: Mapping[str, Any]

    @property
    def tasks(self) -> list[str]:
        """The columns of every prediction."""
        return list(self.about["tasks"])

    @property
    def inputs(self) -> list[str]:
        """The columns that a frame must have. Numeric ones are in the units of the data set; others are text."""
        numeric = [name for name in self.encoding.numeric_names if name.removesuffix(_MISSING) not in self._fills(name)]
        return [*numeric, *self.encoding.categorical_names]

    def encode(self, frame: pd.DataFrame) -> torch.Tensor:
        """What `module` reads: z-scores, then one-hot columns of every category, `(rows, F)` float32.

        Raises:
            DataError: a column that is not there, or a number that is missing or none.
        """
        missing = [name for name in self.inputs if name not in frame]
        if missing:
            raise DataError(f"the frame has no column {', '.join(missing)}; expected {', '.join(self.inputs)}")
        numeric = [self._numbers(frame, name) for name in self.encoding.numeric_names]
        texts = [self._texts(frame[name]) for name in self.encoding.categorical_names]
        rows = len(frame)
        codes = np.zeros((rows, len(texts)), dtype=np.int64)
        for column, values in enumerate(texts):
            found, place = np.unique(values, return_inverse=True)
            codes[:, column] = self.encoding.find_codes(column, found.tolist())[place]
        scores = self.encoding.scale_numbers(np.stack(numeric, 1) if numeric else np.zeros((rows, 0)))
        for column, name in enumerate(self.encoding.categorical_names):
            unseen = int((codes[:, column] == 0).sum())
            if unseen:
                known = ", ".join(self.encoding.categories[column][:10])
                words = "%d of %d rows have a value of %s that was not seen in training; known are %s."
                logger.warning(words, unseen, rows, name, known)
        return torch.tensor(self.encoding.join(scores, codes), dtype=torch.float32)

    @torch.no_grad()
    def predict_proba(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The probability of the positive class of every task, `(rows, tasks)`, with the index of `frame`.

        Raises:
            DataError: as `encode`.
        """
        logits = self.module(self.encode(frame))
        return pd.DataFrame(torch.sigmoid(logits).double().numpy(), index=frame.index, columns=self.tasks)

    @torch.no_grad()
    def predict(self, frame: pd.DataFrame, groups: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Decisions, 0 or 1, at the thresholds of the trial, `(rows, tasks)`.

        Args:
            frame: as in `predict_proba`.
            groups: for a model whose thresholds differ by group: attribute -> the group's name of every row. A row of
                unknown group is decided by the common threshold.

        Raises:
            DataError: as `encode`; groups that are needed and not given.
        """
        logits = self.module(self.encode(frame)).double().numpy()
        decisions = {}
        for t, task in enumerate(self.tasks):
            rule = self.about["thresholds"][task]
            cut: Any = _number(rule["logit"])
            by_group = rule.get("by_group")
            if by_group is not None:
                attribute = rule["attribute"]
                if groups is None or attribute not in groups:
                    raise DataError(
                        f"the thresholds of {task} differ by {attribute}: give groups={{{attribute!r}: ...}}"
                    )
                cut = np.array([_number(by_group.get(str(name), rule["logit"])) for name in groups[attribute]])
            decisions[task] = (logits[:, t] >= cut).astype(int)
        return pd.DataFrame(decisions, index=frame.index)

    def _fills(self, name: str) -> Mapping[str, float]:
        fills: Mapping[str, float] = self.about["fills"]
        return fills if name.endswith(_MISSING) else {}

    def _numbers(self, frame: pd.DataFrame, name: str) -> np.ndarray:
        base = name.removesuffix(_MISSING)
        if base in self._fills(name):
            return pd.to_numeric(frame[base], errors="coerce").isna().to_numpy(float)
        values = pd.to_numeric(frame[name], errors="coerce").to_numpy(float)
        values = np.where(np.isnan(values), self.about["fills"].get(name, np.nan), values)
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            row = frame.index[wrong[0]]
            found = frame[name].iloc[wrong[0]]
            if pd.isna(found):
                words = "a missing value; training had none in this column, so nothing stands for it"
                raise DataError(f"column {name}, row {row}: found {words}")
            raise DataError(f"column {name}, row {row}: found {found!r}; expected a number")
        return values

    def _texts(self, values: pd.Series) -> np.ndarray:
        # Whole numbers that stand among missing ones are floats: 1.0 is the category 1.
        if pd.api.types.is_float_dtype(values):
            return np.array(["missing" if np.isnan(value) else f"{value:g}" for value in values], dtype=str)
        return values.astype(object).where(values.notna(), "missing").astype(str).to_numpy(str)


def load(path: str | Path) -> ExportedModel:
    """Reads what `launch/export.py` has written; no code of the file is run.

    Raises:
        DataError: no such model, or one of another version of the format.
    """
    folder = Path(path)
    try:
        about = json.loads((folder / ABOUT).read_text())
        state = torch.load(folder / WEIGHTS, weights_only=True, map_location="cpu")
    except (OSError, ValueError, RuntimeError, UnpicklingError) as error:
        raise DataError(f"{folder} holds no exported model ({str(error).splitlines()[0]})") from None
    if about.get("format") != _FORMAT:
        raise DataError(f"{folder / ABOUT} has format {about.get('format')}; this version reads {_FORMAT}")
    encoding = about["encoding"]
    module = make_module(about["network"])
    module.load_state_dict(state)
    return ExportedModel(
        module.eval(),
        Encoding(
            tuple(encoding["numeric_names"]),
            np.array(encoding["mean"], dtype=float),
            np.array([_number(each) for each in encoding["scale"]], dtype=float),
            tuple(encoding["categorical_names"]),
            tuple(map(tuple, encoding["categories"])),
        ),
        about,
    )


def save(model: ExportedModel, folder: Path) -> None:
    """Writes `model.json` and `weights.pt`."""
    encoding = model.encoding
    described = {
        "format": _FORMAT,
        **model.about,
        "encoding": {
            "numeric_names": encoding.numeric_names,
            "mean": encoding.mean.tolist(),
            "scale": [make_plain(each) for each in encoding.scale.tolist()],
            "categorical_names": encoding.categorical_names,
            "categories": encoding.categories,
        },
    }
    write_text(inside(folder, ABOUT), json.dumps(described, indent=1, allow_nan=False) + "\n")
    with write_whole(inside(folder, WEIGHTS)) as partial:
        torch.save(model.module.state_dict(), partial)


def make_module(network: Mapping[str, Any]) -> nn.Module:
    """The module of `model.json`, with any parameters. One of the user's own is imported from where it was."""
    if "module" in network:
        from paretofair import user_code

        module: nn.Module = user_code.load(network["module"])(
            network["inputs"], network["tasks"], **network["arguments"]
        )
        return module
    return Perceptron(**network)


def make_plain(value: float) -> float | str:
    """A number for JSON, which has no infinity and no NaN: these become text."""
    return value if np.isfinite(value) else str(value)


def _number(value: float | str) -> float:
    return float(value)
