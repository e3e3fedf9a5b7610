"""paretofair: fairness methods compared by whole accuracy-fairness frontiers."""
