from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.reading.loans import Write


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(rows: list[dict[str, str]], separator: str = ",") -> Path:
        lines = [separator.join(rows[0]), *(separator.join(row.values()) for row in rows)]
        (tmp_path / "loans.csv").write_text("\n".join(lines) + "\n")
        return tmp_path

    return _write
