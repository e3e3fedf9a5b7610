"""An exported model scores a frame of the file that it was trained on as training did, whatever pandas has inferred."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import paretofair
from paretofair.cli.sweep import main
from paretofair.data import CsvSchema, FittedColumns, read_csv_dataset, split
from paretofair.data.reading.fitted_rows import make_row_readers
from paretofair.data.reading.row_reader import RowReader
from paretofair.errors import DataError
from paretofair.exported import ExportedModel, save
from paretofair.models.perceptron import Perceptron
from paretofair.results import TrialTable

from ..launch import conftest as launch

ROWS = 600
CATEGORICAL = ["zip", "own", "code", "work", "lvl", "ed", "day", "mixed", "answer", "sex"]


def write(path: Path, separator: str = ",") -> Path:
    """A table in which pandas finds numbers, truths, dates and missing values that training reads as texts."""
    random = np.random.default_rng(0)
    columns = {
        "sex": random.choice(["f", "m"], ROWS),
        "age": [f"{value}" if value < 80 else " ?" for value in random.integers(18, 90, ROWS)],
        " income": [f"{value:.2f}" if value > 9000 else "" for value in random.lognormal(10, 1, ROWS)],
        "zip": random.choice(["00501", "01234", "94110"], ROWS),
        "own": random.choice(["TRUE", "FALSE"], ROWS),
        "code": random.choice(["1234567", "1234568", "7654321", ""], ROWS),
        "work": random.choice([" Private", " Self-emp", " ?"], ROWS),
        "lvl": random.choice(["2.00", "1.50", "10"], ROWS),
        "ed": random.choice(["HS", "BA", "None", "NULL"], ROWS),
        "day": random.choice(["2013-01-05", "2014-12-31"], ROWS),
        "mixed": random.choice(["A12", "501", "0501x"], ROWS),
        "answer": random.choice(["yes", "no", "n/a"], ROWS),
        "repaid": random.integers(0, 2, ROWS),
    }
    lines = [separator.join(columns), *(separator.join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path


def make_schema(path: Path, **changes: Any) -> CsvSchema:
    said = {
        "path": str(path),
        "tasks": {"repaid": "repaid"},
        "sensitive": {"sex": "sex"},
        "inputs": {"numeric": ["age", "income"], "categorical": CATEGORICAL},
    }
    return CsvSchema.model_validate(said | changes)


def export(schema: CsvSchema, folder: Path) -> tuple[ExportedModel, np.ndarray]:
    """A model that was exported to a folder and loaded, and the rows of the file as training reads them."""
    dataset = read_csv_dataset(schema)
    inputs = split(dataset).inputs
    assert isinstance(inputs, FittedColumns)
    network = {
        "numeric": len(inputs.encoding.numeric_names),
        "categories": list(inputs.categories),
        "tasks": 1,
        "shared": [4],
        "head": [3],
        "embedding": 2,
    }
    about = {
        "tasks": ["repaid"],
        "network": network,
        "thresholds": {"repaid": {"logit": 0.0, "probability": 0.5}},
        "data": {"name": dataset.name},
    }
    readers = make_row_readers(inputs, {"": schema}, ())
    save(ExportedModel(Perceptron(**network), readers, about), folder)  # type: ignore[arg-type]
    return paretofair.load(folder), inputs.encode(np.arange(len(dataset)))


def check(model: ExportedModel, frame: pd.DataFrame, expected: np.ndarray, caplog: Any) -> None:
    caplog.clear()
    torch.testing.assert_close(model.encode(frame), torch.tensor(expected, dtype=torch.float32), rtol=0, atol=0)
    # Categories that occur beside the training rows alone may be told, and there are none of these here.
    assert not caplog.records


def make_categories(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype({name: "category" for name in frame if name not in ("age", " income")})


def make_floats(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype({"zip": float, "code": "Int64"})


@pytest.fixture(scope="module")
def known(tmp_path_factory) -> tuple[Path, ExportedModel, np.ndarray]:
    folder = tmp_path_factory.mktemp("exported")
    path = write(folder / "data.csv")
    return path, *export(make_schema(path), folder / "model")


@pytest.mark.parametrize(
    "read",
    [
        lambda path: pd.read_csv(path),
        lambda path: pd.read_csv(path, dtype=str),
        lambda path: pd.read_csv(path, dtype=str, keep_default_na=False),
        lambda path: pd.read_csv(path, dtype=object),
        lambda path: pd.read_csv(path, dtype_backend="numpy_nullable"),
        lambda path: pd.read_csv(path, dtype_backend="pyarrow"),
        lambda path: pd.read_csv(path).convert_dtypes(),
        lambda path: pd.read_csv(path, na_values=["?", " ?"], skipinitialspace=True),
        lambda path: pd.read_csv(path, parse_dates=["day"]),
        lambda path: pd.read_csv(path, engine="python").rename(columns=str.strip),
        lambda path: make_categories(pd.read_csv(path)),
        lambda path: make_floats(pd.read_csv(path)),
    ],
)
def test_whatever_pandas_infers(known, caplog, read: Callable[[Path], pd.DataFrame]):
    path, model, expected = known
    check(model, read(path), expected, caplog)


def test_the_file_as_training_reads_it(known, caplog):
    path, model, expected = known
    frame = model.read_csv(path)
    assert frame["age"].dtype == float
    assert frame["repaid"].isin(["0", "1"]).all()
    check(model, frame, expected, caplog)
    # A part of the rows in another order has the same scores.
    some = frame.sample(50, random_state=0)
    check(model, some, expected[some.index], caplog)


def test_a_file_with_other_marks(tmp_path, caplog):
    path = write(tmp_path / "data.csv", separator=";")
    path.write_text(path.read_text().replace("income", "income;debt", 1))
    lines = path.read_text().splitlines()
    places = lines[0].split(";")
    rows = [line.split(";") for line in lines[1:]]
    for number, row in enumerate(rows):
        row[places.index(" income")] = row[places.index(" income")].replace(".", ",")
        row.insert(places.index("debt"), f"{number % 7}.{number % 10}00,5")
    path.write_text("\n".join([lines[0], *(";".join(row) for row in rows)]) + "\n", encoding="latin-1")
    inputs = {"numeric": ["age", "income", "debt"], "categorical": ["own", "work", "ed", "zip"]}
    schema = make_schema(path, separator=";", decimal=",", thousands=".", encoding="latin-1", inputs=inputs)
    model, expected = export(schema, tmp_path / "model")
    assert expected[:, 2].std() > 0
    check(model, model.read_csv(path), expected, caplog)
    check(model, pd.read_csv(path, sep=";", dtype=str), expected, caplog)
    check(model, pd.read_csv(path, sep=";", decimal=",", thousands="."), expected, caplog)


def test_a_word_that_is_missing_here_and_a_word_that_is_a_value(tmp_path, caplog):
    path = write(tmp_path / "data.csv")
    path.write_text(path.read_text().replace("A12", "NA").replace("501,", "-9,"))
    missing = {"add": [-9], "remove": ["NA"]}
    model, expected = export(make_schema(path, missing=missing), tmp_path / "model")
    check(model, model.read_csv(path), expected, caplog)
    check(model, pd.read_csv(path, keep_default_na=False), expected, caplog)
    words = (
        "column mixed: found a missing value, which 'NA' was before pandas read it; read the file with model.read_csv"
    )
    with pytest.raises(DataError, match=words):
        model.encode(pd.read_csv(path))


def test_what_cannot_be_told_apart_is_an_error(tmp_path):
    path = write(tmp_path / "data.csv")
    text = path.read_text().replace("TRUE", "True")
    lines = text.splitlines()
    path.write_text("\n".join([lines[0], *(line.replace("True", "true") for line in lines[1:200]), *lines[200:]]))
    model, _ = export(make_schema(path), tmp_path / "model")
    frame = pd.read_csv(path)
    assert frame["own"].dtype == bool
    with pytest.raises(DataError, match="column own: found True, which 'True', 'true' were before pandas read it"):
        model.encode(frame)
    with pytest.raises(DataError, match="column ed holds dates, training read texts such as 'BA', 'HS'"):
        model.encode(frame.assign(own="FALSE", ed=pd.Timestamp("2020-01-01")))
    with pytest.raises(DataError, match="the frame has 2 columns of the name zip"):
        model.encode(pd.concat([frame, frame[["zip"]]], axis=1))
    with pytest.raises(DataError, match=r"column age, row 3: found '1,000'; expected a number: it is a number with"):
        model.encode(frame.assign(age=frame["age"].where(frame.index != 3, "1,000")))
    with pytest.raises(DataError, match=r"column age, row 3: found inf; expected a number"):
        model.encode(frame.assign(age=np.where(frame.index == 3, np.inf, 1.0)))


def test_a_value_that_training_did_not_see_is_told(known, caplog):
    path, model, _ = known
    frame = model.read_csv(path)
    model.encode(frame.assign(work=np.where(frame.index < 7, "Never", frame["work"])))
    assert "7 of 600 rows have a value of work that was not seen in training (" in caplog.text


def test_a_model_of_a_known_data_set_reads_no_file(known):
    path, model, _ = known
    about = {**model.about, "data": {"name": "lsac"}}
    with pytest.raises(
        DataError, match="the model was trained on lsac and not on a table of one's own; give it a frame"
    ):
        ExportedModel(model.module, {"": RowReader(model.rows.encoding)}, about).read_csv(path)


CELLS = st.sampled_from(
    [
        *("", "?", "NA", "None", "null", "nan", "a", "A", " a", "1", "01", "1.0", "1.50", "1e3", "1000", "-0", "0"),
        *("True", "TRUE", "false", "FALSE", "yes", "2013-01-05", "20130105", "12:30", "inf", "1_000", "0x10", "é"),
        *("12345678901234567", "12345678901234568", "missing", ".", "+5", "5.", ".5", "1,5"),
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(CELLS, min_size=2, max_size=6, unique=True),
    others=st.lists(CELLS, min_size=2, max_size=6, unique=True),
    nullable=st.booleans(),
)
def test_any_cells(tmp_path, cells, others, nullable):
    """Either the frame of pandas is scored as the file was, or an error says why it cannot be told."""
    rows = 120
    frame = pd.DataFrame(
        {
            "sex": ["f", "m"] * (rows // 2),
            "number": [f"{row % 11}" for row in range(rows)],
            "one": [cells[row % len(cells)] for row in range(rows)],
            "two": [others[row % len(others)] for row in range(rows)],
            "repaid": [row // 2 % 2 for row in range(rows)],
        }
    )
    path = tmp_path / "data.csv"
    frame.to_csv(path, index=False)
    inputs = {"numeric": ["number"], "categorical": ["one", "two"]}
    try:
        model, expected = export(make_schema(path, inputs=inputs), tmp_path / "model")
    except DataError:
        return
    exact = torch.tensor(expected, dtype=torch.float32)
    assert torch.equal(model.encode(model.read_csv(path)), exact)
    assert torch.equal(model.encode(pd.read_csv(path, dtype=str, keep_default_na=False)), exact)
    frame = pd.read_csv(path, **({"dtype_backend": "numpy_nullable"} if nullable else {}))
    try:
        found = model.encode(frame)
    except DataError as error:
        said = str(error)
    else:
        said = "" if torch.equal(found, exact) else "other scores"
    assert not said or "before pandas read it; read the file with model.read_csv" in said


@pytest.mark.ray
def test_the_whole_way(tmp_path, ray_address):
    """Decisions of the exported model on a frame of pandas have the errors and gaps of the trial table, to the last."""
    path = write(tmp_path / "data.csv")
    (tmp_path / "space.yaml").write_text(
        f"""\
name: exported
data:
  csv:
    path: data.csv
    tasks: {{repaid: repaid}}
    sensitive: {{sex: sex}}
    inputs: {{numeric: [age, income], categorical: [{", ".join(CATEGORICAL)}]}}
  sensitive: sex
network: {{shared: [8], head: [4], embedding: 3}}
training: {{batch_size: 64}}
parameters: {{learning_rate: 0.1, epochs: 3, task_weight: simplex}}
methods: {{vanilla: }}
seeds: [0]
stages: {{baselines: {{runs: 2, parameters: {{learning_rate: 0.1}}}}, sweep: {{trials: 3}}}}
"""
    )
    run = tmp_path / "out"
    done = launch.call(main, "--space", tmp_path / "space.yaml", "--output", run, RAY_ADDRESS=ray_address)
    assert done.returncode == 0, done.stdout + done.stderr
    row = TrialTable(run).read().query("stage == 'sweep'").iloc[0]
    exported = paretofair.export_trial(run, row["trial_id"])
    assert exported.difference == 0
    model = paretofair.load(exported.folder)
    data = read_csv_dataset(make_schema(path))
    labels, test = data.labels[:, 0], data.is_test
    for frame in (pd.read_csv(path), model.read_csv(path)):
        wrong = model.predict(frame)["repaid"].to_numpy() != labels
        assert wrong[test].mean() == row["test_error_repaid"]
    assert 'frame = model.read_csv("data.csv")' in (exported.folder / "README.md").read_text()
