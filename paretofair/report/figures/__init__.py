"""Figures of a run, each in a file of its own with `draw(results)` and `caption(results)`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from paretofair.analysis.results import Results
from paretofair.report.captions import stamp_caption
from paretofair.report.drawing.letters import tell_missing_letters
from paretofair.report.drawing.style import KINDS, save
from paretofair.report.figures import (
    accuracies,
    amplification,
    attainment,
    audit,
    confirmed,
    fronts,
    hypervolume,
    importance,
    sets,
    slices,
    splits,
    tasks,
)
from paretofair.report.figures.by_group import areas, confusion
from paretofair.report.figures.training import contribution, descriptors
from paretofair.report.output import place_file, replace_earlier
from paretofair.results.files import write_text

FIGURES: dict[str, ModuleType] = {
    "fronts": fronts,
    "tasks": tasks,
    "sets": sets,
    "accuracies": accuracies,
    "attainment": attainment,
    "hypervolume": hypervolume,
    "importance": importance,
    "slices": slices,
    "confirmed": confirmed,
    "splits": splits,
    "audit": audit,
    "contribution": contribution,
    "amplification": amplification,
    "auc_by_group": areas,
    "confusion": confusion,
    "descriptors": descriptors,
}


def write_figures(results: Results, folder: Path, tell: Callable[[str], object] = str) -> list[Path]:
    """Writes `figures/<name>.pdf`, `.png` and `figures/captions.md` in `folder`; what the run lacks is left out, and
    removed where an earlier report has left it. `tell` is called with a sentence on letters that no font has.

    Returns the paths of what was written, nothing for a run without trials that may enter a frontier.
    """
    written, captions, texts = [], [], set[str]()
    for name, module in FIGURES.items():
        figure = module.draw(results) if len(results.searched) else None
        if figure is not None:
            texts |= {str(text.get_text()) for text in figure.findobj(lambda each: hasattr(each, "get_text"))}
            written += save(figure, [place_file(results, folder, f"figures/{name}.{kind}") for kind in KINDS])
            captions.append(f"## {name}\n\n{stamp_caption(results, module.caption(results))}\n")
    missing = tell_missing_letters(texts)
    if missing:
        tell(missing)
        captions.insert(0, f"{missing}\n")
    if captions:
        written.append(write_text(place_file(results, folder, "figures/captions.md"), "\n".join(captions)))
    names = [f"figures/{name}.{kind}" for name in FIGURES for kind in KINDS]
    replace_earlier(folder, ["figures/captions.md", *names], written)
    return written
