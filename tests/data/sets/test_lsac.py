"""The real LSAC data against the published rates, and the simulated data against the real ones."""

import csv
from pathlib import Path

import numpy as np
import pytest

from paretofair.data import Dataset, load
from paretofair.data.sets.lsac import LSAC, read_lsac
from paretofair.errors import DataError
from tests.data.sets.single_task import single_task_results

# Published aggregates: split, attribute, group, n, P(pass_bar), P(zfygpa > 0).
RATES = [
    ("train", "sex", "Female", 8211, 0.7971, 0.4517),
    ("train", "sex", "Male", 10374, 0.8025, 0.4782),
    ("train", None, None, 18585, 0.8001, 0.4665),
    ("test", "sex", "Female", 3467, 0.8018, 0.4364),
    ("test", "sex", "Male", 4499, 0.8042, 0.4841),
    ("test", None, None, 7966, 0.8032, 0.4633),
    ("both", "sex", "Female", 11678, 0.7985, 0.4472),
    ("both", "sex", "Male", 14873, 0.8030, 0.4800),
    ("both", None, None, 26551, 0.8010, 0.4656),
    ("both", "race", "Black", 1790, 0.5715, 0.1346),
    ("both", "race", "Other", 2825, 0.7366, 0.2832),
    ("both", "race", "White", 21936, 0.8280, 0.5160),
]


def members(data: Dataset, part: str, attribute: str | None, group: str | None) -> np.ndarray:
    chosen = {"train": ~data.is_test, "test": data.is_test, "both": np.ones(len(data), dtype=bool)}[part]
    if attribute is None or group is None:
        return chosen
    return chosen & (data.groups[attribute] == data.group_names[attribute].index(group))


@pytest.fixture(scope="module")
def simulated() -> Dataset:
    return load("lsac", source="simulated")


@pytest.fixture(scope="module")
def real(real_lsac_folder: Path) -> Dataset:
    return read_lsac(real_lsac_folder)


@pytest.mark.real_data
@pytest.mark.parametrize(("part", "attribute", "group", "rows", "passed", "graded"), RATES)
def test_real_rates(
    real: Dataset, part: str, attribute: str, group: str, rows: int, passed: float, graded: float
) -> None:
    chosen = members(real, part, attribute, group)
    assert chosen.sum() == rows
    np.testing.assert_allclose(real.labels[chosen].mean(axis=0), [graded, passed], atol=5.1e-5)


@pytest.mark.parametrize(("part", "attribute", "group", "rows", "passed", "graded"), RATES)
def test_simulated_rates_within_two_standard_errors(
    simulated: Dataset, part: str, attribute: str, group: str, rows: int, passed: float, graded: float
) -> None:
    chosen = members(simulated, part, attribute, group)
    assert chosen.sum() == rows
    rates = np.array([graded, passed])
    errors = np.sqrt(rates * (1 - rates) / rows)
    assert (np.abs(simulated.labels[chosen].mean(axis=0) - rates) < 2 * errors).all()


def test_schema(simulated: Dataset) -> None:
    assert simulated.tasks == ("high_grade", "pass_bar")
    assert simulated.group_names == {"sex": ("Female", "Male"), "race": ("White", "Black", "Other")}
    assert simulated.inputs.numeric_names == (
        "zgpa",
        "DOB_yr",
        "weighted_lsat_ugpa",
        "cluster_tier",
        "family_income",
        "lsat",
        "ugpa",
    )
    assert simulated.inputs.categorical_names == ("isPartTime", "race", "sex")
    assert set(simulated.inputs.categorical[:, 0]) == {"0", "1"}


def test_simulated_values_are_plausible(simulated: Dataset) -> None:
    ranges = {
        "zgpa": (-6.4, 4.0),
        "DOB_yr": (10, 72),
        "weighted_lsat_ugpa": (0, 1000),
        "cluster_tier": (1, 6),
        "family_income": (1, 5),
        "lsat": (11, 48),
        "ugpa": (1.5, 4.0),
    }
    for column, name in enumerate(simulated.inputs.numeric_names):
        lowest, highest = ranges[name]
        assert lowest <= simulated.inputs.numeric[:, column].min()
        assert simulated.inputs.numeric[:, column].max() <= highest


@pytest.mark.real_data
def test_simulated_schema_and_means_are_the_real_ones(real: Dataset, simulated: Dataset) -> None:
    for field in ("numeric_names", "categorical_names"):
        assert getattr(real.inputs, field) == getattr(simulated.inputs, field)
    for field in ("tasks", "group_names"):
        assert getattr(real, field) == getattr(simulated, field)
    np.testing.assert_array_equal(real.is_test, simulated.is_test)
    for column in range(3):
        assert set(real.inputs.categorical[:, column]) == set(simulated.inputs.categorical[:, column])
    # The longest distance is a tenth of a deviation: the real years of birth have missing ones, coded 0.
    scale = real.inputs.numeric.std(axis=0)
    assert (np.abs(simulated.inputs.numeric.mean(axis=0) - real.inputs.numeric.mean(axis=0)) < 0.1 * scale).all()


@pytest.mark.real_data
def test_simulated_rows_are_no_copies(real: Dataset, simulated: Dataset) -> None:
    """Of rows with a grade; chance alone can make equal ones, since values are rounded, but hardly any."""

    def rows(data: Dataset) -> set[tuple[object, ...]]:
        known = data.inputs.numeric[:, 0] != 0
        columns = [data.inputs.numeric.round(3), data.inputs.categorical, data.labels]
        return {tuple(row) for row in np.concatenate(columns, axis=1, dtype=object)[known].tolist()}

    shared = rows(real) & rows(simulated)
    assert len(shared) < 0.002 * len(rows(simulated))


@pytest.mark.real_data
def test_public_form_gives_the_same_data_set(real: Dataset, real_lsac_folder: Path, tmp_path: Path) -> None:
    for file in LSAC.files:
        public = file.forms[1]
        assert public.header is not None
        with (real_lsac_folder / file.name).open(newline="") as original:
            rows = list(csv.DictReader(original))
        text = "".join(",".join(row[name] for name in public.header) + "\n" for row in rows)
        (tmp_path / file.name).write_bytes(text.encode())
        assert file.form_of(tmp_path / file.name) == public
    published = read_lsac(tmp_path)
    assert published.data_id == real.data_id
    assert published.checksums != real.checksums
    np.testing.assert_array_equal(published.inputs.numeric, real.inputs.numeric)


@pytest.mark.real_data
def test_a_changed_byte_is_an_error(real_lsac_folder: Path, tmp_path: Path) -> None:
    for file in LSAC.files:
        (tmp_path / file.name).write_bytes((real_lsac_folder / file.name).read_bytes() + b"\n")
    with pytest.raises(DataError, match=r"lsac_arl_train\.csv: wrong checksum"):
        read_lsac(tmp_path)


@pytest.mark.real_data
@pytest.mark.usefixtures("isolated")
def test_load_finds_the_real_data(real: Dataset, real_lsac_folder: Path) -> None:
    found = load("lsac", data_dir=real_lsac_folder)
    assert found.source == "real"
    assert found.data_id == real.data_id
    assert set(found.checksums) == {"lsac_arl_train.csv", "lsac_arl_test.csv"}


def check_results(data: Dataset) -> None:
    errors, gaps = single_task_results(data)
    # The published code on the real data: errors .154 and .153, gaps about -.056 and .002.
    np.testing.assert_allclose(errors, [0.155, 0.153], atol=0.02)
    assert -0.09 < gaps[0] < -0.02


def test_simulated_errors_are_about_the_real_ones(simulated: Dataset) -> None:
    check_results(simulated)


@pytest.mark.real_data
def test_real_errors(real: Dataset) -> None:
    check_results(real)
