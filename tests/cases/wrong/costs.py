"""Inputs whose cost may grow faster than they do, each in a process of its own, so that it can be measured."""

from __future__ import annotations

from collections.abc import Iterator

from tests.cases.attack import Attack
from tests.cases.wrong.right import FILES, SWEEP, edit, make_data
from tests.cases.wrong.spaces import BOMB


def list_costs() -> Iterator[Attack]:
    """Many attributes, many seeds, and what stands for more than it seems."""
    attributes = {f"attribute_{number}": f"attribute_{number}" for number in range(30)}
    words = (*SWEEP, "--dry-run")
    yield Attack("measured: nothing special", words, FILES, ends=(0,), alone=True)
    data = make_data(attributes=30).to_csv(index=False)
    files = {"space.yaml": edit(data__csv__sensitive=attributes), "data.csv": data}
    yield Attack("measured: 30 sensitive columns", words, files, ends=(0,), alone=True)
    yield Attack("measured: 30 sensitive columns, trained", SWEEP, files, ends=(0,), alone=True)
    files = {**files, "space.yaml": edit(data__csv__sensitive=attributes, data__sensitive="_x_".join(attributes))}
    yield Attack("measured: an intersection of 30 attributes", words, files, ends=(0, 2), alone=True)
    files = FILES | {"space.yaml": edit(seeds=list(range(20_000)))}
    yield Attack("measured: 20,000 seeds", words, files, ends=(0,), alone=True)
    files = FILES | {"space.yaml": edit(seeds=[*range(20_000), 7])}
    yield Attack("measured: 20,000 seeds and one of them again", words, files, alone=True)
    yield Attack("measured: a YAML bomb", words, FILES | {"space.yaml": BOMB}, alone=True)
