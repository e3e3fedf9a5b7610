"""Chest X-rays: official lists and cuts made up for the test, uncertain labels, splits by patient."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from paretofair.data import load, split, with_tasks
from paretofair.data.sets.images.xrays import (
    FINDINGS,
    CheXpertOptions,
    XrayOptions,
    read_chexpert,
    read_nih,
    simulate_chexpert,
)
from paretofair.errors import DataError
from tests.pictures import pack, write_pictures

SMALL = XrayOptions(size=8)


def write_nih(folder, rows=60):
    names = write_pictures(folder / "images", rows, suffix=".png")
    table = pd.DataFrame(
        {
            "Image Index": names,
            "Finding Labels": ["No Finding", "Effusion|Mass", "Effusion"] * (rows // 3),
            "Patient ID": np.arange(rows) // 2,
            "Patient Age": np.arange(rows) + 15,
            "Patient Gender": np.where(np.arange(rows) // 2 % 2, "M", "F"),
        }
    )
    table.to_csv(folder / "Data_Entry_2017.csv", index=False)
    return table


def test_layouts_of_the_nih_give_the_same_rows(tmp_path):
    folder = tmp_path / "nih_chestxray"
    table = write_nih(folder)
    data = read_nih(folder, SMALL)
    assert data.labels[:3, FINDINGS.index("Effusion")].tolist() == [0, 1, 1]
    assert data.labels[:3, FINDINGS.index("No_Finding")].tolist() == [1, 0, 0]
    assert data.groups["sex"][:4].tolist() == [0, 0, 1, 1]
    assert data.groups["age"].tolist() == [0] * 26 + [1] * 20 + [2] * 14
    cut = tmp_path / "nih_cxr_1000"
    cut.mkdir()
    new = ("image", "findings", "patient_id", "age", "sex")
    table.set_axis(list(new), axis=1).to_csv(cut / "labels.csv", index=False)
    pack(folder / "images", cut / "images.zip")
    assert read_nih(cut, SMALL).data_id == data.data_id
    assert read_nih(cut, XrayOptions(size=8, blur="paper")).data_id != data.data_id
    parts = split(with_tasks(data, ["Effusion"])).parts
    patients = [set(part.together.tolist()) for part in parts.values()]
    assert not patients[0] & patients[1] | patients[0] & patients[2] | patients[1] & patients[2]
    table.assign(**{"Finding Labels": "Fracture"}).to_csv(folder / "Data_Entry_2017.csv", index=False)
    with pytest.raises(DataError, match="found the finding 'Fracture'"):
        read_nih(folder, SMALL)


def write_chexpert(folder):
    columns = ["Cardiomegaly", "Edema", "Consolidation", "Atelectasis", "Pleural Effusion"]
    for part, count in (("train", 40), ("valid", 20)):
        rows = []
        for place in range(count):
            own = folder / part / f"patient{place // 2:05d}" / f"study{place % 2}"
            (name,) = write_pictures(own, 1, suffix=".jpg")
            labels = ["", "-1.0", "1.0", "0.0", "-1.0"] if place % 2 else ["1.0", "1.0", "0.0", "", "1.0"]
            path = f"CheXpert-v1.0-small/{own.relative_to(folder)}/{name}"
            rows.append([path, "Male" if place // 2 % 2 else "Female", 30 + place, *labels])
        pd.DataFrame(rows, columns=["Path", "Sex", "Age", *columns]).to_csv(folder / f"{part}.csv", index=False)


@pytest.mark.parametrize(
    ("uncertain", "edema", "effusion"), [("mixed", 1, 0), ("ones", 1, 1), ("zeros", 0, 0), ("ignore", -1, -1)]
)
def test_uncertain_labels_of_chexpert(tmp_path, uncertain, edema, effusion):
    write_chexpert(tmp_path)
    data = read_chexpert(tmp_path, CheXpertOptions(size=8, uncertain=uncertain))
    row = dict(zip(data.tasks, data.labels[1].tolist(), strict=True))
    assert row == {"cardiomegaly": 0, "edema": edema, "consolidation": 1, "atelectasis": 0, "effusion": effusion}
    assert np.bincount(data.part).tolist() == [40, 0, 20]
    assert data.together[0] == data.together[1] != data.together[2]


def test_simulated_patients_stay_together():
    cut = split(simulate_chexpert(CheXpertOptions(size=8)))
    assert not set(cut.train.together) & set(cut.validation.together)
    assert not set(cut.train.together) & set(cut.test.together)


@pytest.mark.real_data
def test_the_real_cut():
    data = with_tasks(load("nih_chestxray", source="real", options={"size": 16}), ["No_Finding"])
    assert len(data) == 1000
    assert len(np.unique(data.together)) == 264
    assert data.labels.sum() == 499
    assert np.bincount(data.groups["sex"]).tolist() == [509, 491]
