"""Files of a trial table, as tests look at them and change them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from paretofair.results.table_schema import KEY, read_schema, spell_out


def read_rows(paths: Iterable[Path]) -> pd.DataFrame:
    """Every row of every file, doubled ones and lists of counts too, spelled out by task."""
    frames = []
    for path in paths:
        table = pq.read_table(path)
        schema = read_schema(table.schema.names, (table.schema.metadata or {}).get(KEY))
        frames.append(spell_out(table, schema).to_pandas())
    return pd.concat(frames)


def make_stack(*trial_ids: str, **columns: Any) -> pa.Table:
    """Trials of a stack with what every table has, and more or other `columns`."""
    same = {"stage": "sweep", "method": "mtaf", "seed": 0, "status": "completed", "split_id": "s0"}
    same |= {"source": "simulated", "protocol": "validation"}
    found = {"trial_id": list(trial_ids), "index": list(range(len(trial_ids)))}
    found |= {name: [value] * len(trial_ids) for name, value in same.items()}
    return pa.table(found | columns)


def change_rows(path: Path, **columns: Any) -> None:
    """Puts other values into columns of a file, which keeps its schema."""
    table = pq.read_table(path)
    for name, values in columns.items():
        values = [values] * len(table) if isinstance(values, str) else values
        if name not in table.schema.names:
            table = table.append_column(name, pa.array(values))
            continue
        place = table.schema.names.index(name)
        table = table.set_column(place, name, pa.array(values, table.schema.field(name).type))
    pq.write_table(table, path)
