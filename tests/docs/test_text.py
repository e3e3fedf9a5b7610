"""The page on texts, from a table of texts to a model that scores raw ones."""

from __future__ import annotations

import os
import subprocess
import sys

import pandas as pd
import pytest

from paretofair.space.space import load_space
from tests.stacks import read_rows
from tests.texts import make_texts

from ..launch.processes import TIMEOUT
from .test_examples import ROOT, SMOKE, blocks, sweep


@pytest.mark.ray
def test_from_a_table_of_texts_to_a_frontier(tmp_path, ray_address):
    make, use = blocks("text.md", "python")
    (tmp_path / "notes.yaml").write_text(blocks("text.md", "yaml")[0])
    train, export = blocks("text.md", "bash")
    own = {"PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}", "PARETOFAIR_OFFLINE": "1"}
    own |= {"RAY_ADDRESS": ray_address, "XDG_CACHE_HOME": str(tmp_path / "cache")}

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=os.environ | own, capture_output=True, text=True, timeout=TIMEOUT
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(sys.executable, "-c", make)
    smoke = " ".join(f"'{each}'" for each in SMOKE)
    command = f"{sys.executable} -m paretofair "
    run("bash", "-euc", f"{train.strip()} {smoke}".replace("paretofair ", command))
    front = pd.read_csv(tmp_path / "notes" / "frontiers" / "all.csv")
    assert "test_epsilon_odds_long_stay" in front
    assert {"test_epsilon_odds_long_stay_low", "test_epsilon_odds_long_stay_high"} <= set(front)
    run("bash", "-euc", export.replace("paretofair ", command))
    assert "long_stay" in run(sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{use}")


@pytest.mark.ray
def test_several_files(tmp_path, ray_address):
    one, other = make_texts(200, 1), make_texts(300, 2)
    sex = pd.Series(["f", "m"])
    pd.DataFrame({"note": one.texts, "urgent": one.labels, "sex": sex[one.groups].to_numpy()}).to_csv(
        tmp_path / "ward.csv", index=False
    )
    clinic = pd.DataFrame({"text": other.texts, "sex": sex[other.groups].to_numpy()})
    clinic["referred"] = pd.Series(["no", "yes"])[other.labels].to_numpy()
    clinic["year"] = [2019, 2020, 2021] * 100
    clinic["age"] = [20 + row % 60 for row in range(300)]
    clinic.to_csv(tmp_path / "clinic.csv", index=False)
    (tmp_path / "joined.yaml").write_text(blocks("text.md", "yaml")[1])
    sweep(tmp_path, ray_address, "--space", "joined.yaml", "--output", "joined")
    table = read_rows((tmp_path / "joined" / "trials").glob("*.parquet"))
    assert set(table["method"]) >= {"transfer", "transfer_linear", "pseudo_groups", "own_groups"}
    audit = pd.read_csv(tmp_path / "joined" / "audit.csv")
    assert "sex_x_age" in set(audit["grouping"])


def test_the_templates_are_spaces(tmp_path):
    """What nobody here has cannot be run; that all of its keys are right can be checked."""
    for number, template in enumerate(blocks("text.md", "yaml")[2:]):
        path = tmp_path / f"{number}.yaml"
        path.write_text(template)
        assert {"vanilla", "transfer"} <= set(load_space(path).methods)
