"""The installed command `paretofair`."""

from __future__ import annotations

import sys

import pytest

from paretofair.cli.main import COMMANDS, main, start


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
