"""Texts as inputs: cleaned, turned into numbers by an encoder that is fitted on training rows, and kept in the cache.

Modules: `cleaning` (what is done with markup and length), `packed` (many texts as one array), `encoders` (from texts to
numbers), `texts` (the inputs of a data set).
"""
