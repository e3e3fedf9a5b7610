"""Attacks the commands with wrong inputs and damaged results, and says which of them do not end in one sentence.

    PARETOFAIR_DATA=... python benchmarks/attacks.py [--inputs] [--damages] [--again] [--only WORD]

Every case of tests/cases/inputs.py (space files, overrides, command lines, tables, names, places, URLs with secrets,
variables of the environment) and every damage of tests/cases/damages.py before every command that reads. Wrong input
must end in exit code 2 with one sentence, without a traceback, a secret, or anything trained; a damaged run in the
same or in the results of the undamaged one, where a stack that is damaged is put aside and trained again. Nothing may
be written, changed or removed outside of the output: everything around it is listed with checksums before and after.
What grows faster than its input is measured in processes of its own. Prints every failing case and a table, and writes
benchmarks/results/attacks.json; with --again those cases that failed there, whose endings are replaced; with --only
nothing is written. Fails where a case does.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from machine import describe, hide_paths  # noqa: E402

from tests.cases.attack import Attack, carry_out, remove  # noqa: E402
from tests.cases.damages import DAMAGES, MODEL_DAMAGES, finish, list_damages  # noqa: E402
from tests.cases.inputs import list_inputs  # noqa: E402
from tests.launch.processes import start_ray  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "attacks.json"
KINDS = ("inputs", "damages")
_SHOWN = 600  # characters of what a failing case said
_MOST_BYTES = 12 << 30  # of memory, for all cases in this process


def main() -> int:
    """Attacks, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", action="store_true", help="wrong inputs alone")
    parser.add_argument("--damages", action="store_true", help="damages alone")
    parser.add_argument("--again", action="store_true", help="cases that failed when they were carried out last")
    parser.add_argument("--only", default="", metavar="WORD", help="cases with this in their names")
    options = parser.parse_args()
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    failed = {case["name"] for kind in KINDS for case in known.get(kind, {}).get("failing", ())}

    def is_wanted(attack: Attack) -> bool:
        return options.only in attack.name and (not options.again or attack.name in failed)

    resource.setrlimit(resource.RLIMIT_DATA, (_MOST_BYTES, _MOST_BYTES))
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 (so Ray spells it)
    started = time.monotonic()
    found: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as text, start_ray(1, os.environ) as (address, _):
        folder = Path(text)
        if not options.damages:
            found["inputs"] = run_all(filter(is_wanted, list_inputs()), folder, address)
        if not options.inputs:
            finished = finish(folder / "finished", address)
            found["damages"] = run_all(filter(is_wanted, list_damages(finished)), folder, address)
    result = summarise(found)
    if options.again:
        result = {kind: replace_cases(known[kind], result[kind]) for kind in found}
    result["machine"] = describe()
    for kind in found:
        print(f"{kind}: {result[kind]['cases']} cases, {len(result[kind]['failing'])} failing", result[kind]["endings"])
    print(f"{time.monotonic() - started:.0f} s")
    if not options.only:
        RESULTS.write_text(json.dumps(known | result, indent=1, ensure_ascii=False) + "\n")
        print(f"written to {RESULTS}")
    return 1 if any(result[kind]["failing"] for kind in found) else 0


def run_all(attacks: Iterable[Attack], folder: Path, address: str) -> list[dict[str, Any]]:
    """Carries out attacks, each in a folder of its own."""
    cases = []
    for number, attack in enumerate(attacks):
        root = folder / str(number)
        ending, wrong = carry_out(attack, root, address)
        remove(root)
        said = " ".join(hide_paths((ending.errors or ending.output).replace(str(folder), "FOLDER")).split())
        case: dict[str, Any] = {"name": attack.name, "code": ending.code, "seconds": round(ending.seconds, 2)}
        if ending.mebibytes is not None:
            case["mebibytes"] = round(ending.mebibytes)
        if wrong:
            case |= {"wrong": wrong, "said": said[-_SHOWN:]}
            print(f"{attack.name}: {'; '.join(wrong)}\n    {case['said']}", flush=True)
        cases.append(case)
    return cases


def summarise(found: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Counts of each kind of case, what fails, and what was measured."""
    result: dict[str, Any] = {}
    for kind, cases in found.items():
        result[kind] = {
            "cases": len(cases),
            "endings": dict(sorted(count_codes(cases).items())),
            "failing": [case for case in cases if "wrong" in case],
        }
    if "inputs" in found:
        result["measured"] = [case for case in found["inputs"] if case["name"].startswith("measured: ")]
    if "damages" in found:
        result["damages"]["damages"] = len(DAMAGES) + len(MODEL_DAMAGES)
    return result


def count_codes(cases: Iterable[dict[str, Any]]) -> Counter[str]:
    """How often each exit code came; `none` where a command had to be ended."""
    return Counter("none" if case["code"] is None else str(case["code"]) for case in cases)


def replace_cases(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """What is known of a kind of case when those that failed were carried out `now` again."""
    codes = Counter(before["endings"]) - count_codes(before["failing"]) + Counter(now["endings"])
    return before | {"endings": dict(sorted(codes.items())), "failing": now["failing"]}


if __name__ == "__main__":
    sys.exit(main())
