import dataclasses
import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from paretofair.data import DATASETS, Dataset, DatasetSource, load, split
from paretofair.data.fetch import find, obtain
from paretofair.data.source import DataFile, FileForm
from paretofair.errors import DataError

pytestmark = pytest.mark.usefixtures("isolated")

CONTENT = {"one.csv": b"first", "two.csv": b"second"}
Put = Callable[..., Path]


def checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder that plays the public address."""
    folder = tmp_path / "site"
    folder.mkdir()
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def source(toy: Callable[..., Dataset], site: Path) -> DatasetSource:
    return DatasetSource(
        name="toy",
        tasks=("first", "second"),
        group_names={"sex": ("Female", "Male"), "race": ("A", "B", "C")},
        files=tuple(
            DataFile(
                name,
                (
                    FileForm(checksum(b"other form")),
                    FileForm(checksum(content), None, (site / name).as_uri()),
                ),
            )
            for name, content in CONTENT.items()
        ),
        read=lambda folder: toy(checksums={"folder": str(folder)}),
        simulate=lambda: toy(source="simulated", checksums={}),
    )


def put(folder: Path, *names: str, content: bytes | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or CONTENT:
        (folder / name).write_bytes(CONTENT[name] if content is None else content)
    return folder


def test_lookup_order(source: DatasetSource, isolated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = [
        put(isolated / "given" / "toy"),
        put(isolated / "given"),
        put(isolated / "variable" / "toy"),
        put(isolated / "variable"),
        put(Path("data/toy")),
        put(Path("data")),
        put(isolated / "cache" / "data" / "toy"),
    ]
    monkeypatch.setenv("PARETOFAIR_DATA", str(isolated / "variable"))
    for place in places:
        assert find(source, isolated / "given").folder == place
        for name in CONTENT:
            (place / name).unlink()
    search = find(source, isolated / "given")
    assert search.folder is None
    assert len(search.failures) == 9  # two places in each of four folders, and the download


def test_a_place_needs_every_file(source: DatasetSource, isolated: Path) -> None:
    put(isolated / "given" / "toy", "one.csv")
    whole = put(Path("data/toy"))
    search = find(source, isolated / "given")
    assert search.folder == whole
    assert any("lacks two.csv" in failure for failure in search.failures)


def test_every_form_is_accepted(source: DatasetSource, isolated: Path) -> None:
    put(isolated / "given" / "toy", content=b"other form")
    assert find(source, isolated / "given").folder == isolated / "given" / "toy"


@pytest.mark.parametrize("wanted", ["auto", "real"])
@pytest.mark.parametrize("names", [("one.csv",), ("two.csv",), ("one.csv", "two.csv")])
def test_wrong_checksum_never_goes_on(
    source: DatasetSource, isolated: Path, wanted: str, names: tuple[str, ...]
) -> None:
    place = put(isolated / "given" / "toy", *names, content=b"forged")
    put(Path("data/toy"))
    with pytest.raises(DataError, match="wrong checksum") as caught:
        obtain(source, wanted, isolated / "given")
    message = str(caught.value)
    assert str(place / names[0]) in message
    assert checksum(b"forged") in message
    assert checksum(CONTENT[names[0]]) in message
    assert "replace the file" in message


def test_auto_simulates_with_a_loud_notice(source: DatasetSource, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="paretofair"):
        assert obtain(source, "auto", None).source == "simulated"
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.name == "paretofair"
    for expected in ("SIMULATED", "data/toy", "PARETOFAIR_OFFLINE is set", "one.csv from file:"):
        assert expected in record.getMessage()


def test_real_lists_every_place(source: DatasetSource, isolated: Path) -> None:
    given = put(isolated / "given", "one.csv")
    with pytest.raises(DataError) as caught:
        obtain(source, "real", given)
    for expected in (
        "PARETOFAIR_DATA: not set",
        f"{given / 'toy'}: no such directory",
        f"{given}: lacks two.csv",
        str(isolated / "cache" / "data"),
        "download: not tried, PARETOFAIR_OFFLINE is set",
        "two.csv from file:",
    ):
        assert expected in str(caught.value)


def test_simulated_looks_nowhere(source: DatasetSource, isolated: Path, caplog: pytest.LogCaptureFixture) -> None:
    given = put(isolated / "given", content=b"forged")
    assert obtain(source, "simulated", given).source == "simulated"
    assert not caplog.records


@pytest.mark.parametrize("wanted", ["auto", "real", "simulated"])
def test_the_data_folder_must_be_a_directory(source: DatasetSource, isolated: Path, wanted: str) -> None:
    (isolated / "file").touch()
    for wrong in ("none", "file"):
        with pytest.raises(DataError, match=f"{wrong}' is not a directory"):
            obtain(source, wanted, isolated / wrong)


def test_download_into_the_cache(
    source: DatasetSource, isolated: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARETOFAIR_OFFLINE", "0")
    cached = isolated / "cache" / "data" / "toy"
    assert obtain(source, "real", None).checksums == {"folder": str(cached)}
    assert {path.name: path.read_bytes() for path in cached.iterdir()} == CONTENT

    # What is cached is not fetched again, what is lacking is.
    (site / "one.csv").unlink()
    (cached / "two.csv").unlink()
    assert find(source).folder == cached


def test_a_forged_download_is_an_error_and_leaves_nothing(
    source: DatasetSource, isolated: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PARETOFAIR_OFFLINE")
    (site / "two.csv").write_bytes(b"<html>please log in</html>")
    with pytest.raises(DataError, match=r"two\.csv: wrong checksum"):
        obtain(source, "auto", None)
    assert os.listdir(isolated / "cache" / "data" / "toy") == ["one.csv"]


def test_a_failing_download_is_one_more_reason(
    source: DatasetSource, isolated: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PARETOFAIR_OFFLINE")
    (site / "two.csv").unlink()
    assert obtain(source, "auto", None).source == "simulated"
    with pytest.raises(DataError, match=r"download: file:.*two\.csv"):
        obtain(source, "real", None)
    assert os.listdir(isolated / "cache" / "data" / "toy") == ["one.csv"]


def test_an_unreachable_server_and_an_unusable_cache(
    source: DatasetSource, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PARETOFAIR_OFFLINE")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    form = FileForm(checksum(b"x"), None, "http://127.0.0.1:9/one.csv")
    unreachable = dataclasses.replace(source, files=(DataFile("one.csv", (form,)),))
    with pytest.raises(DataError, match=r"download: http://127\.0\.0\.1:9/one\.csv: "):
        obtain(unreachable, "real", None)
    (isolated / "cache" / "data" / "toy").rmdir()
    (isolated / "cache" / "data" / "toy").write_text("in the way")
    with pytest.raises(DataError, match="download: "):
        obtain(source, "real", None)


def test_load_rejects_unknown_names() -> None:
    with pytest.raises(DataError, match="no data set is called 'lsca'; did you mean 'lsac'"):
        load("lsca")
    with pytest.raises(DataError, match="data source is 'fake'; accepted: auto, real, simulated"):
        load("lsac", source="fake")


def test_load_uses_the_registry(caplog: pytest.LogCaptureFixture) -> None:
    assert load("lsac").source == "simulated"
    assert "SIMULATED" in caplog.text
    assert "raw.githubusercontent.com" in caplog.text


def test_without_a_stand_in_the_real_data_are_needed(source: DatasetSource, isolated: Path) -> None:
    alone = dataclasses.replace(source, simulate=None)
    with pytest.raises(DataError, match=r"'toy' has no simulated stand-in(.|\n)*FOLDER/toy/"):
        obtain(alone, "simulated", None)
    with pytest.raises(DataError, match=r"'toy' can't be had. Looked at:"):
        obtain(alone, "auto", None)
    assert obtain(alone, "auto", put(isolated / "given")).source == "real"


def test_a_folder_of_another_name(source: DatasetSource, isolated: Path) -> None:
    shared = dataclasses.replace(source, folder="study")
    place = put(isolated / "given" / "study")
    assert find(shared, isolated / "given").folder == place
    with pytest.raises(DataError, match="FOLDER/study/"):
        obtain(shared, "real", None)


def test_columns_that_must_not_be_kept_are_not(
    source: DatasetSource, isolated: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PARETOFAIR_OFFLINE")
    published, kept = b'id,name,charge\n1,somebody,"theft, grand"\n', b'id,charge\n1,"theft, grand"\n'
    (site / "one.csv").write_bytes(published)
    address = (site / "one.csv").as_uri()
    forms = FileForm(checksum(kept)), FileForm(checksum(published), None, address, drop=("name",))
    obtain(dataclasses.replace(source, files=(DataFile("one.csv", forms),)), "real", None)
    cached = isolated / "cache" / "data" / "toy"
    assert {path.name: path.read_bytes() for path in cached.iterdir()} == {"one.csv": kept}


@pytest.mark.parametrize("name", list(DATASETS))
def test_contract_of_a_data_set(name: str) -> None:
    """What every entry of the registry must keep."""
    entry = DATASETS[name]
    assert entry.name == name
    assert entry.files
    for file in entry.files:
        assert file.address is None or file.address.startswith("https://")
        assert file.forms or file.origin
        assert all(len(form.sha256) == 64 for form in file.forms)
    if entry.simulate is None:
        return
    data = entry.simulate()
    assert data.name == name
    assert data.source == "simulated"
    assert data.checksums == {}
    assert data.tasks == entry.tasks
    assert tuple(data.groups) == entry.attributes
    assert data.group_names == entry.group_names
    assert data.data_id == entry.simulate().data_id
    assert data.is_test.any()
    assert not data.is_test.all()


# CheXpert is given to those who sign its agreement alone: `sets/images/test_xrays.py` reads made files of its layout.
AT_HAND = [name for name in DATASETS if name != "chexpert"]


@pytest.mark.real_data
@pytest.mark.parametrize("name", AT_HAND)
def test_contract_of_a_real_data_set(name: str, real_folder: Callable[[str], Path]) -> None:
    entry = DATASETS[name]
    data = entry.read(real_folder(name))
    assert (data.name, data.source, data.tasks) == (name, "real", entry.tasks)
    assert tuple(data.groups) == entry.attributes
    assert data.group_names == entry.group_names
    assert data.checksums
    names = [{file.name for file in layout.files} for layout in entry.layouts]
    assert any(own == set(data.checksums) or (entry.others and own > set(data.checksums)) for own in names)
    for attribute, members in data.groups.items():
        assert set(members.tolist()) - {-1} == set(range(len(data.group_names[attribute])))
    split(data)


@pytest.mark.real_data
@pytest.mark.parametrize("name", [name for name in AT_HAND if not DATASETS[name].others])
def test_a_changed_byte_is_an_error(name: str, real_folder: Callable[[str], Path], tmp_path: Path) -> None:
    entry = DATASETS[name]
    for file in entry.files:
        (tmp_path / file.name).write_bytes((real_folder(name) / file.name).read_bytes() + b"\n\n")
    with pytest.raises(DataError, match=r"wrong checksum"):
        entry.read(tmp_path)
