"""Data sets of pictures: one file for each."""
