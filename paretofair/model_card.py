"""The card that an exported model comes with: what it is, how it decides, and what it was measured to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from paretofair.data import Splits
from paretofair.exported import ExportedModel
from paretofair.metrics import rates
from paretofair.metrics.counts.task_counts import TaskCounts
from paretofair.metrics.metric import IDENTITY
from paretofair.metrics.registry import HEADLINE, METRICS
from paretofair.space.method_space import MethodSpace
from paretofair.training import DeviceData

# Of several classes the rates of positives are means over classes, each against the rest.
_RATES = {
    "error": ("error", rates.error),
    "positive rate": ("positive_rate", rates.positive_rate),
    "FPR": ("false_positive_rate", rates.false_positive_rate),
    "TPR": ("true_positive_rate", rates.true_positive_rate),
}


def describe_model(
    model: ExportedModel,
    space: MethodSpace,
    splits: Splits,
    data: DeviceData,
    confusion: Sequence[np.ndarray],
    unweighted: Sequence[np.ndarray],
) -> str:
    """The model card, Markdown. `confusion` are the counts of the trial on test in the finest cells, task by
    task, `unweighted` those of rows."""
    about = model.about
    lines = [f"# {about['method']}, trial {about['trial_id']}", ""]
    if about["source"] == "simulated":
        lines += ["**Trained on SIMULATED data: it says nothing about real people.**", ""]
    lines += [
        f"A classifier of {', '.join(data.tasks)}, trained by `{about['method']}` (seed {about['seed']}) on "
        f"{splits.dataset.name} ({len(splits.train):,} training rows, {about['source']} data) in the run "
        f"`{about['run']}` of paretofair {about['packages']['paretofair']}. It is one point of an accuracy-fairness "
        "trade, measured on these data and groups; nothing here says that it is fit for use on people.",
        "",
        "    import paretofair",
        f'    model = paretofair.load("this folder"{_name_options(model)})',
        *_show_scoring(model),
        "",
        *_describe_inputs(model),
        "",
        f"The losses act on {_describe_attributes(space)}.{_describe_decisions(about, data.selection_split)}",
        "",
        "## Hyperparameters",
        "",
        *_table(["parameter", "value"], [[name, f"{value:.6g}"] for name, value in about["hyperparameters"].items()]),
        "",
        "## Metrics",
        "",
        *_table(
            ["task", "metric", *data.splits],
            [
                [task, name, *(_format_number(about["metrics"].get(f"{split}_{name}_{task}")) for split in data.splits)]
                for task in data.tasks
                for name in _metrics_of(about, task, [metric.name for metric in space.own_metrics])
            ],
        ),
        "",
        "## By group, on test",
        "",
        *_table(["task", "attribute", "group", "rows", *_RATES], list(_by_group(data, confusion, unweighted))),
        "",
    ]
    if about["retrained"]:
        lines += ["The weights are of the trial trained again; its run had not kept them.", ""]
    return "\n".join(lines)


def _describe_inputs(model: ExportedModel) -> list[str]:
    """A line for each source."""
    lines = []
    for name, rows in model.readers.items():
        if rows.pictures is None:
            words = ", ".join(rows.inputs)
        else:
            named = f", files in the column {rows.pictures.column} of a frame" if rows.pictures.column else ""
            words = rows.pictures.words + named
        lines.append(f"Inputs{f' of rows of {name}' if name else ''}: {words}.")
    return lines


def _show_scoring(model: ExportedModel) -> list[str]:
    lines = []
    for name, rows in model.readers.items():
        called = "model" if not name else f"model.of({name!r})"
        if any(kind.is_identity for kind in model.kinds):
            what = "a pandas frame as below" if rows.pictures is None else "paths, Pillow images or arrays of bytes"
            lines.append(f"    {called}.features(rows)   # {what}; compare the angles between rows")
        elif rows.pictures is not None:
            what = "paths, Pillow images or arrays of bytes"
            lines.append(f'    {called}.predict_proba(["one.jpg", "two.jpg"])   # {what}')
        elif rows.table.separator is None:
            lines.append(f"    {called}.predict_proba(frame)   # a pandas frame with the columns below")
        else:
            how = "as training read it, or a pandas frame with the columns below"
            lines.append(f'    frame = {called}.read_csv("data.csv")   # {how}')
            lines.append(f"    {called}.predict_proba(frame)")
    return lines


def _name_options(model: ExportedModel) -> str:
    """What `load` needs to read the model."""
    network = model.about["network"]
    given = f", module={network['module'].rpartition(':')[2]}" if "module" in network else ""
    if any(rows.text is not None and ":" in rows.text.encoder.form.encoder for rows in model.readers.values()):
        given += ", trust=True"
    if any(rows.pictures is not None and rows.pictures.column for rows in model.readers.values()):
        given += ', pictures="a folder or zip archive"'
    return given


def _by_group(
    data: DeviceData, confusion: Sequence[np.ndarray], unweighted: Sequence[np.ndarray]
) -> Iterator[list[str]]:
    for t, task in enumerate(data.tasks):
        for place, attribute in enumerate(data.attributes):
            groups, classes = (data.cells[:, place], data.n_groups[place]), _count_classes(data, t)
            counts, rows = (TaskCounts(each[t], classes).merge(*groups) for each in (confusion, unweighted))
            values = [counts.rate(name, rate) for name, rate in _RATES.values()]
            for group, name in enumerate(data.group_names[attribute]):
                cells = (f"{float(of_groups[group]):.4f}" for of_groups in values)
                yield [task, attribute, name, f"{rows.rows[group]:,.0f}", *cells]


def _count_classes(data: DeviceData, task: int) -> int:
    """As `TaskCounts` has them: 0 for a binary task."""
    kind = data.kinds[task]
    return 0 if kind.is_binary or kind.is_identity else len(kind.classes)


def _describe_decisions(about: Mapping[str, Any], split: str) -> str:
    sentences = ""
    if about["thresholds"]:
        each = ", ".join(f"{task} from {rule['probability']:.4f} on" for task, rule in about["thresholds"].items())
        own = any("by_group" in rule for rule in about["thresholds"].values())
        sentences += f" Decisions by the rule `{about['threshold']}`, found on {split}: {each}"
        sentences += ", each group with its own (model.json)." if own else "."
    for task, kind in about["kinds"].items():
        if kind["kind"] == IDENTITY:
            sentences += (
                f" {task} on training rows is the one of {len(kind['classes']):,} identities by direction; "
                "on other rows that of the nearest other row of the same split."
            )
        else:
            sentences += f" {task} is decided to be the likeliest of {', '.join(kind['classes'])}."
    return sentences


def _metrics_of(about: Mapping[str, Any], task: str, own: Sequence[str]) -> list[str]:
    """The metrics that a trial has of a task."""
    names = [metric.name for metric in METRICS.values() if metric.source == "rows" and not metric.is_asked_for]
    return [
        *HEADLINE,
        *(name for name in names if name not in HEADLINE and f"test_{name}_{task}" in about["metrics"]),
        *own,
    ]


def _describe_attributes(space: MethodSpace) -> str:
    return ", ".join(f"{attribute} ({task})" for task, attribute in space.sensitive.items())


def _format_number(value: float | str | None) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "-"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
