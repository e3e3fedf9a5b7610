"""CelebA's identities: published layout and cut made up for the test, and the real cut."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from paretofair.data import load, split
from paretofair.data.sets.images.identities import IdentityOptions, read_identities, simulate_identities
from paretofair.errors import DataError
from tests.pictures import pack, write_pictures

SMALL = IdentityOptions(size=8, test=0.3)


@pytest.fixture
def published(tmp_path):
    folder = tmp_path / "celeba"
    names = write_pictures(folder / "img_align_celeba", 60, suffix=".jpg")
    person = np.arange(60) % 6 + 10
    (folder / "identity_CelebA.txt").write_text("".join(f"{n} {p}\n" for n, p in zip(names, person, strict=True)))
    male = np.where(person % 2, 1, -1)
    rows = [f"{name} {1:2d} {own:2d}" for name, own in zip(names, male, strict=True)]
    (folder / "list_attr_celeba.txt").write_text("\n".join(["60", "Young Male", *rows]) + "\n")
    table = pd.DataFrame({"file": names, "identity": person, "Male": (male > 0).astype(int), "recognition": 1})
    other = table.head(3).assign(identity=99, recognition=0)
    (tmp_path / "celeba_faces").mkdir()
    pd.concat([table, other]).to_csv(tmp_path / "celeba_faces" / "labels.csv", index=False)
    pack(folder / "img_align_celeba", tmp_path / "celeba_faces" / "images.zip")
    return folder


def test_layouts_give_the_same_rows(published):
    data = read_identities(published, SMALL)
    assert data.kinds[0].classes == ("10", "11", "12", "13", "14", "15")
    assert data.groups["sex"].tolist() == (data.labels[:, 0] % 2).tolist()
    tested = set(data.labels[data.is_test, 0])
    assert len(tested) == 2
    assert not tested & set(data.labels[~data.is_test, 0])
    assert read_identities(published.parent / "celeba_faces", SMALL).data_id == data.data_id
    (published / "identity_CelebA.txt").write_text("nobody.jpg 3\n")
    with pytest.raises(DataError, match=r"nobody.jpg is not in list_attr_celeba.txt"):
        read_identities(published, SMALL)


def test_simulation_has_people_of_both_sexes_in_both_parts():
    data = simulate_identities(IdentityOptions(size=8))
    cut = split(data)
    for part in cut.parts.values():
        assert set(part.groups[:, 0]) == {0, 1}
    assert len(np.unique(data.labels)) == 40


def test_vectors_stand_in_for_pictures(published, tmp_path):
    people = [f"{place:04d}.jpg" for place in range(60)]
    vectors = np.random.default_rng(0).standard_normal((61, 3)).astype(np.float32)
    np.savez(tmp_path / "faces.npz", key=np.array([*people, "other.jpg"]), embedding=vectors)
    options = IdentityOptions(test=0.3, embeddings=str(tmp_path / "faces.npz"))
    data, pictures = read_identities(published, options), read_identities(published, SMALL)
    np.testing.assert_array_equal(data.inputs.read(np.arange(60)), vectors[:60])
    np.testing.assert_array_equal(data.is_test, pictures.is_test)
    assert set(data.checksums) == {*pictures.checksums, "faces.npz"}
    assert read_identities(published.parent / "celeba_faces", options).data_id == data.data_id
    np.savez(tmp_path / "faces.npz", key=np.array(people[1:]), embedding=vectors[1:60])
    with pytest.raises(DataError, match=r"faces.npz: no vector has the key '0000.jpg', a picture's file"):
        read_identities(published, options)
    with pytest.raises(DataError, match=r"no such file; export RUN --embeddings FILE writes one"):
        read_identities(published, IdentityOptions(embeddings="nothing.npz"))
    with pytest.raises(ValidationError, match=r"size is said of pictures; with embeddings none is read"):
        IdentityOptions(embeddings="faces.npz", size=64)
    made = simulate_identities(options)
    assert (made.source, split(made).inputs.shape) == ("simulated", (24,))


@pytest.mark.real_data
def test_the_real_cut():
    cut = split(load("faces", source="real", options={"size": 16, "test": 0.2308}))
    counts = {name: len(np.unique(part.labels)) for name, part in cut.parts.items()}
    assert counts == {"train": 100, "validation": 100, "test": 30}
