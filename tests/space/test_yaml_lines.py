"""What YAML stands for is bounded before it is read."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from paretofair.errors import SpaceError
from paretofair.space import yaml_lines
from paretofair.space.space import load_space
from paretofair.space.yaml_lines import parse, read_document

from .conftest import edit_text


def spell_bomb(levels: int, repeats: int) -> str:
    """A list of lists of lists, each of which stands there once and is repeated by aliases."""
    lines = [f"a0: &a0 [{', '.join(['x'] * repeats)}]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * repeats)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


def read_peak() -> int:
    """The most memory that this process has ever had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


@pytest.mark.parametrize("text", [spell_bomb(9, 9), spell_bomb(20, 2), spell_bomb(60, 60)])
def test_aliases_are_counted_and_not_written_out(write: Callable[[str], Path], text: str) -> None:
    path, before = write(text), read_peak()
    with pytest.raises(SpaceError, match=r"its aliases stand for more than 100,000 values; write out what is meant$"):
        load_space(path)
    assert read_peak() - before < 200
    with pytest.raises(SpaceError, match="--set a: its aliases"):
        parse(text, "--set a")


def test_merges_are_counted_too() -> None:
    lines = ["a0: &a0 {x: 1, y: 2}"]
    lines += [f"a{n}: &a{n} {{p: {{<<: *a{n - 1}}}, q: {{<<: *a{n - 1}}}}}" for n in range(1, 40)]
    with pytest.raises(SpaceError, match="its aliases stand for more than"):
        parse("\n".join(lines), "space.yaml")


def test_a_mapping_that_merges_itself() -> None:
    document = parse("a: &a\n  <<: *a\n  b: 1\n", "space.yaml")
    assert document.data == {"a": {"b": 1}}
    assert document.traps[("a",)] == "an alias to a value that contains it"


def test_ordinary_aliases_are_values(write: Callable[[str], Path]) -> None:
    document = parse("rate: &rate {uniform: [0, 1]}\nown: [*rate, *rate]\n", "space.yaml")
    assert document.data["own"] == [{"uniform": [0, 1]}] * 2


def test_a_file_that_is_no_space_file_for_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_lines, "MOST_BYTES", 1 << 20)
    large = tmp_path / "large.yaml"
    with large.open("wb") as file:
        file.truncate(8 << 30)
    with pytest.raises(SpaceError, match="larger than 1 MiB; a space file has at most so much"):
        read_document(large)
    with pytest.raises(SpaceError, match="a pipe or a device; expected a file"):
        read_document("/dev/zero")


@pytest.mark.parametrize("number", ["9" * 5_000, "0." + "1" * 5_000, "1e" + "1" * 200])
def test_a_number_of_thousands_of_digits(write: Callable[[str], Path], number: str) -> None:
    path = write(edit_text(("trials: 2000", f"trials: {number}")))
    words = rf"stages.sweep.trials: found a number of {len(number):,} characters; accepted: at most 100$"
    with pytest.raises(SpaceError, match=words):
        load_space(path)


def test_twenty_thousand_seeds(write: Callable[[str], Path]) -> None:
    seeds = list(range(20_000))
    assert load_space(write(edit_text(("seeds: [0, 1, 2]", f"seeds: {seeds}")))).seeds == tuple(seeds)
    repeated = [*seeds, 7, 3]
    with pytest.raises(SpaceError, match=r"seeds: 3 stands in the list more than once"):
        load_space(write(edit_text(("seeds: [0, 1, 2]", f"seeds: {repeated}"))))


@pytest.mark.parametrize(("key", "most"), [("tasks", 1_000), ("sensitive", 100)])
def test_so_many_tasks_and_attributes(write: Callable[[str], Path], key: str, most: int) -> None:
    named = ", ".join(f"n{number}: c{number}" for number in range(most + 1))
    other = {"tasks": "sensitive: {sex: s}", "sensitive": "tasks: {good: g}"}[key]
    text = edit_text(("data: {name: lsac, validation: 0.2, sensitive: sex, audit: [race, sex_x_race]}", "data: DATA"))
    text = text.replace("data: DATA", f"data: {{csv: {{path: x.csv, {key}: {{{named}}}, {other}}}}}")
    with pytest.raises(SpaceError, match=rf"data.csv.{key}: found {most + 1:,}; accepted: at most {most:,}"):
        load_space(write(text))


def test_thirty_sensitive_columns(write: Callable[[str], Path]) -> None:
    """Intersections are looked at where they are named, not in each of 2 ** 30 combinations."""
    named = ", ".join(f"a{number}: c{number}" for number in range(30))
    text = edit_text(("data: {name: lsac, validation: 0.2, sensitive: sex, audit: [race, sex_x_race]}", "data: DATA"))
    text = text.replace("objectives: [arfg_are, high_grade, all]", "objectives: [arfg_are]")
    text = text.replace("task_weight: [0.5, 0.5]", "task_weight: [1]")
    csv = f"{{csv: {{path: x.csv, tasks: {{good: g}}, sensitive: {{{named}}}}}, sensitive: a3_x_a29}}"
    space = load_space(write(text.replace("data: DATA", f"data: {csv}")))
    assert space.data.sensitive == "a3_x_a29"
    with pytest.raises(SpaceError, match=r"data.sensitive: found 'a3_x_b29'; accepted: a0, a1"):
        load_space(write(text.replace("data: DATA", f"data: {csv.replace('a3_x_a29', 'a3_x_b29')}")))
