"""The wheel in an empty environment, away from the repository: every command works."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import rich

from ..interface.conftest import make_loans
from .conftest import ROOT

SMOKE = ["--trials", "2", "--seeds", "0", "--methods", "vanilla,eor", "--set", "parameters.epochs=2"]


@pytest.mark.slow
def test_every_command_of_the_wheel(tmp_path):
    """A minute. Of other people's packages those of this environment are used, of ours the wheel alone."""
    run = subprocess.run
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), str(ROOT)]
    done = run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "paretofair/py.typed" in names
    assert any(name.endswith("share/paretofair/search_spaces/mtaf_lsac.yaml") for name in names)
    run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    site = next((tmp_path / "venv").glob("lib/python*/site-packages"))
    # Behind the wheel, so that it comes first; the editable install of this environment has files that are not read.
    (site / "others.pth").write_text(f"{Path(rich.__file__).parents[1]}\n")
    install = [str(python), "-m", "pip", "install", "--no-deps", "--no-index", "--force-reinstall", str(wheel)]
    done = run(install, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (tmp_path / "work").mkdir()
    make_loans(300).to_csv(tmp_path / "work" / "loans.csv", index=False)

    def paretofair(*words: str) -> str:
        environment = {name: each for name, each in os.environ.items() if name not in ("PYTHONPATH", "RAY_ADDRESS")}
        command = [str(tmp_path / "venv" / "bin" / "paretofair"), *words]
        done = run(command, cwd=tmp_path / "work", env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "launch/" not in done.stdout
        return done.stdout

    where = [str(python), "-c", "import paretofair; print(paretofair.__file__, paretofair.__version__)"]
    assert str(site) in run(where, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "mtaf_lsac" in paretofair("spaces")
    paretofair("spaces", "mtaf_lsac")
    paretofair("init", "loans.csv", "--tasks", "repaid", "--sensitive", "sex")
    assert "written to results/loans" in paretofair("sweep", "--space", "loans.yaml", *SMOKE)
    assert "trials" in paretofair("status", "results/loans")
    assert "report.html" in paretofair("report", "results/loans", "--only", "tables,page")
    assert "knee" in paretofair("export", "results/loans", "--rules")
    assert "model.json" in paretofair("export", "results/loans", "--rule", "knee")
    assert paretofair("--version").startswith("paretofair 0.")
