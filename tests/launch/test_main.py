"""The installed command `paretofair`."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from paretofair.cli.main import COMMANDS, main, start
from paretofair.cli.program import name_examples


def test_help_names_every_command(capsys):
    assert main(["--help"]) == 0
    words = capsys.readouterr().out
    assert all(name in words for name in COMMANDS)


def test_an_unknown_command_is_told(capsys):
    assert main(["sweeep"]) == 2
    assert "no command 'sweeep'" in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_its_own_name(name, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["paretofair"])
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"usage: paretofair {name}" in capsys.readouterr().out


def test_ctrl_c_while_a_command_is_imported_is_no_error(monkeypatch, capsys):
    def interrupt(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("importlib.import_module", interrupt)
    assert start("sweep", []) == 130
    assert capsys.readouterr().err.strip() == "Interrupted before anything had begun."


def test_python_m_calls_itself_so(capsys):
    done = subprocess.run([sys.executable, "-m", "paretofair", "status", "--help"], capture_output=True, text=True)
    assert "usage: python -m paretofair status" in done.stdout
    assert "python -m paretofair status results/mtaf_lsac" in done.stdout
    assert main(["--version"]) == 0
    assert re.fullmatch(r"paretofair \d+\.\d+.*", capsys.readouterr().out.strip())


def test_examples_are_those_of_the_program_that_was_called(monkeypatch):
    text = "python launch/sweep.py --space a.yaml; a folder of launch/report.py"
    assert name_examples(text) == text.replace("of launch", "of python launch")
    monkeypatch.setattr(sys, "argv", ["paretofair export"])
    assert name_examples(text) == "paretofair sweep --space a.yaml; a folder of paretofair report"
