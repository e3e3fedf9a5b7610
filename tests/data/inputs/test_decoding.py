"""The decoded pictures of a machine: once, by one process or several, whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256

import numpy as np
import pytest
from PIL import Image

from paretofair.data.inputs import decoding
from paretofair.data.inputs.decoding import PictureFaults, decode_pictures
from paretofair.data.inputs.pictures import PictureForm
from paretofair.errors import DataError
from tests.pictures import pack, write_pictures

FORM = PictureForm(8, 8)


@pytest.fixture
def folder(tmp_path):
    write_pictures(tmp_path / "all", 12)
    return tmp_path / "all"


@pytest.fixture
def in_several_processes(monkeypatch):
    monkeypatch.setattr(decoding, "_OF_EACH_PROCESS", 6)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})


def name_all(folder):
    return sorted(path.name for path in folder.iterdir())


def test_bytes_digests_and_sums(folder):
    names = name_all(folder)
    found = decode_pictures(folder, names, FORM)
    for place, name in enumerate(names):
        content = (folder / name).read_bytes()
        pixels = FORM.decode(content)
        np.testing.assert_array_equal(found.open()[place], pixels)
        assert found.digests[place].tobytes() == sha256(content).digest()[:16]
        plain = pixels.astype(int)
        np.testing.assert_array_equal(found.sums[place, :, 0], plain.sum((1, 2)))
        np.testing.assert_array_equal(found.sums[place, :, 1], (plain**2).sum((1, 2)))


def test_several_processes_write_the_same(folder, own_cache, in_several_processes, monkeypatch, tmp_path):
    names = name_all(folder)
    together = decode_pictures(folder, names, FORM)
    pixels = together.open()[:]
    monkeypatch.setattr(decoding, "_OF_EACH_PROCESS", 1000)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    alone = decode_pictures(folder, names, FORM)
    assert alone.folder != together.folder
    for one, other in ((alone.open(), pixels), (alone.digests, together.digests), (alone.sums, together.sums)):
        np.testing.assert_array_equal(one, other)


def test_a_second_start_reads_no_picture(folder, own_cache, monkeypatch):
    names = name_all(folder)
    first = decode_pictures(folder, names, FORM)
    monkeypatch.setattr(PictureForm, "decode", None)
    assert decode_pictures(folder, names, FORM).folder == first.folder
    assert not list(own_cache.glob("*.partial"))


def test_a_changed_picture_is_read_again(folder, own_cache):
    names = name_all(folder)
    first = decode_pictures(folder, names, FORM)
    Image.new("RGB", (9, 9)).save(folder / names[3])
    second = decode_pictures(folder, names, FORM)
    assert second.folder != first.folder
    assert (second.open()[3] == 0).all()


def test_equal_pictures_elsewhere_share_a_folder(folder, tmp_path):
    names = name_all(folder)
    packed = pack(folder, tmp_path / "all.zip")
    assert decode_pictures(packed, names, FORM).folder == decode_pictures(folder, names, FORM).folder


def test_a_damaged_or_emptied_cache_is_made_again(folder, own_cache):
    names = name_all(folder)
    first = decode_pictures(folder, names, FORM)
    pixels = first.open()[:]
    for path in own_cache.glob("*/digests.npy"):
        path.unlink()
    np.testing.assert_array_equal(decode_pictures(folder, names, FORM).open(), pixels)


@pytest.mark.parametrize("several", [False, True])
def test_every_fault_is_found_and_nothing_is_kept(folder, own_cache, several, request):
    if several:
        request.getfixturevalue("in_several_processes")
    names = name_all(folder)
    (folder / names[2]).write_bytes(b"")
    (folder / names[10]).write_text("hello")
    with pytest.raises(PictureFaults) as caught:
        decode_pictures(folder, names, FORM)
    assert list(caught.value.faults) == [2, 10]
    assert caught.value.faults[2] == "is empty"
    assert not [path for path in own_cache.iterdir() if path.is_dir()]
    with pytest.raises(PictureFaults) as caught:
        decode_pictures(folder, [*names, "0013.png", "faces/0001.png"], FORM)
    assert list(caught.value.faults) == [12, 13]


def test_processes_wait_for_one_another(folder, own_cache, tmp_path):
    """Two that begin together decode once, and both have it."""
    script = (
        "import sys; from pathlib import Path; from paretofair.data.inputs import decoding, pictures\n"
        "folder = Path(sys.argv[1]); names = sorted(each.name for each in folder.iterdir())\n"
        "count = []; plain = decoding._decode_all\n"
        "decoding._decode_all = lambda *each: count.append(1) or plain(*each)\n"
        "found = decoding.decode_pictures(folder, names, pictures.PictureForm(8, 8))\n"
        "print(len(count), found.folder)"
    )
    both = [subprocess.Popen([sys.executable, "-c", script, folder], stdout=subprocess.PIPE) for _ in range(2)]
    words = sorted(each.communicate()[0].decode().split() for each in both)
    assert [count for count, _ in words] == ["0", "1"]
    assert words[0][1] == words[1][1]


def test_without_pillow_one_sentence_is_said(folder, own_cache, in_several_processes, monkeypatch, capfd):
    """Before any process starts, whose traceback would stand above it."""
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(DataError, match=r"pip install 'paretofair\[images\]'"):
        decode_pictures(folder, name_all(folder), FORM)
    assert not capfd.readouterr().err


def test_a_disk_without_room(folder, monkeypatch):
    usage = type("usage", (), {"free": 10})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(DataError, match=r"12 decoded pictures need 0\.0 GB .* set XDG_CACHE_HOME"):
        decode_pictures(folder, name_all(folder), FORM)


def test_a_cache_that_cannot_be_written(folder, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(DataError, match="decoded pictures cannot be kept in"):
        decode_pictures(folder, name_all(folder), FORM)
