"""What a file of trials must have by what its metadata say: every column, counts of one size, errors that are shares.

Numbers come from the statistics that Parquet keeps of every column, so that nothing more of the file is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow.parquet as pq

from paretofair.results.table_schema import COUNTS, SPLITS, UNWEIGHTED, TableSchema

# What is written of every trial beside its hyperparameters and results; older files may lack other columns.
_ALWAYS = ("space_id", "data_id", "threshold", "device", "dtype", "path")
_ROUNDING = 1e-6
_ERROR = "_error"
Parts = Mapping[str, Sequence[pq.ColumnChunkMetaData]]  # of every column by its name


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
    return next(_find_wrong_numbers(_list_parts(file, names), splits), None)


def _list_parts(file: pq.ParquetFile, names: Sequence[str]) -> Parts:
    """Those of the columns that are checked; without columns behind one of records, as no file of ours has them."""
    groups = [file.metadata.row_group(group) for group in range(file.metadata.num_row_groups)]
    found = {}
    for place, name in enumerate(names):
        if name.startswith(COUNTS) or name.endswith(_ERROR):
            parts = [group.column(place) for group in groups]
            found[name] = [part for part in parts if part.path_in_schema.partition(".")[0] == name]
    return found


def _find_wrong_numbers(parts: Parts, splits: list[str]) -> Iterator[str]:
    for split in splits:
        low, high = _find_ends(parts.get(f"{split}{_ERROR}", ()))
        if low < -_ROUNDING or high > 1 + _ROUNDING:
            wrong = low if low < -_ROUNDING else high
            yield f"column {split}{_ERROR}: found {wrong:g}; an error is between 0 and 1"
    for end in ("", UNWEIGHTED):
        counts = [name for split in splits if (name := f"{COUNTS}{split}{end}") in parts]
        for name in counts:
            low, high = _find_ends(parts[name])
            if low < 0 or high == float("inf"):
                yield f"column {name}: found {low if low < 0 else high:g}; counts are numbers from 0"
        sizes = {name: sum(part.num_values for part in parts[name]) for name in counts}
        if len(set(sizes.values())) > 1:
            yield f"its columns {', '.join(counts)} have {', '.join(map(str, sizes.values()))} counts, expected as many"


def _find_ends(parts: Sequence[pq.ColumnChunkMetaData]) -> tuple[float, float]:
    """The smallest and the largest number of a column, 0 and 0 where there is none or it is not of numbers."""
    statistics = [part.statistics for part in parts]
    known = [(each.min, each.max) for each in statistics if each is not None and each.has_min_max]
    ends = [each for pair in known for each in pair if isinstance(each, float | int)]
    return (min(ends), max(ends)) if ends else (0.0, 0.0)
