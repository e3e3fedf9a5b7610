"""CelebA's identities: published layout and cut made up for the test, and the real cut."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

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


@pytest.mark.real_data
def test_the_real_cut():
    cut = split(load("faces", source="real", options={"size": 16, "test": 0.2308}))
    counts = {name: len(np.unique(part.labels)) for name, part in cut.parts.items()}
    assert counts == {"train": 100, "validation": 100, "test": 30}
