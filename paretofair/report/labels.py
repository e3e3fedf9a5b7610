"""What names are called where people read them: in figures, LaTeX tables and on the page. CSV files keep the names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from paretofair.analysis.results import Results
from paretofair.metrics.objectives import Objective
from paretofair.naming import JOINT

# Methods of ours whose name does not read as one would write it. Names of users stay as they are.
_METHODS = {
    "adversarial_features": "adversarial features",
    "disparate_impact": "disparate impact",
    "eor": "EOR",
    "equal_loss": "equal loss",
    "gcm": "GCM",
    "label_flip": "label flip",
    "max_min": "max-min",
    "mtaf": "MTA-F",
    "odds_penalty": "odds penalty",
    "per_task": "per-task",
    "single_task": "single-task",
    "threshold_frontier": "threshold frontier",
}
_SHORT = {"fpr", "tpr", "fnr", "tnr", "ppv", "npv", "for", "fdr", "auc", "abroca", "ece", "f1", "arfg", "are"}


@dataclass(frozen=True)
class Labels:
    """The text that stands for each name: the one `given` in the space file under `labels`, else a readable form of
    names of ours, and the name itself of names of users."""

    given: Mapping[str, str]
    tasks: Sequence[str]

    @classmethod
    def of(cls, results: Results) -> Labels:
        """Those of a report."""
        return cls(results.settings.labels, results.tasks)

    def method(self, name: str) -> str:
        """`per-task`; of methods that runs tell apart `per-task@run`."""
        if name in self.given:
            return self.given[name]
        own, at, run = name.partition("@")
        return self.given.get(own, _METHODS.get(own, own)) + at + run

    def task(self, name: str) -> str:
        """A task, or one of its classes, which the program calls `<task>_<class>` or `<task>: <class>`."""
        if name in self.given:
            return self.given[name]
        owner = self.find_task(name)
        return name if owner is None else self.given.get(owner, owner) + name[len(owner) :]

    def attribute(self, name: str) -> str:
        """`sex`; of an intersection `sex × race`."""
        if name in self.given:
            return self.given[name]
        return " × ".join(self.given.get(part, part) for part in name.split(JOINT))

    def group(self, name: str) -> str:
        """The name of a group."""
        return self.given.get(name, name)

    def metric(self, name: str) -> str:
        """`FPR gap`."""
        if name in self.given:
            return self.given[name]
        return " ".join(word.upper() if word in _SHORT else word for word in name.split("_"))

    def objective(self, objective: Objective) -> str:
        """`FPR gap, repaid`; without the task where it is of none."""
        return self.quantity(objective.metric.name, objective.task)

    def words(self, objective: Objective) -> str:
        """In a caption: `error of income`."""
        if objective.metric.name in self.given:
            return self.objective(objective)
        return objective.words if objective.task is None else f"{objective.metric.words} of {self.task(objective.task)}"

    def quantity(self, metric: str, task: str | None) -> str:
        """The same of a metric and a task."""
        return self.metric(metric) if not task else f"{self.metric(metric)}, {self.task(task)}"

    def hyperparameter(self, column: str) -> str:
        """`fairness weight, repaid`."""
        task = self.find_owner(column)
        if task is None:
            return column.replace("_", " ")
        return f"{column.removesuffix(f'_{task}').replace('_', ' ')}, {self.task(task)}"

    def front(self, name: str) -> str:
        """A set of objectives: that of ARFG and ARE, of a task, or one of the space file."""
        return "ARFG-ARE" if name == "arfg_are" else self.task(name)

    def find_owner(self, column: str) -> str | None:
        """The task that a hyperparameter is of; None where it is of none."""
        return next((task for task in self._longest_first if column.endswith(f"_{task}")), None)

    def find_task(self, name: str) -> str | None:
        """The task that a task, or one of its classes, is or belongs to; None where it is of none. Of the tasks `loan`
        and `loan_late`, `loan_late` is itself, and `loan_late: low` is of the second."""
        if name in self.tasks:
            return name
        return next((task for task in self._longest_first if name.startswith((f"{task}_", f"{task}: "))), None)

    @property
    def _longest_first(self) -> list[str]:
        return sorted(self.tasks, key=len, reverse=True)


PLAIN = Labels({}, ())
"""Readable forms of names of ours, where nothing is known of a space file."""
