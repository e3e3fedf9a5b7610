"""What a run leaves on disk."""

from paretofair.results.store import Store, is_url
from paretofair.results.table import (
    STAGES,
    STATUSES,
    TRIALS,
    TrialTable,
    counts_of,
    stack_name,
    weights_of,
    write_stack,
)

__all__ = [
    "STAGES",
    "STATUSES",
    "TRIALS",
    "Store",
    "TrialTable",
    "counts_of",
    "is_url",
    "stack_name",
    "weights_of",
    "write_stack",
]
