"""Trainings and plans as an earlier version made them: what a change of the program must leave alone.

Where this machine has the numerics that the table was written with, all bits are compared; elsewhere the results of
each case as a whole, because the last bits of a step grow over a training.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.golden.cases import Case, cases, run_case
from tests.golden.plans import IDENTITIES, space_identities
from tests.golden.write import TABLE, numerics

GOLDEN = json.loads(TABLE.read_text())
EAGER, COMPILED = ("numerics", "torch", "capability"), ("numerics", "torch", "capability", "compiler")
# Compiled in the README's test command; the others, ten seconds each where the compiler's cache is empty, in .ci/full.
QUICK = ("mtaf of three tasks for odds compiled", "adversarial compiled", "mtaf halved compiled")
NEAR = 0.02  # of errors, gaps and AUC, on average over the trials and tasks of a case


def mark_slow(case: Case):
    slow = case.compiled and case.name not in QUICK
    return pytest.param(case, id=case.name, marks=pytest.mark.slow if slow else ())


@pytest.mark.parametrize("case", [mark_slow(case) for case in cases()])
def test_a_training_is_what_it_was(case):
    expected, found = GOLDEN["cases"][case.name], run_case(case)
    for name in ("status", "epochs_trained"):
        assert found[name] == expected[name]
    here = numerics()
    same = all(here[name] == GOLDEN["written_with"][name] for name in (COMPILED if case.compiled else EAGER))
    if same and case.exact:
        assert found == expected
        return
    for name in ("error", "fpr_gap", "auc"):
        one, other = (np.array(each[name], dtype=float) for each in (found, expected))
        np.testing.assert_array_equal(np.isnan(one), np.isnan(other))
        assert np.nanmean(np.abs(one - other)) < NEAR, name


def test_the_table_has_every_case_and_no_other():
    assert [case.name for case in cases()] == list(GOLDEN["cases"])


@pytest.mark.parametrize("name", sorted(json.loads(IDENTITIES.read_text())))
def test_an_identity_is_what_it_was(name):
    """Or an earlier run of this space could not be resumed: a new key at its default must stay out of it."""
    assert space_identities(name) == json.loads(IDENTITIES.read_text())[name]
