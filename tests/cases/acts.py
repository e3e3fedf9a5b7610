"""Ways to damage a file or a folder of results, shared by every test of damages."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.numpy
import torch

from paretofair.results.table_schema import KEY
from tests.stacks import change_rows

Act = Callable[[Path], object]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _clear(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def as_folder(path: Path) -> None:
    _clear(path)
    path.mkdir()


def as_pipe(path: Path) -> None:
    _clear(path)
    os.mkfifo(path)


def as_file(path: Path) -> None:
    _clear(path)
    path.write_text("a file\n")


def as_link_outside(path: Path) -> None:
    """A link to something outside that is of the same kind."""
    aim = _outside(path) / "aim"
    if path.is_dir():
        shutil.copytree(path, aim)
    elif path.exists():
        shutil.copy(path, aim)
    else:
        aim.touch()
    _clear(path)
    path.symlink_to(aim)


def _outside(path: Path) -> Path:
    return next(each for each in path.parents if each.name == "inside").parent / "outside"


def as_link_to_nowhere(path: Path) -> None:
    _clear(path)
    path.symlink_to(_outside(path) / "nowhere")


def as_link_to_itself(path: Path) -> None:
    _clear(path)
    path.symlink_to(path.name)


def write(content: str | bytes) -> Act:
    return lambda path: path.write_bytes(content.encode() if isinstance(content, str) else content)


def drop(name: str) -> Act:
    return lambda path: pq.write_table(pq.read_table(path).drop_columns([name]), path)


def change(**columns: object) -> Act:
    return lambda path: change_rows(path, **columns)


def through_pandas(path: Path) -> None:
    pd.read_parquet(path).to_parquet(path)


def shorten_lists(path: Path) -> None:
    replace(path, "test_error", [each[:1] for each in pq.read_table(path)["test_error"].to_pylist()])


def replace(path: Path, name: str, values: list[Any], kind: pa.DataType | None = None) -> None:
    """Puts a column of any type into a file."""
    table = pq.read_table(path)
    place = table.schema.names.index(name)
    pq.write_table(table.set_column(place, name, pa.array(values, kind)), path)


def put(name: str, value: Any, kind: pa.DataType | None = None) -> Act:
    """One value in every row of a column."""
    return lambda path: replace(path, name, [value] * len(pq.read_table(path)), kind)


def forget_metadata(path: Path) -> None:
    pq.write_table(pq.read_table(path).replace_schema_metadata({b"paretofair": b"[]"}), path)


def rename_task(name: str) -> Act:
    """Another name for the first task, in the metadata alone."""

    def act(path: Path) -> None:
        table = pq.read_table(path)
        known = table.schema.metadata[KEY].decode()
        task = json.loads(known)["tasks"][0]
        word = task if isinstance(task, str) else next(iter(task.values()))
        pq.write_table(table.replace_schema_metadata({KEY: known.replace(word, name).encode()}), path)

    return act


def foreign(path: Path) -> None:
    pq.write_table(pa.table({"a": [1, 2]}), path)


def no_rows(path: Path) -> None:
    pq.write_table(pq.read_table(path).slice(0, 0), path)


def repeat_rows(path: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(pa.concat_tables([table, table]), path)


def repeat_with_other_values(path: Path) -> None:
    target = path.with_name("sweep-vanilla-0-1-2.parquet")
    shutil.copy(path, target)
    replace(target, "test_error", [[0.1, 0.2]] * len(pq.read_table(path)))


def change_weights(change: Callable[[np.ndarray], np.ndarray]) -> Act:
    def act(path: Path) -> None:
        found = safetensors.numpy.load(path.read_bytes())
        path.write_bytes(safetensors.numpy.save({trial: np.copy(change(row)) for trial, row in found.items()}))

    return act


def edit_json(change: Callable[[dict[str, Any]], object]) -> Act:
    def act(path: Path) -> None:
        found = json.loads(path.read_text())
        change(found)
        path.write_text(json.dumps(found))

    return act


def set_key(*keys: str, value: Any) -> Act:
    """One value, deep in a JSON file."""

    def change(found: dict[str, Any]) -> None:
        for key in keys[:-1]:
            found = found[key]
        found[keys[-1]] = value

    return edit_json(change)


def drop_key(key: str) -> Act:
    return edit_json(lambda found: found.pop(key))


class _Evil:
    """What runs a program when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch pwned",)


def save_tensors(change: Callable[[dict[str, torch.Tensor]], Any]) -> Act:
    def act(path: Path) -> None:
        content = io.BytesIO(path.read_bytes())
        torch.save(change(torch.load(content, weights_only=True)), path)

    return act
