"""Every sentence says what a table says."""

from __future__ import annotations

import re

import numpy as np
import pytest

from paretofair.analysis.comparison import comparison
from paretofair.analysis.findings import compare_gaps, compare_groups
from paretofair.report.findings import FINDINGS, find, write_findings


def sentences(results) -> list[str]:
    return [each.sentence for each in find(results)]


def numbers(sentence: str) -> set[str]:
    return set(re.findall(r"[+-]?\d+\.\d{3}", sentence))


def test_simulated_data_come_first_and_what_was_compared_next(made_up_run):
    first, second, *_ = sentences(made_up_run)
    assert first == "The data are SIMULATED: nothing here says anything about real people."
    expected = "Compared: vanilla, MTA-F and own_method (15 completed trials per method and seed, 4 seeds;"
    assert second.startswith(expected)


def test_four_seeds_cannot_tell_three_methods_apart(made_up_run):
    (words,) = [each for each in sentences(made_up_run) if each.startswith("Whether methods differ")]
    assert "cannot be tested with 4 seeds: for 3 pairs no p-value is below 0.375. " in words
    assert words.endswith("The fewest seeds that can tell are 7.")
    assert not any("not told apart" in each for each in sentences(made_up_run))


@pytest.mark.parametrize(("p_holm", "words"), [(0.04, "is better than"), (0.2, "are not told apart")])
def test_pairs_that_could_be_tested(made_up_run, monkeypatch, p_holm, words):
    pairs = comparison(made_up_run).assign(p_holm=p_holm, testable=True)
    monkeypatch.setattr("paretofair.analysis.findings.comparison", lambda results, of: pairs)
    told = [each for each in sentences(made_up_run) if words in each]
    assert len(told) == len(pairs)
    for row in pairs.itertuples():
        wanted = {f"{abs(row.difference):.3f}"} if p_holm < 0.05 else {f"{row.difference:+.3f}"}
        (own,) = [each for each in told if wanted <= numbers(each)]
        assert f"p = {p_holm:.3f} after Holm" in own


def test_what_got_worse_and_how_many_places_were_looked_at(made_up_run):
    gaps, groups = compare_gaps(made_up_run), compare_groups(made_up_run)
    told = sentences(made_up_run)
    worse = gaps[gaps["low"] > 0]
    for row in worse.head(5).itertuples():
        wanted = {f"{row.value:.3f}", f"{row.vanilla:.3f}", f"{row.change:+.3f}"}
        assert any("is larger than under vanilla" in each and wanted <= numbers(each) for each in told)
    (search,) = [each for each in told if "places" in each]
    places = len(gaps) + len(groups)
    count = int((gaps["low"] > 0).sum() + (groups["low"] > 0).sum())
    assert f"in {places:,} places; {count} got worse beyond their interval" in search
    assert f"about {0.025 * places:.0f} would be found if nothing had changed" in search


def test_the_gap_that_was_treated_is_told_for_every_method(made_up_run):
    gaps = compare_gaps(made_up_run)
    sensitive = made_up_run.sensitive
    for method, name in (("mtaf", "MTA-F"), ("own_method", "own_method")):
        (words,) = [each for each in sentences(made_up_run) if each.startswith(f"The gap that {name} acts on")]
        for task in made_up_run.tasks:
            own = gaps[(gaps["method"] == method) & (gaps["task"] == task) & (gaps["grouping"] == sensitive[task])]
            (row,) = own.itertuples()
            assert f"{task} {row.vanilla:.3f} to {row.value:.3f} ({row.change:+.3f}, " in words


def test_pooled_seeds_are_told(made_up_results):
    told = sentences(made_up_results(protocol="paper"))
    assert "Seeds are pooled, as published, so that no difference between methods can be tested." in told
    assert not any("Choosing on validation" in each for each in told)


def test_one_seed_is_told(made_up_run):
    trials = made_up_run.trials[(made_up_run.trials["seed"] == 0) | (made_up_run.trials["stage"] == "baselines")]
    told = sentences(type(made_up_run).of(trials, made_up_run.settings, made_up_run.folders, schema=made_up_run.schema))
    assert any("cannot be tested with 1 seed:" in each for each in told)
    assert any("With one seed no gap or group is known to have got worse" in each for each in told)


def test_the_file_has_a_line_for_each_with_where_to_check_it(made_up_run, tmp_path):
    path = write_findings(made_up_run, tmp_path)
    assert path == tmp_path / FINDINGS
    lines = [line for line in path.read_text().splitlines() if line.startswith("- ")]
    assert len(lines) == len(find(made_up_run))
    assert any(line.endswith("(tables/comparison.csv)") for line in lines)
    assert any(line.endswith("(audit.csv)") for line in lines)


def test_nothing_yet(made_up_run, tmp_path):
    empty = type(made_up_run).of(made_up_run.trials.iloc[:0], made_up_run.settings, schema=made_up_run.schema)
    assert find(empty) == []
    assert "Nothing is finished yet." in write_findings(empty, tmp_path).read_text()
    assert np.isfinite(compare_gaps(made_up_run)["change"]).all()
