"""Every wrong input."""

from __future__ import annotations

from collections.abc import Iterable

from tests.cases.attack import Attack
from tests.cases.wrong.costs import list_costs
from tests.cases.wrong.right import FILES, REPORT, SWEEP, make_trials
from tests.cases.wrong.spaces import list_spaces
from tests.cases.wrong.tables import list_tables
from tests.cases.wrong.words import list_words


def list_inputs() -> list[Attack]:
    """Every wrong input, and first what is right, since a judge that refuses everything would say nothing."""
    return [
        Attack("nothing wrong", (*SWEEP, "--dry-run"), FILES, ends=(0,)),
        Attack("nothing wrong, trained", SWEEP, FILES, ends=(0,)),
        Attack("nothing wrong with a table", REPORT, {"table.csv": make_trials()}, ends=(0,)),
        *list_spaces(),
        *list_tables(),
        *list_words(),
        *list_costs(),
    ]


def take_every(attacks: Iterable[Attack], step: int) -> list[Attack]:
    """One in `step` of them, of those that need no process of their own."""
    return [attack for attack in attacks if not attack.alone][::step]
