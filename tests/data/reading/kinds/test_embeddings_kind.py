"""`inputs: {embeddings: …}` of a table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from paretofair.data import CsvSchema, read_csv_dataset, split
from paretofair.errors import DataError

ROWS = 40


def write(folder, keys=None, file="vectors.npz"):
    random = np.random.default_rng(0)
    names = [f"p{number}" for number in range(ROWS)]
    table = pd.DataFrame({"id": names if keys is None else keys, "sex": ["f", "m"] * (ROWS // 2)})
    table["y"] = random.integers(0, 2, ROWS)
    table.to_csv(folder / "table.csv", index=False)
    vectors = random.normal(size=(ROWS + 2, 5)).astype(np.float16)
    known = [*names, "more", "still"]
    if file.endswith("npz"):
        np.savez(folder / file, names=known, embedding=vectors)
    else:
        np.save(folder / file, vectors)
        (folder / "names.txt").write_text("\n".join(known))
    return vectors


def schema(**given):
    inputs = {"embeddings": {"file": "vectors.npz", "key": "id", **given}}
    return CsvSchema.model_validate(
        {"path": "table.csv", "tasks": {"y": "y"}, "sensitive": {"sex": "sex"}, "inputs": inputs}
    )


@pytest.mark.parametrize(
    "given", [{}, {"keys": "names", "vectors": "embedding"}, {"file": "v.npy", "keys": "names.txt"}]
)
def test_every_row_has_its_vector(tmp_path, given):
    file = given.get("file", "vectors.npz")
    vectors = write(tmp_path, file=file)
    dataset = read_csv_dataset(schema(**given), tmp_path)
    np.testing.assert_array_equal(dataset.inputs.read(np.arange(ROWS)), vectors[:ROWS])
    assert dataset.inputs.read(np.arange(3)).dtype == np.float16
    assert set(dataset.checksums) == {"table.csv", file}
    assert any("2 vectors are in" in note for note in dataset.notes)
    fitted = split(dataset).inputs
    assert fitted.on(np.arange(4), torch.device("cpu"), torch.float32).vectors.dtype == torch.float16


def test_another_file_is_another_data_set(tmp_path):
    write(tmp_path)
    first = read_csv_dataset(schema(), tmp_path).data_id
    assert read_csv_dataset(schema(), tmp_path).data_id == first
    np.savez(tmp_path / "vectors.npz", names=[f"p{number}" for number in range(ROWS)], embedding=np.eye(ROWS))
    assert read_csv_dataset(schema(), tmp_path).data_id != first


def test_a_key_without_a_vector_is_told_with_its_row(tmp_path):
    write(tmp_path, keys=[f"p{number}" if number != 3 else "q" for number in range(ROWS)])
    with pytest.raises(DataError, match=r"column 'id': no vector in vectors\.npz has the key 'q'") as told:
        read_csv_dataset(schema(), tmp_path)
    assert told.match("line 5")


def test_what_is_wrong_with_the_file_is_told(tmp_path):
    write(tmp_path)
    with pytest.raises(DataError, match="has no vectors 'embeding'; did you mean 'embedding'"):
        read_csv_dataset(schema(vectors="embeding"), tmp_path)
    with pytest.raises(DataError, match="can't be read: No such file"):
        read_csv_dataset(schema(file="none.npz"), tmp_path)
