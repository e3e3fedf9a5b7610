"""What `benchmarks/published.py` is made of: the papers' tables, our runs of them, what was reached, and the page."""
