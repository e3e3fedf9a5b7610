"""Prints what a shell needs to complete the commands and options of `paretofair`.

eval "$(paretofair completion bash)"       in ~/.bashrc
eval "$(paretofair completion zsh)"        in ~/.zshrc
paretofair completion fish | source        in ~/.config/fish/config.fish
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from paretofair.cli.program import make_parser

_BASH = """_paretofair() {{
    local word=${{COMP_WORDS[COMP_CWORD]}}
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "{commands}" -- "$word"))
        return
    fi
    local options=""
    case "${{COMP_WORDS[1]}}" in
{cases}
    esac
    case "$word" in
        -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
        *) COMPREPLY=($(compgen -f -- "$word")) ;;
    esac
}}
complete -o filenames -F _paretofair paretofair
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    options = parser().parse_args(arguments)
    print(spell_completion(options.shell, list_options()), end="")
    return 0


def list_options() -> dict[str, list[str]]:
    """The options of every command."""
    from paretofair.cli.main import COMMANDS, import_command

    parsers = {name: import_command(name).parser() for name in COMMANDS}
    return {
        name: [each for action in known._actions for each in action.option_strings if each.startswith("--")]
        for name, known in parsers.items()
    }


def spell_completion(shell: str, options: Mapping[str, Sequence[str]]) -> str:
    """The script for a shell."""
    if shell == "fish":
        commands = " ".join(options)
        lines = [f"complete -c paretofair -n __fish_use_subcommand -f -a '{commands}'"]
        for name, own in options.items():
            lines += [f"complete -c paretofair -n '__fish_seen_subcommand_from {name}' -l {each[2:]}" for each in own]
        return "\n".join(lines) + "\n"
    cases = "\n".join(f'        {name}) options="{" ".join(own)}" ;;' for name, own in options.items())
    script = _BASH.format(commands=" ".join(options), cases=cases)
    # zsh runs what is written for bash.
    return "autoload -U +X bashcompinit && bashcompinit\n" + script if shell == "zsh" else script


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = make_parser("completion", __doc__)
    command.add_argument("shell", choices=("bash", "zsh", "fish"))
    return command
