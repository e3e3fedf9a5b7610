"""Figures of what goes on while trials are trained."""
