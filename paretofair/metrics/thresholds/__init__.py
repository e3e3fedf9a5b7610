"""Thresholds that make decisions of scores (torch): `rules` has one for all rows, `by_group` one for each group."""
