"""`paretofair coco`: from annotations to a table that space files read."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from paretofair.cli.data.coco import main
from tests.data.coco.conftest import write_annotations


def test_a_table_from_annotations(tmp_path, capsys):
    files = write_annotations(tmp_path)
    (tmp_path / "words.json").write_text(json.dumps({"man": ["man", "guy"], "woman": ["lady"]}))
    given = ["--instances", str(files.instances), "--captions", str(files.captions), "--objects", "truck, cell phone"]
    output = tmp_path / "coco.csv"
    assert main([*given, "--words", str(tmp_path / "words.json"), "--test", "0.5", "--output", str(output)]) == 0
    table = pd.read_csv(output)
    assert table["image_id"].tolist() == [7, 12]
    assert sorted(table["split"]) == ["test", "train"]
    assert "2 images" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "give --instances and --captions of the same images, or --published"),
        (["--test", "1"], "--test is 1.0; accepted: 0 to less than 1"),
        (["--seed", "-1"], "--seed is -1; accepted: integers from 0"),
        (["--published", "p.csv", "--words", "w.json"], "--published stands alone"),
        (["--published", "none.csv"], "none.csv: can't be read"),
        (["--output", "nowhere/coco.csv"], "there is no folder nowhere"),
    ],
)
def test_wrong_words_are_told_in_a_sentence(tmp_path, monkeypatch, capsys, words, says):
    monkeypatch.chdir(tmp_path)
    assert main(["--output", "coco.csv", *words]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("text", ["[]", '{"man": 1, "woman": []}', "{", '{"man": [1], "woman": ["w"]}'])
def test_words_that_are_none(tmp_path, capsys, text):
    files = write_annotations(tmp_path)
    (tmp_path / "words.json").write_text(text)
    given = ["--instances", str(files.instances), "--captions", str(files.captions)]
    assert main([*given, "--words", str(tmp_path / "words.json"), "--output", str(tmp_path / "x.csv")]) == 2
    assert "words.json" in capsys.readouterr().err
