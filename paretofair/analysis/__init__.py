"""From trial tables to values: relative metrics, frontiers, hypervolumes, comparisons, selection."""
