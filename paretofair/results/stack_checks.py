"""What a file of trials must have by what its metadata say: every column, counts of one size, errors that are shares.

Numbers come from the statistics that Parquet keeps of every column, so that nothing more of the file is read.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow.parquet as pq

from paretofair.results.table_schema import COUNTS, SPLITS, UNWEIGHTED, TableSchema

# What is written of every trial beside its hyperparameters and results; older files may lack other columns.
_ALWAYS = ("space_id", "data_id", "threshold", "device", "dtype", "path")
_ROUNDING = 1e-6


def find_stack_fault(file: pq.ParquetFile, schema: TableSchema) -> str | None:
    """What is wrong with a file of trials whose metadata have this schema, in words; None for nothing.

    Every trial is measured on the test rows, and where a file has anything of another split, wholly there as well.
    """
    names = file.schema_arrow.names
    splits = [split for split in SPLITS if split == "test" or any(name.startswith(f"{split}_") for name in names)]
    expected = {name: [name] for name in (*_ALWAYS, *(f"{COUNTS}{split}" for split in splits))}
    expected |= {each.name: each.columns for each in schema.hyperparameters}
    expected |= {
        f"{split}_{each.name}": [f"{split}_{column}" for column in each.columns]
        for split in splits
        for each in schema.metrics
    }
    # Lists by task, or a column for each task, as tables of other makers may have them.
    missing = [name for name, spelled in expected.items() if name not in names and not {*spelled} <= {*names}]
    if missing:
        return f"it has no column {', '.join(missing[:5])}, which its metadata call for"
    return next(_find_wrong_numbers(file, splits), None)


def _find_wrong_numbers(file: pq.ParquetFile, splits: list[str]) -> Iterator[str]:
    names = file.schema_arrow.names
    for split in splits:
        low, high = _find_ends(file, f"{split}_error")
        if low < -_ROUNDING or high > 1 + _ROUNDING:
            wrong = low if low < -_ROUNDING else high
            yield f"column {split}_error: found {wrong:g}; an error is between 0 and 1"
    for end in ("", UNWEIGHTED):
        counts = [name for split in splits if (name := f"{COUNTS}{split}{end}") in names]
        for name in counts:
            low, high = _find_ends(file, name)
            if low < 0 or high == float("inf"):
                yield f"column {name}: found {low if low < 0 else high:g}; counts are numbers from 0"
        sizes = {name: _count_values(file, name) for name in counts}
        if len(set(sizes.values())) > 1:
            yield f"its columns {', '.join(counts)} have {', '.join(map(str, sizes.values()))} counts, expected as many"


def _find_ends(file: pq.ParquetFile, name: str) -> tuple[float, float]:
    """The smallest and the largest number of a column, 0 and 0 where there is none or it is not of numbers."""
    parts = [part.statistics for part in _list_parts(file, name)]
    known = [(part.min, part.max) for part in parts if part is not None and part.has_min_max]
    ends = [each for pair in known for each in pair if isinstance(each, float | int)]
    return (min(ends), max(ends)) if ends else (0.0, 0.0)


def _count_values(file: pq.ParquetFile, name: str) -> int:
    return sum(part.num_values for part in _list_parts(file, name))


def _list_parts(file: pq.ParquetFile, name: str) -> Iterator[pq.ColumnChunkMetaData]:
    """The parts of a column: none where there is no such column, or columns of records come before it, as no file of
    ours has them."""
    names = file.schema_arrow.names
    if name not in names:
        return
    place = names.index(name)
    for group in range(file.metadata.num_row_groups):
        part = file.metadata.row_group(group).column(place)
        if part.path_in_schema.partition(".")[0] == name:
            yield part
