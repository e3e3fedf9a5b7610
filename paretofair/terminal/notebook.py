"""A bar in a cell of a notebook: one piece of HTML, shown once and changed in place, which needs no widgets."""

from __future__ import annotations

from html import escape
from typing import Any


class NotebookBar:
    """How many of `total` are done. Made in a cell, it may be changed from any thread."""

    def __init__(self, words: str, total: int, done: int = 0) -> None:
        from IPython.display import display

        self._words, self._total = words, total
        self._handle: Any = display(self._draw(done, ""), raw=True, display_id=True)

    def show(self, done: int, note: str = "") -> None:
        """Changes what is shown; `note` stands behind the numbers."""
        self._handle.update(self._draw(done, note), raw=True)

    def _draw(self, done: int, note: str) -> dict[str, str]:
        counts = f"{done:,}/{self._total:,}"
        bar = f'<progress value="{done}" max="{self._total}" style="width: 18em; vertical-align: middle"></progress>'
        parts = [escape(self._words), bar, counts, escape(note)]
        plain = "  ".join(filter(None, (self._words, counts, note)))
        return {"text/html": f"<div>{'&ensp;'.join(filter(None, parts))}</div>", "text/plain": plain}
