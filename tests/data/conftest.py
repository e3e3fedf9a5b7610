"""Fixtures of the data tests: a toy data set, an isolated place to look for files, and the real files."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from paretofair.data import DATASETS, Columns, Dataset
from paretofair.data.dataset import mark_test_rows

# Read before any test changes the environment.
REAL_DATA = os.environ.get("PARETOFAIR_DATA")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real_data: needs the real data files (PARETOFAIR_DATA)")


@pytest.fixture
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty working directory and cache, no PARETOFAIR_DATA, no downloads."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.delenv("PARETOFAIR_DATA", raising=False)
    monkeypatch.setenv("PARETOFAIR_OFFLINE", "1")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *_: str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture(scope="session")
def real_lsac_folder() -> Path:
    """Folder of the real LSAC files: skips where PARETOFAIR_DATA is unset, fails where it lacks them."""
    return find_folder("lsac")


@pytest.fixture(scope="session")
def real_folder() -> Callable[[str], Path]:
    """Folder of the real files of a data set, by name; skips and fails as above."""
    return find_folder


def find_folder(name: str) -> Path:
    if not REAL_DATA:
        pytest.skip("PARETOFAIR_DATA is not set")
    source = DATASETS[name]
    for layout in source.layouts:
        for place in (Path(REAL_DATA).resolve() / layout.folder, Path(REAL_DATA).resolve()):
            if all((place / file.name).exists() for file in layout.files):
                return place
    pytest.fail(f"PARETOFAIR_DATA={REAL_DATA} lacks {', '.join(file.name for file in source.files)}")


@pytest.fixture(scope="session")
def toy() -> Callable[..., Dataset]:
    return toy_dataset


def toy_dataset(rows: int = 200, seed: int = 0, **changes: object) -> Dataset:
    """Two tasks, two attributes, some unknown labels and groups; input 0 is the row number."""
    random = np.random.default_rng(seed)
    values: dict[str, object] = {
        "name": "toy",
        "source": "real",
        "inputs": Columns.of(
            {"row": np.arange(rows, dtype=float), "value": random.normal(5, 3, rows)},
            {"colour": random.choice(["red", "green", "blue"], rows)},
        ),
        "tasks": ("first", "second"),
        "labels": random.choice(np.array([-1, 0, 1], dtype=np.int8), (rows, 2), p=[0.1, 0.5, 0.4]),
        "groups": {
            "sex": random.integers(0, 2, rows).astype(np.int8),
            "race": random.integers(-1, 3, rows).astype(np.int8),
        },
        "group_names": {"sex": ("Female", "Male"), "race": ("A", "B", "C")},
        "part": mark_test_rows(random.random(rows) < 0.3),
        "checksums": {"toy.csv": hashlib.sha256(b"toy").hexdigest()},
    }
    return Dataset(**(values | changes))  # type: ignore[arg-type]


def change_columns(inputs: Columns, **values: np.ndarray) -> Columns:
    """Columns with other numbers or texts."""
    numeric, categorical = values.get("numeric", inputs.numeric), values.get("categorical", inputs.categorical)
    return Columns.of(
        dict(zip(inputs.numeric_names, numeric.T, strict=True)),
        dict(zip(inputs.categorical_names, categorical.T, strict=True)),
    )
