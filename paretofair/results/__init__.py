"""What a run leaves on disk."""

from paretofair.results.stacks import KEYS, STAGES, STATUSES
from paretofair.results.store import Store, is_url
from paretofair.results.table import (
    TRIALS,
    TrialTable,
    counts_of,
    find_file,
    stack_name,
    write_stack,
)
from paretofair.results.table_schema import Quantity, TableSchema, TaskSchema
from paretofair.results.weights import find_weights, weights_of

__all__ = [
    "KEYS",
    "STAGES",
    "STATUSES",
    "TRIALS",
    "Quantity",
    "Store",
    "TableSchema",
    "TaskSchema",
    "TrialTable",
    "counts_of",
    "find_file",
    "find_weights",
    "is_url",
    "stack_name",
    "weights_of",
    "write_stack",
]
