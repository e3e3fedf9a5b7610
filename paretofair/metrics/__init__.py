"""What is measured on a trained model: functions of arrays, without state; `registry` lists every `metric`.

`thresholds`, `ranking` and `confusion` run on torch tensors for all trials of a stack at once, on the
device; `registry`, `rates`, `audit`, `relative` and `intervals` are numpy and work on the counts of a trial table,
`amplification` on decisions. This file imports nothing, so that a report on a table needs no torch.
"""
