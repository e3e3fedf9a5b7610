"""COMPAS as published, with names, and without them."""

import csv
import dataclasses
import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from paretofair.data import load
from paretofair.data.fetch import find
from paretofair.data.reading.tables import drop_columns
from paretofair.data.sets import compas as module
from paretofair.data.sets.compas import COMPAS, read_compas
from paretofair.data.source import DataFile, FileForm

# Where the published file has the columns that are dropped: each behind the one named.
PLACES = {
    "name": "id",
    "first": "name",
    "last": "first",
    "dob": "sex",
    "c_case_number": "c_jail_out",
    "r_case_number": "is_recid",
    "vr_case_number": "is_violent_recid",
}


@pytest.fixture
def published(real_folder: Callable[[str], Path], tmp_path: Path) -> Path:
    """The file in its published form, but with made-up names, dates and numbers."""
    (file,) = COMPAS.files
    rows = list(csv.reader((real_folder("compas") / file.name).read_text().splitlines()))
    for column, before in PLACES.items():
        place = rows[0].index(before) + 1
        for number, row in enumerate(rows):
            row.insert(place, column if number == 0 else f'"made, up" {number}')
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / file.name).write_text(text.getvalue())
    return folder / file.name


@pytest.mark.real_data
def test_dropping_the_columns_of_the_published_form_gives_the_other_form(published: Path) -> None:
    (file,) = COMPAS.files
    form = file.forms[1]
    assert set(form.drop) == set(PLACES)
    assert len(published.read_text().splitlines()[0].split(",")) == 53
    drop_columns(published, form.drop)
    assert file.form_of(published) == file.forms[0]


@pytest.mark.real_data
@pytest.mark.usefixtures("isolated")
def test_both_forms_give_the_same_data_set(
    published: Path, real_folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = COMPAS.files
    stand_in = dataclasses.replace(file.forms[1], sha256=hashlib.sha256(published.read_bytes()).hexdigest())
    monkeypatch.setattr(module, "_FILE", DataFile(file.name, (file.forms[0], stand_in)))
    assert read_compas(published.parent).data_id == read_compas(real_folder("compas")).data_id


@pytest.mark.real_data
@pytest.mark.usefixtures("isolated")
def test_a_download_keeps_no_names(published: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARETOFAIR_OFFLINE")
    (file,) = COMPAS.files
    form = FileForm(
        hashlib.sha256(published.read_bytes()).hexdigest(), None, published.as_uri(), drop=file.forms[1].drop
    )
    source = dataclasses.replace(COMPAS, files=(DataFile(file.name, (file.forms[0], form)),))
    folder = find(source).folder
    assert folder == isolated / "cache" / "data" / "compas"
    assert "made, up" not in (folder / file.name).read_text()
    assert read_compas(folder).source == "real"


def test_race_comes_first_and_names_every_group() -> None:
    data = load("compas", source="simulated")
    assert list(data.groups) == ["race", "sex", "race_pair"]
    assert data.group_names["race"][:2] == ("African-American", "Caucasian")
    assert set(data.group_names["race"][2:]) == {"Hispanic", "Other", "Asian", "Native American"}
    race = data.groups["race"]
    np.testing.assert_array_equal(data.groups["race_pair"], np.where(race < 2, race, -1))
