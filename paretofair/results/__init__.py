"""What a run leaves on disk."""

from paretofair.results.table import TRIALS, TrialTable, counts_of, stack_name, weights_of, write_stack

__all__ = ["TRIALS", "TrialTable", "counts_of", "stack_name", "weights_of", "write_stack"]
