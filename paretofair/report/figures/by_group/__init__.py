"""Figures of what single groups have, for the runs that measure it."""
