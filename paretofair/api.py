"""Sweeps from Python, as in a notebook."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from paretofair.analysis.results import Results
from paretofair.cluster.engine_choice import choose_engine
from paretofair.errors import RunError, SpaceError
from paretofair.runs.run import Result, RunOptions, run
from paretofair.space.space import Space, load_space


def sweep(
    space: str | Path,
    output: str | Path | None = None,
    *,
    overrides: Sequence[str] = (),
    methods: Sequence[str] | None = None,
    address: str | None = None,
    data_dir: str | Path | None = None,
    require_real_data: bool = False,
    time_budget: float | None = None,
    retry_failed: bool = False,
    quiet: bool = False,
) -> Results:
    """Trains what is missing of a space, as `paretofair sweep` does, and gives its results.

    Args:
        space: the space file.
        output: results folder, or a URL as `s3://bucket/run`; by default `results/<name>`.
        overrides: `key.path=value` each, as `--set`.
        methods: some of the file's.
        address: an existing Ray cluster; by default a local Ray.
        data_dir: where the real data sets are looked for first.
        require_real_data: fail rather than use simulated data.
        time_budget: seconds after which no new pack begins.
        retry_failed: whether to train again what failed every time before.
        quiet: whether to show no progress.

    Raises:
        SpaceError, DataError, RunError: as the command; RunError also where packs failed every time.
        OutageError: what the run needs has gone while it ran, as Ray or the disk; finished trials are kept.
    """
    if not isinstance(space, str | os.PathLike):
        raise SpaceError(
            f"sweep takes a space file, found {type(space).__name__}; for data in memory call "
            "paretofair.compare(data, tasks=[...], sensitive='COLUMN')"
        )
    loaded = load_space(space, overrides)
    options = RunOptions.of(
        loaded,
        output,
        methods,
        data_dir=None if data_dir is None else Path(data_dir),
        require_real_data=require_real_data,
        time_budget=time_budget,
        retry_failed=retry_failed,
    )
    return train(loaded, options, Console(quiet=quiet), address).report


def train(space: Space, options: RunOptions, console: Console, address: str | None = None) -> Result:
    """Trains a space with the engine that it names. Raises RunError where packs failed every time, and what `run`
    raises."""
    done = run(space, options, console, choose_engine(space.resources.engine, address))
    if done.failed:
        name, reason = next(iter(done.failed.items()))
        raise RunError(f"{len(done.failed)} packs failed, {name}: {reason}; logs in {options.logs}")
    return done
