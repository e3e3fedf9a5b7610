"""What shells are given to complete commands."""

from __future__ import annotations

import subprocess

import pytest

from paretofair.cli.completion import list_options, spell_completion
from paretofair.cli.main import COMMANDS


def test_every_command_and_option_is_there():
    options = list_options()
    assert list(options) == list(COMMANDS)
    assert {"--space", "--trials", "--dry-run"} <= set(options["sweep"])


@pytest.mark.parametrize(
    ("words", "found"), [(["sw"], {"sweep"}), (["export", "--ru"], {"--rule", "--rules"}), (["sta"], {"status"})]
)
def test_bash_completes(words, found):
    script = spell_completion("bash", list_options())
    line = " ".join(f"'{word}'" for word in ("paretofair", *words))
    script += f"COMP_WORDS=({line}); COMP_CWORD={len(words)}; _paretofair; printf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == found


def test_other_shells():
    assert spell_completion("zsh", {"sweep": ["--space"]}).startswith("autoload")
    assert "-l space" in spell_completion("fish", {"sweep": ["--space"]})
