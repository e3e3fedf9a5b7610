"""Vectors of pictures and texts by a network that is there: what the input `embeddings` reads.

`examples` has what is embedded, `networks` what embeds it, `writing` the file, which a broken-off run goes on with.
"""
