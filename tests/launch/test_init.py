"""`paretofair init`: from a table to a space file that can be trained."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from paretofair.cli.init import main, parser, write_space
from paretofair.errors import RunError
from paretofair.space.space import load_space

from ..interface.conftest import make_loans
from .conftest import call


@pytest.fixture
def loans(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_loans(200).assign(number=range(200)).to_csv("loans.csv", index=False)
    return tmp_path


def test_flags_say_everything(loans):
    arguments = ["loans.csv", "--tasks", "repaid,large", "--sensitive", "sex", "--exclude", "number"]
    done = call(main, *arguments)
    assert done.returncode == 0, done.stderr
    assert "written to loans.yaml" in done.stdout
    space = load_space("loans.yaml")
    assert space.tasks == ("repaid", "large")
    assert space.data.csv.inputs.exclude == ("number",)
    assert space.data.sensitive == "sex"
    text = (loans / "loans.yaml").read_text()
    assert "path: loans.csv" in text
    assert "# Methods to compare" in text
    assert "label_flip is left out: it needs group" in text
    done = call(main, *arguments)
    assert (done.returncode, "loans.yaml exists" in done.stderr) == (2, True)


def test_what_is_not_said_is_asked(loans, monkeypatch):
    typed = iter(["", "sex"])
    monkeypatch.setattr("rich.console.Console.input", lambda *_: next(typed))
    console = Console(file=io.StringIO(), width=200)
    options = parser().parse_args(["loans.csv", "--exclude", "number", "--output", "asked.yaml"])
    assert write_space(options, console, asks=True) == 0
    shown = console.file.getvalue()
    assert "What is to be predicted (columns)? [large]" in shown
    assert "2 texts" in shown
    assert load_space("asked.yaml").tasks == ("large",)


def test_nobody_is_asked_in_a_script(loans):
    done = call(main, "loans.csv")
    assert done.returncode == 2
    assert "--tasks is needed; columns that may be meant: large, repaid, purpose" in done.stderr


def test_an_answer_that_never_comes(loans, monkeypatch):
    def end(*_):
        raise EOFError

    monkeypatch.setattr("rich.console.Console.input", end)
    options = parser().parse_args(["loans.csv"])
    with pytest.raises(RunError, match="--tasks is needed; nothing was typed"):
        write_space(options, Console(file=io.StringIO()), asks=True)


def test_a_separator_that_is_said(loans):
    make_loans(100).to_csv("tabs.csv", index=False, sep="\t")
    done = call(main, "tabs.csv", "--tasks", "repaid", "--sensitive", "sex", "--separator", r"\t")
    assert done.returncode == 0, done.stderr
    assert load_space("tabs.yaml").data.csv.separator == "\t"
    done = call(main, "tabs.csv", "--tasks", "repaid", "--sensitive", "sex", "--separator", ";;", "--output", "x.yaml")
    assert (done.returncode, done.stderr) == (2, "error: tabs.csv: the separator is ';;'; expected one character\n")


def test_another_separator_is_found(loans):
    make_loans(100).to_csv("semi.csv", index=False, sep=";")
    done = call(main, "semi.csv", "--tasks", "repaid", "--sensitive", "sex", "--positive", "bad")
    assert done.returncode == 0, done.stderr
    csv = load_space("semi.yaml").data.csv
    assert csv.separator == ";"
    assert csv.tasks["repaid"].classes == ("good", "bad")


def test_a_file_that_is_not_there(loans):
    done = call(main, "nothing.csv", "--tasks", "a", "--sensitive", "b")
    assert (done.returncode, "Traceback" in done.stderr, "nothing.csv" in done.stderr) == (2, False, True)
