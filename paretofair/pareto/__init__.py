"""Frontiers of many trials: functions of arrays (numpy), every objective minimised."""
