"""A trained model that was exported from a run: what it needs to score a pandas frame."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from paretofair import user_code
from paretofair.data.reading.row_reader import RowReader, restore_row_reader
from paretofair.errors import DataError, RunError, SpaceError
from paretofair.model_json import FORMAT, check_model_json, read_number
from paretofair.models.cosine_network import CosineModule
from paretofair.models.features import WITH_FEATURES, find_features
from paretofair.models.named import NETWORKS, NamedFactory
from paretofair.models.perceptron import Perceptron
from paretofair.results.files import check_file, inside, write_text, write_whole
from paretofair.tasks import BINARY, TaskKind
from paretofair.tasks.known import make_tasks, split_outputs
from paretofair.tasks.task import Task

ABOUT, WEIGHTS = "model.json", "weights.pt"


@dataclass(frozen=True, repr=False)
class ExportedModel:
    """One trial as an ordinary PyTorch module with its preprocessing and thresholds.

    `module` maps encoded rows (see `encode`) to logits `(rows, tasks)`; it can be trained further, scripted, or moved.
    `about` is what `model.json` says: trial, hyperparameters, data, metrics. `readers` read the rows of a frame: one of
    the name "", or of a model of joined data whose inputs differ one for each source; `of` says which source the rows
    are from.

    A model of texts reads their columns and no others. A model of pictures takes paths, Pillow images or arrays of
    bytes, one or several, or a frame with the column that named the files in training (see `load`, `pictures`).

    A frame may come from `read_csv` here, which keeps every cell as it is written, or from pandas: what pandas has
    inferred (numbers, truths, dates, missing values) is led back to the cells that training read, and where it may
    have been several a DataError says so.
    """

    module: nn.Module
    readers: Mapping[str, RowReader]
    about: Mapping[str, Any]
    source: str = ""

    def __repr__(self) -> str:
        return f"ExportedModel: {self.describe()}"

    def describe(self) -> str:
        """What it is, in a line."""
        made = f"{self.about['method']}, seed {self.about['seed']}, trial {self.about['trial_id']}"
        return f"{made}; {'task' if len(self.tasks) == 1 else 'tasks'} {', '.join(self.tasks)}"

    @property
    def tasks(self) -> list[str]:
        """The columns of every prediction."""
        return list(self.about["tasks"])

    @cached_property
    def kinds(self) -> tuple[TaskKind, ...]:
        """What each task predicts."""
        said = self.about.get("kinds", {})
        return tuple(
            TaskKind(said[task]["kind"], tuple(said[task]["classes"])) if task in said else BINARY
            for task in self.tasks
        )

    @cached_property
    def known_tasks(self) -> tuple[Task, ...]:
        """How the outputs of each task are read."""
        return make_tasks(self.kinds)

    @property
    def rows(self) -> RowReader:
        """How rows are read. Raises DataError for a model of several sources, of which `of` names none."""
        if self.source not in self.readers:
            names = ", ".join(self.readers)
            example = next(iter(self.readers))
            raise DataError(
                f"the model reads rows of several sources, {names}: say of which, as in model.of({example!r})"
            )
        return self.readers[self.source]

    def of(self, source: str) -> ExportedModel:
        """The same model for rows of one of its sources. Raises DataError for one that is none of `readers`."""
        if source not in self.readers:
            accepted = ", ".join(filter(None, self.readers)) or "none, the model reads all rows alike"
            raise DataError(f"of: found the source {source!r}; accepted: {accepted}")
        return replace(self, source=source)

    @property
    def inputs(self) -> list[str]:
        """The columns that a frame must have; [] of a model of pictures that was trained on no table. Numeric ones are
        in the units of the data set; others are text."""
        return self.rows.inputs

    @property
    def attributes(self) -> set[str]:
        """The attributes whose groups `predict` needs: those that thresholds differ by."""
        return {rule["attribute"] for rule in self.about["thresholds"].values() if rule.get("attribute") is not None}

    def read_csv(self, path: str | Path) -> pd.DataFrame:
        """The named columns of a file: a frame that is scored exactly as training scored the rows of such a file.

        It is read as that of training was, with its separator, encoding, missing words and marks, or is a Parquet or
        Feather file. Numeric inputs are numbers, NaN where missing; all other columns texts, "" where missing.

        Raises:
            DataError: what `read_raw_table` raises; a model that was not trained on a file of the user's own.
        """
        if self.rows.table.separator is None:
            name = self.about["data"]["name"]
            raise DataError(f"the model was trained on {name} and not on a table of one's own; give it a frame")
        return self.rows.read_csv(path)

    def encode(self, frame: Any) -> torch.Tensor:
        """What `module` reads: z-scores, then one-hot columns of every category, `(rows, F)` float32; of texts the
        numbers that their encoder makes; of pictures `(rows, channels, height, width)`.

        Raises:
            DataError: a column that is not there, or there twice; a number that is missing or none; a value that pandas
                may have made of several categories; a picture that cannot be read.
        """
        return torch.from_numpy(self.rows.encode(frame))

    @torch.no_grad()
    def predict_proba(self, frame: Any) -> pd.DataFrame:
        """The probability of the positive class of every binary task, and of each class of any other, in columns
        `<task>` and `<task>_<class>`, with the index of `frame`.

        Raises:
            DataError: as `encode`; a model of identities, which gives no probabilities.
        """
        if isinstance(self.module, CosineModule):
            raise DataError("a model of identities gives no probabilities; it has features and predict")
        columns: dict[str, np.ndarray] = {}
        for name, kind, task, outputs in self._outputs(frame):
            scores = task.scores(outputs)[0].double().numpy()
            names = [name] if kind == BINARY else [f"{name}_{each}" for each in kind.classes]
            columns |= dict(zip(names, scores, strict=True))
        return pd.DataFrame(columns, index=_index(frame))

    @torch.no_grad()
    def features(self, frame: Any) -> torch.Tensor:
        """What the heads of all tasks read, `(rows, D)` float32. Identities are compared by them: two rows are the more
        probably of one identity the smaller the angle between their features, also where training has seen neither.

        Raises:
            DataError: as `encode`; a network of the user's own that does not tell its features.
        """
        return self._run(frame, self.features_of)

    @torch.no_grad()
    def features_of(self, encoded: torch.Tensor) -> torch.Tensor:
        """`features` of rows that are encoded already. Raises DataError as `features`."""
        of_rows = find_features(self.module)
        if of_rows is None:
            raise DataError(f"the network does not tell its features: its forward does not take `{WITH_FEATURES}`")
        return of_rows(encoded)

    @torch.no_grad()
    def predict(self, frame: Any, groups: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Decisions, `(rows, tasks)`: 0 or 1 at the thresholds of the trial, of several classes the word of one, of
        identities one that training has seen.

        Args:
            frame: as in `predict_proba`.
            groups: for a model whose thresholds differ by group: attribute -> the group's name of every row. A row of
                unknown group is decided by the common threshold.

        Raises:
            DataError: as `encode`; groups that are needed and not given.
        """
        decisions: dict[str, np.ndarray] = {}
        for task, kind, how, outputs in self._outputs(frame):
            if kind != BINARY:
                chosen = how.decide(outputs, how.scores(outputs))[0].numpy()
                decisions[task] = np.array(kind.classes, dtype=object)[chosen]
                continue
            rule = self.about["thresholds"][task]
            cut: Any = read_number(rule["logit"])
            by_group = rule.get("by_group")
            if by_group is not None:
                attribute = rule["attribute"]
                if groups is None or attribute not in groups:
                    raise DataError(
                        f"the thresholds of {task} differ by {attribute}: give groups={{{attribute!r}: ...}}"
                    )
                cut = np.array([read_number(by_group.get(str(name), rule["logit"])) for name in groups[attribute]])
            decisions[task] = (outputs[0, 0].double().numpy() >= cut).astype(int)
        return pd.DataFrame(decisions, index=_index(frame))

    def _outputs(self, frame: Any) -> Iterator[tuple[str, TaskKind, Task, torch.Tensor]]:
        """Name, kind and task with its outputs for the rows, `(1, O, rows)`."""
        if isinstance(self.module, CosineModule):
            features = self.features(frame)
            outputs = self.known_tasks[0].keep(self.module.compare(features).T[None], features.T[None])
            yield self.tasks[0], self.kinds[0], self.known_tasks[0], outputs
            return
        outputs = self._run(frame, self.module).T[None]
        yield from zip(self.tasks, self.kinds, self.known_tasks, split_outputs(outputs, self.known_tasks), strict=True)

    def _run(self, frame: Any, of_rows: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        """`of_rows` of all rows, `(rows, O)`; pictures, which are large, go through a few at a time."""
        return torch.cat([of_rows(torch.from_numpy(rows)) for rows in self.rows.encode_in_chunks(frame)])


def load(
    path: str | Path,
    *,
    module: Callable[..., nn.Module] | None = None,
    trust: bool = False,
    pictures: str | Path | None = None,
) -> ExportedModel:
    """Reads what `paretofair export` has written. The files are data: no code that they name is run by itself.

    Args:
        path: the folder.
        module: for a network of the user's own, the class or function that makes it, as it stood in the space file.
        trust: whether to import what the file names as `package.module:name`: such a network, a kind of task, or an
            encoder of texts, which is unpickled. That runs code: only for files whose writer may run programs here.
        pictures: the folder or zip archive of the pictures that a frame names; by default their names are paths.

    Raises:
        DataError: no such model, one of another version of the format, a value that is none, or code of the user's own
            without `module` and `trust`.
    """
    folder = Path(path)
    about = check_model_json(_read_json(folder), folder / ABOUT)
    state = _read_weights(folder)
    for task, said in about.get("kinds", {}).items():
        if ":" in said["kind"] and not trust:
            raise DataError(
                f"{folder / ABOUT} names {said['kind']!r}, the kind of task {task}, whose code would run here: give "
                "trust=True to import it as the file says"
            )
    made = _make_module(about["network"], folder, module, trust)
    root = None if pictures is None else str(Path(pictures).resolve())
    readers = {
        name: restore_row_reader(said, folder / _text_file(name), root, trust)
        for name, said in (about.get("sources") or {"": about}).items()
    }
    model = ExportedModel(made, readers, about)
    _check_outputs(model, folder / ABOUT)
    try:
        # What was made without memory takes the tensors of the file as they are.
        made.load_state_dict(state, assign="module" not in about["network"])
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{folder / WEIGHTS} does not fit the network of {ABOUT}: {reason[:300]}") from None
    made.float().eval()
    return model


def _text_file(source: str) -> str:
    """What an encoder of texts has learned, in the folder of a model."""
    return f"text_{source}.npz" if source else "text.npz"


def _index(frame: Any) -> Any:
    """That of a frame or column of pandas."""
    return frame.index if isinstance(frame, pd.DataFrame | pd.Series) else None


def _check_outputs(model: ExportedModel, path: Path) -> None:
    """Raises DataError where a kind of task is none, or where the network has other outputs than the tasks."""
    try:
        expected = [task.outputs for task in model.known_tasks]
    except (SpaceError, ValueError) as error:
        raise DataError(f"{path}: kinds: {error}") from None
    network = model.about["network"]
    # Of a network of the user's own all outputs are one number.
    if "identities" in network:
        found = [network["identities"]]
    elif "module" in network:
        found, expected = [network.get("outputs") or network["tasks"]], [sum(expected)]
    else:
        found = list(network.get("outputs") or [1] * network["tasks"])
    if found != expected:
        raise DataError(f"{path}: network.outputs: found {found}; by the kinds of the tasks it is {expected}")


def save(model: ExportedModel, folder: Path) -> None:
    """Writes `model.json`, `weights.pt` and of a model of texts `text.npz`, of several sources `text_<source>.npz`."""
    described = {"format": FORMAT, **model.about}
    if "" in model.readers:
        described |= model.readers[""].describe()
    else:
        described |= RowReader().describe()
        described["sources"] = {name: reader.describe() for name, reader in model.readers.items()}
    for name, reader in model.readers.items():
        if reader.text is not None:
            with write_whole(inside(folder, _text_file(name))) as partial:
                reader.text.save(Path(partial))
    with write_whole(inside(folder, WEIGHTS)) as partial:
        torch.save(model.module.state_dict(), partial)
    write_text(inside(folder, ABOUT), json.dumps(described, indent=1, allow_nan=False) + "\n")


def _read_json(folder: Path) -> Any:
    try:
        return json.loads(_read_file(folder / ABOUT))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{folder / ABOUT} is no JSON ({str(error).splitlines()[0]})") from None


def _read_file(path: Path) -> bytes:
    """The content of an ordinary file: a pipe would be waited for."""
    try:
        check_file(path)
        return path.read_bytes()
    except RunError as error:
        raise DataError(str(error)) from None
    except OSError as error:
        raise DataError(f"{path.parent} holds no exported model ({path.name}: {error.strerror})") from None


def _read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """Tensors by name. Raises DataError for anything else, which is not unpickled."""
    path = folder / WEIGHTS
    content = _read_file(path)
    try:
        state = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    except (OSError, ValueError, RuntimeError, EOFError, KeyError, IndexError, UnpicklingError) as error:
        raise DataError(f"{path} holds no weights ({(str(error) or 'it is empty').splitlines()[0]})") from None
    if not isinstance(state, dict):
        raise DataError(f"{path} holds no weights; expected tensors by name")
    for name, tensor in state.items():
        if not (
            isinstance(name, str)
            and isinstance(tensor, torch.Tensor)
            and tensor.layout == torch.strided
            and not tensor.is_complex()
        ):
            raise DataError(f"{path} holds something else than tensors by name: {str(name)[:100]!r}")
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise DataError(f"{path}: {name} has values that are not finite")
    return state


def _make_module(
    network: Mapping[str, Any], folder: Path, own: Callable[..., nn.Module] | None, trust: bool
) -> nn.Module:
    """The module of `model.json`. The built-in one is made without memory, which only the weights themselves take: the
    file may name any widths. Of identities it has a cosine head."""
    if "identities" in network:
        body = {name: value for name, value in network.items() if name != "identities"}
        made = _make_module(body, folder, own, trust)
        width = sum(network.get("outputs") or ()) if "module" not in network else network["outputs"]
        return CosineModule(made, torch.empty(network["identities"], width, device=_device_of(network)))
    if "name" in network:
        return _make_named(network, folder)
    if "module" not in network:
        with torch.device("meta"):
            return Perceptron(**network)
    if own is None:
        if not trust:
            raise DataError(
                f"{folder / ABOUT} names the network {network['module']!r}, whose code would run here: give "
                "module=, the class itself, or trust=True to import it as the file says"
            )
        try:
            own = user_code.load(network["module"])
        except SpaceError as error:
            raise DataError(f"{folder / ABOUT}: network.module: {error}") from None
    inputs = network["inputs"] if isinstance(network["inputs"], int) else tuple(network["inputs"])
    made = own(inputs, network.get("outputs") or network["tasks"], **network["arguments"])
    if not isinstance(made, nn.Module):
        raise DataError(f"{folder / ABOUT}: {network['module']} makes no torch module")
    return made


def _make_named(network: Mapping[str, Any], folder: Path) -> nn.Module:
    """One of the networks for images, without memory."""
    name, outputs = network["name"], tuple(network.get("outputs") or ())
    if name not in NETWORKS:
        raise DataError(f"{folder / ABOUT}: network.name: found {name!r}; accepted: {', '.join(NETWORKS)}")
    factory = NamedFactory(name, tuple(network["head"]), outputs, network.get("width", 1.0))
    try:
        with torch.device("meta"):
            return factory(tuple(network["shape"]), sum(outputs) or network["tasks"])
    except (SpaceError, ValueError) as error:
        raise DataError(f"{folder / ABOUT}: network: {error}") from None


def _device_of(network: Mapping[str, Any]) -> str:
    """Where a module is made: what takes its weights as they are needs no memory before."""
    return "cpu" if "module" in network else "meta"
