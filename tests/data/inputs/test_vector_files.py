"""Files of embeddings in every form, and files that are none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from paretofair.data.inputs.vector_files import VectorFile
from paretofair.errors import DataError

VECTORS = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float16)
KEYS = np.array([7, 3, 12, 1, 40])


def write(path, name):
    """The same vectors in the form of this name, and what is said of the file."""
    where = path / name
    if name == "one.npz":
        np.savez(where, image_id=KEYS, embedding=VECTORS)
        return VectorFile(str(where))
    if name == "several.npz":
        np.savez_compressed(where, image_id=KEYS, other=KEYS[::-1], embedding=VECTORS, more=VECTORS[:, :2])
        return VectorFile(str(where), "embedding", "image_id")
    if name == "v.npy":
        np.save(where, VECTORS)
        (path / "ids.txt").write_text("\n".join(map(str, KEYS)) + "\n")
        return VectorFile(str(where), keys=str(path / "ids.txt"))
    if name == "w.npy":
        np.save(where, VECTORS)
        np.save(path / "ids.npy", KEYS)
        return VectorFile(str(where), keys=str(path / "ids.npy"))
    if name == "lists.parquet":
        pd.DataFrame({"id": KEYS, "vector": list(VECTORS.astype(np.float32))}).to_parquet(where)
        return VectorFile(str(where))
    columns = {f"x{place}": column for place, column in enumerate(VECTORS.T.astype(np.float32))}
    pd.DataFrame({"id": KEYS, **columns}).to_parquet(where)
    return VectorFile(str(where))


@pytest.mark.parametrize("name", ["one.npz", "several.npz", "v.npy", "w.npy", "lists.parquet", "columns.parquet"])
def test_every_form_gives_the_same(tmp_path, name):
    file = write(tmp_path, name)
    np.testing.assert_array_equal(file.read_vectors(), VECTORS)
    assert file.read_vectors().dtype == (np.float32 if name.endswith("parquet") else np.float16)
    assert [str(key) for key in file.read_keys()] == [str(key) for key in KEYS]


@pytest.mark.parametrize(
    ("arrays", "given", "says"),
    [
        ({"keys": [1, 1], "v": np.ones((2, 2))}, {}, "the key '1' stands twice, at places 0 and 1"),
        ({"keys": [1, 2, 3], "v": np.ones((2, 2))}, {}, r"keys of shape \(3,\) for 2 vectors"),
        ({"v": np.ones((2, 2))}, {}, "has no candidates for `keys`"),
        ({"keys": [1, 2], "v": np.ones((2, 2)), "w": np.ones((2, 3))}, {}, r"has 2 candidates for `vectors` \(v, w\)"),
        ({"keys": [1, 2], "v": np.ones((2, 2))}, {"vectors": "u"}, "has no vectors 'u'"),
        ({"keys": [1, 2], "v": np.array([["a"], ["b"]])}, {}, "vectors are <U1 of shape"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, arrays, given, says):
    path = tmp_path / "vectors.npz"
    np.savez(path, **{name: np.asarray(each) for name, each in arrays.items()})
    with pytest.raises(DataError, match=r"vectors\.npz: ") as told:
        VectorFile(str(path), **given).read_keys()
    assert told.match(says)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("v.txt", b"", "its name ends in '.txt'; accepted: .npz, .npy, .parquet"),
        ("v.npz", b"PK\x03\x04 cut short", "can't be read"),
        ("v.npy", b"", "an .npy file has no keys"),
        ("v.parquet", b"nothing", "can't be read"),
    ],
)
def test_a_file_that_is_none(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as told:
        VectorFile(str(tmp_path / name)).read_vectors()
    assert says in str(told.value)


@pytest.mark.parametrize("lists", [[[1.0], [2.0, 3.0, 4.0]], [[1.0, 2.0], None]])
def test_lists_of_several_widths_are_refused(tmp_path, lists):
    """Even where all numbers together would fill rows of one width."""
    pd.DataFrame({"id": [1, 2], "v": lists}).to_parquet(tmp_path / "v.parquet")
    with pytest.raises(DataError, match="not all of one width"):
        VectorFile(str(tmp_path / "v.parquet")).read_vectors()


def test_rows_without_a_key_are_refused(tmp_path):
    table = pd.DataFrame({"id": pd.array([1, None], dtype="Int64"), "v": [[1.0], [2.0]]})
    table.to_parquet(tmp_path / "v.parquet")
    with pytest.raises(DataError, match="1 of 2 rows have no key in the column 'id'"):
        VectorFile(str(tmp_path / "v.parquet")).read_keys()


def test_arrays_under_the_name_of_another_form(tmp_path):
    np.save(tmp_path / "v.npy", VECTORS)
    np.savez(tmp_path / "keys.npz", KEYS)
    (tmp_path / "keys.npz").rename(tmp_path / "keys.npy")
    with pytest.raises(DataError, match=r"v\.npy: its keys in .*keys\.npy can't be read"):
        VectorFile(str(tmp_path / "v.npy"), keys=str(tmp_path / "keys.npy")).read_keys()
    (tmp_path / "v.npy").rename(tmp_path / "v.npz")
    with pytest.raises(DataError, match=r"v\.npz: can't be read: File is not a zip file"):
        VectorFile(str(tmp_path / "v.npz")).read_vectors()


def test_damage_inside_an_archive_is_told(tmp_path):
    np.savez_compressed(tmp_path / "v.npz", keys=np.arange(2000), v=np.random.default_rng(0).normal(size=(2000, 3)))
    content = bytearray((tmp_path / "v.npz").read_bytes())
    content[200:240] = b"\xff" * 40
    (tmp_path / "v.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"v\.npz: can't be read"):
        VectorFile(str(tmp_path / "v.npz")).read_vectors()


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="can't be read: No such file"):
        VectorFile(str(tmp_path / "v.npz")).read_vectors()


def test_nothing_is_unpickled(tmp_path):
    np.savez(tmp_path / "v.npz", keys=np.array([{}, {}], dtype=object), v=np.ones((2, 2)))
    with pytest.raises(DataError, match="can't be read"):
        VectorFile(str(tmp_path / "v.npz")).read_keys()
