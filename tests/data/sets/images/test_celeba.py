"""Data sets of faces: published layouts and cuts, made up for the test, and the real cuts."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from paretofair.data import load, split
from paretofair.data.sets.images.celeba import ATTRIBUTES, CELEBA, read_celeba, simulate_celeba
from paretofair.data.sets.images.faces import FaceOptions
from paretofair.data.sets.images.fairface import AGES, FAIRFACE, GENDERS, RACES, read_fairface
from paretofair.errors import DataError
from tests.pictures import pack, write_pictures

SMALL = FaceOptions(size=8)


@pytest.fixture
def published(tmp_path):
    """CelebA's published layout with sixty pictures."""
    folder = tmp_path / "celeba"
    names = write_pictures(folder / "img_align_celeba", 60, suffix=".jpg")
    labels = np.random.default_rng(0).integers(0, 2, (60, 40)) * 2 - 1
    rows = [f"{name} {' '.join(f'{each:2d}' for each in row)}" for name, row in zip(names, labels, strict=True)]
    (folder / "list_attr_celeba.txt").write_text("\n".join(["60", " ".join(ATTRIBUTES), *rows]) + "\n")
    partition = np.arange(60) % 3
    lines = [f"{name} {part}" for name, part in zip(names, partition, strict=True)]
    (folder / "list_eval_partition.txt").write_text("\n".join(lines) + "\n")
    table = pd.DataFrame((labels > 0).astype(int), columns=list(ATTRIBUTES))
    table.insert(0, "file", names)
    table.insert(1, "partition", partition)
    (tmp_path / "celeba_faces").mkdir()
    table.to_csv(tmp_path / "celeba_faces" / "labels.csv", index=False)
    pack(folder / "img_align_celeba", tmp_path / "celeba_faces" / "images.zip")
    return folder


def test_every_layout_of_celeba_gives_the_same_rows(published, tmp_path):
    unpacked = read_celeba(published, SMALL)
    assert unpacked.tasks == ATTRIBUTES
    assert np.bincount(unpacked.part).tolist() == [20, 20, 20]
    assert unpacked.groups["sex"].tolist() == unpacked.labels[:, ATTRIBUTES.index("Male")].tolist()
    archive = tmp_path / "archive" / "celeba"
    archive.mkdir(parents=True)
    for name in ("list_attr_celeba.txt", "list_eval_partition.txt"):
        shutil.copy(published / name, archive)
    folder = tmp_path / "inner"
    shutil.copytree(published / "img_align_celeba", folder / "img_align_celeba")
    pack(folder, archive / "img_align_celeba.zip")
    assert load("celeba", source="real", data_dir=archive.parent, options={"size": 8}).data_id == unpacked.data_id
    assert (
        load("celeba", source="real", data_dir=tmp_path / "celeba_faces", options={"size": 8}).data_id
        == unpacked.data_id
    )


def test_what_is_wrong_with_celeba(published):
    (published / "img_align_celeba" / "0007.jpg").unlink()
    with pytest.raises(DataError, match=r"img_align_celeba: picture '0007.jpg' is not in"):
        read_celeba(published, SMALL)
    (published / "list_eval_partition.txt").write_text("0000.jpg 0\n")
    with pytest.raises(DataError, match=r"list_eval_partition.txt: 0001.jpg has no partition 0, 1 or 2"):
        read_celeba(published, SMALL)
    (published / "list_attr_celeba.txt").write_text("3\nSmiling Young\n0000.jpg 1 -1\n")
    with pytest.raises(DataError, match=r"is no list_attr_celeba.txt of CelebA"):
        read_celeba(published, SMALL)


@pytest.mark.usefixtures("isolated")
@pytest.mark.parametrize("name", ["celeba", "fairface"])
def test_who_lacks_the_pictures_is_told_where_to_ask(name):
    with pytest.raises(DataError) as caught:
        load(name, source="real")
    words = str(caught.value)
    assert {"celeba": "mmlab.ie.cuhk.edu.hk", "fairface": "github.com/joojs/fairface"}[name] in words
    assert "labels.csv, images.zip" in words


def test_simulated_rates_are_those_of_the_table():
    data = simulate_celeba(SMALL)
    women = data.groups["sex"] == 0
    smiling, wavy = (data.labels[:, ATTRIBUTES.index(name)] for name in ("Smiling", "Wavy_Hair"))
    np.testing.assert_allclose([smiling[women].mean(), smiling[~women].mean()], [0.55, 0.40], atol=0.01)
    np.testing.assert_allclose([wavy[women].mean(), wavy[~women].mean()], [0.50, 0.15], atol=0.01)


def make_fairface(folder, count=60):
    random = np.random.default_rng(0)
    parts = np.array(["train", "val"])[np.arange(count) % 2]
    names = [f"{part}/{number}.jpg" for number, part in enumerate(parts)]
    for name, written in zip(names, write_pictures(folder / "all", count, suffix=".jpg"), strict=True):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / "all" / written).rename(folder / name)
    (folder / "all").rmdir()
    columns = {"age": AGES, "gender": GENDERS, "race": RACES}
    rows = pd.DataFrame(
        {"file": names, **{name: random.permutation(np.resize(known, count)) for name, known in columns.items()}}
    )
    return rows.assign(split=parts)


def test_every_layout_of_fairface_gives_the_same_rows(tmp_path):
    folder = tmp_path / "fairface"
    folder.mkdir()
    rows = make_fairface(folder).sort_values("split", kind="stable")
    for part, own in rows.groupby("split"):
        own.drop(columns="split").assign(service_test=True).to_csv(folder / f"fairface_label_{part}.csv", index=False)
    published = read_fairface(folder, SMALL)
    assert published.is_test.sum() == 30
    older = np.array([AGES.index(each) for each in rows["age"]]) >= AGES.index("30-39")
    assert published.labels[:, published.tasks.index("over_29")].tolist() == older.astype(int).tolist()
    cut = tmp_path / "cut"
    cut.mkdir()
    rows.to_csv(cut / "labels.csv", index=False)
    pack(folder, cut / "images.zip")
    assert read_fairface(cut, SMALL).data_id == published.data_id
    rows.assign(age="03-Sep").to_csv(cut / "labels.csv", index=False)
    with pytest.raises(DataError, match=r"labels.csv: line 2, column 'age': found '03-Sep'; accepted: 0-2, 3-9"):
        read_fairface(cut, SMALL)


@pytest.mark.real_data
@pytest.mark.parametrize(("source", "rows"), [(CELEBA, 3848), (FAIRFACE, 4000)])
def test_the_real_cuts(real_folder, source, rows):
    data = source.read(real_folder(source.name), SMALL)
    assert len(data) == rows
    assert split(data).inputs.shape == (3, 8, 8)
