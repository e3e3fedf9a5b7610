"""A tenth of what benchmarks/attacks.py does: wrong inputs and damages that must end in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cases.attack import PATIENCE, Attack, Ending, carry_out, compare, judge, list_surroundings
from tests.cases.damages import Finished, finish, list_damages
from tests.cases.inputs import FILES, SWEEP, list_inputs, take_every

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def finished(tmp_path_factory, ray_address) -> Finished:
    return finish(tmp_path_factory.mktemp("attacks") / "finished", ray_address)


@pytest.mark.parametrize("attack", take_every(list_inputs(), 10), ids=lambda attack: ascii(attack.name)[1:80])
def test_wrong_input_ends_in_a_sentence(tmp_path, ray_address, attack):
    ending, wrong = carry_out(attack, tmp_path / "attack", ray_address)
    assert not wrong, ending


def test_damages_end_in_a_sentence_or_change_nothing(tmp_path, ray_address, finished):
    """But for those that benchmarks/attacks.py has written down as failing."""
    results = Path(__file__).parents[2] / "benchmarks" / "results" / "attacks.json"
    known = {case["name"] for case in json.loads(results.read_text())["damages"]["failing"]}
    found = {}
    for number, attack in enumerate(list_damages(finished, step=20)):
        ending, wrong = carry_out(attack, tmp_path / str(number), ray_address)
        if wrong and attack.name not in known:
            found[attack.name] = wrong, ending
    assert not found


def test_names_of_attacks_are_their_own():
    names = [attack.name for attack in list_inputs()]
    assert len(set(names)) == len(names) >= 200


@pytest.mark.parametrize(
    ("code", "output", "errors", "wrong"),
    [
        (2, "", "error: a sentence", []),
        (None, "", "", [f"still at work after {PATIENCE} seconds"]),
        (0, "", "", ["exit code 0, expected 2"]),
        (2, "", "", ["no sentence"]),
        (2, "", "error: a\nTraceback (most recent call last):", ["a traceback"]),
        (2, "at s3://hunter2secret@bucket", "error: no bucket", ["a secret was told"]),
        (2, "", "error: " + 13 * "a line\n", ["13 lines, the longest of 13 characters"]),
    ],
)
def test_the_judge(code, output, errors, wrong):
    assert judge(Attack("", SWEEP), Ending(code, output, errors, 0.0)) == wrong


def test_the_judge_sees_what_was_written_and_removed(tmp_path, ray_address):
    def reach_outside(place: Path) -> None:
        (place / "out").mkdir()

    before = Attack("", (*SWEEP, "--dry-run"), FILES, reach_outside, ends=(0,))
    assert carry_out(before, tmp_path / "fine", ray_address)[1] == []
    root = tmp_path / "root"
    for name in ("kept", "changed", "removed", "own"):
        (root / "inside" / name).mkdir(parents=True)
        (root / "inside" / name / "file").write_text(name)
    listed = list_surroundings(root, ("own",))
    (root / "inside" / "changed" / "file").write_text("other")
    (root / "inside" / "removed" / "file").unlink()
    (root / "inside" / "own" / "file").unlink()
    (root / "outside").symlink_to(root / "inside")
    assert compare(listed, list_surroundings(root, ("own",))) == {
        "inside/changed/file": "changed",
        "inside/removed/file": "removed",
        "outside": "written",
    }
