"""`paretofair embed`: from pictures and texts to a file that a space file reads."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from paretofair.cli.data.embed import main
from paretofair.data import read_csv_dataset
from paretofair.data.reading.csv_schema import CsvSchema
from paretofair.models.named import NamedFactory
from tests.pictures import pack, write_pictures

from .conftest import ROOT


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = write_pictures(tmp_path / "pictures", count=30)
    torch.manual_seed(0)
    torch.save(NamedFactory("cnn")((3, 16, 16), 2).state_dict(), "cnn.pt")
    rows = [f"{100 + place},{name},{place % 2},{'fm'[place % 3 == 0]}" for place, name in enumerate(names)]
    (tmp_path / "rows.csv").write_text("\n".join(["id,file,label,sex", *rows]) + "\n")
    return tmp_path


def embed(*arguments: str) -> int:
    return main([*arguments, "--network", "cnn", "--weights", "cnn.pt", "--size", "16"])


def read(**changes):
    given = {"path": "rows.csv", "tasks": {"label": "label"}, "sensitive": {"sex": "sex"}}
    given["inputs"] = {"embeddings": {"file": "v.npz", "key": "id"} | changes}
    return read_csv_dataset(CsvSchema.model_validate(given))


def test_a_table_and_its_pictures_become_inputs(folder, capsys):
    given = ("rows.csv", "--column", "file", "--root", "pictures", "--key", "id")
    assert embed(*given, "--output", "v.npz") == 0
    assert "30 vectors of 128 numbers by cnn" in capsys.readouterr().out
    data = read()
    assert data.inputs.read(np.array([0, 3])).shape == (2, 128)
    assert any("v.npz was made by cnn, weights " in note for note in data.notes)
    assert embed("pictures", "--output", "of_folder.npz", "--half") == 0
    other = read(file="of_folder.npz", key="file")
    np.testing.assert_allclose(other.inputs.read(np.arange(30)), data.inputs.read(np.arange(30)), atol=1e-3)


def test_network_weights_and_pictures_are_part_of_the_identity(folder):
    given = ("pictures", "--output", "v.npz")
    found = set()

    def identify():
        (folder / "v.npz").unlink(missing_ok=True)
        assert embed(*given) == 0
        return read(key="file").data_id

    found.add(identify())
    assert identify() in found  # the same bytes again
    content = dict(np.load("v.npz"))
    about = json.loads(str(content["about"]))
    for name in ("network", "weights_sha256", "examples_sha256"):
        np.savez("v.npz", **content | {"about": np.array(json.dumps(about | {name: "another"}))})
        found.add(read(key="file").data_id)
    assert len(found) == 4


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["rows.csv"], "a table needs --column"),
        (["pictures", "--key", "id"], "--key goes with --column or --text"),
        (["rows.csv", "--text", "file"], "--text needs --key"),
        (["nowhere"], "no such folder or zip archive"),
        (["pictures", "--mean", ".5"], "expected 3 numbers each"),
    ],
)
def test_wrong_words_are_told_in_a_sentence(folder, capsys, arguments, says):
    assert embed(*arguments, "--output", "v.npz") == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("option", [("--size", "0"), ("--mean", "300"), ("--batch-size", "0")])
def test_options_of_another_form(folder, capsys, option):
    with pytest.raises(SystemExit):
        embed("pictures", *option, "--output", "v.npz")
    assert "expected" in capsys.readouterr().err


def test_an_interrupted_command_goes_on(folder):
    """Killed by Ctrl-C while it works, in a process of its own."""
    (folder / "slow.py").write_text(
        "import time, torch\n"
        "class Slow(torch.nn.Module):\n"
        "    def __init__(self, shape, outputs):\n        super().__init__()\n"
        "    def forward(self, pictures):\n        time.sleep(0.1)\n        return pictures.mean((2, 3))\n"
    )
    archive = pack(folder / "pictures", folder / "pictures.zip")
    given = [sys.executable, str(ROOT / "launch" / "embed.py"), archive.name, "--network", "slow:Slow"]
    given += ["--size", "16", "--batch-size", "1", "--output", "v.npz"]
    process = subprocess.Popen(given, cwd=folder, stderr=subprocess.PIPE, text=True)
    vectors = folder / "v.npz.partial" / "vectors.bin"
    while not (vectors.exists() and vectors.stat().st_size):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert "the same command goes on from there" in process.communicate(timeout=60)[1]
    assert process.returncode == 130
    done = subprocess.run(given, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "were there from before" in done.stdout
    assert len(np.load(folder / "v.npz")["key"]) == 30
