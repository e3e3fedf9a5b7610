"""Intervals, tests and their power, of numbers over repeated runs or rows: functions of arrays (numpy)."""
