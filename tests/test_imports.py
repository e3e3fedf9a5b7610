"""The arrows of the design: what each part may import of ours."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "paretofair"
# Modules that belong to no part: what is imported from Python, and the export of a trial.
TOP = ("api", "export", "exported", "model_card", "model_json")
MAY_IMPORT = {
    "data": {"tasks"},
    "models": set(),
    "metrics": set(),
    "tasks": {"metrics"},
    "pareto": set(),
    "statistics": set(),
    "terminal": set(),
    "descriptors": set(),
    "embedding": {*TOP, "data", "models", "results"},
    "methods": {"models", "metrics", "tasks", "descriptors"},
    "training": {"data", "models", "metrics", "methods", "pareto", "tasks"},
    "results": set(),
    "sampling": {"metrics"},
    "space": {"data", "metrics", "methods", "training", "results", "sampling", "tasks"},
    "analysis": {"metrics", "pareto", "results", "statistics"},
    "report": {"metrics", "pareto", "results", "statistics", "analysis"},
    "runs": {
        *("data", "models", "metrics", "methods", "training", "results", "pareto"),
        *("sampling", "space", "analysis", "report"),
    },
    "cluster": {"training", "results", "runs"},
    "interface": {
        *(*TOP, "data", "metrics", "tasks", "methods", "training", "results", "analysis", "report"),
        *("space", "runs", "cluster"),
    },
    "adapters": {"data", "metrics", "analysis", "results", "space", "runs", "training", "cli"},
    "testing": {"data", "models", "methods", "metrics", "sampling", "tasks", "training"},
    "cli": {
        *TOP,
        "interface",
        "data",
        "embedding",
        "metrics",
        "results",
        "analysis",
        "report",
        "sampling",
        "space",
        "runs",
        "cluster",
    },
}
# Open to all.
OPEN = ("errors", "interruption", "naming", "redaction", "sections", "terminal", "user_code")
NOT_IN = {
    "training": {"ray", "yaml", "pyarrow", "pandas"},
    "methods": {"ray", "pandas"},
    "report": {"torch", "ray"},
    "analysis": {"torch", "ray", "matplotlib", "plotly"},
}
ONLY_IN = {"ray": {"cluster"}, "matplotlib": {"report"}, "plotly": {"report"}}


def imports(file: Path) -> set[str]:
    """Every module that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_arrows(part):
    files = list((PACKAGE / part).rglob("*.py"))
    assert files
    for file in files:
        for name in imports(file):
            top, *rest = name.split(".")
            assert top not in NOT_IN.get(part, ()), f"{file} imports {name}"
            assert part in ONLY_IN.get(top, {part}), f"{file} imports {name}"
            if top == "paretofair" and rest[0] not in (part, *OPEN):
                assert rest[0] in MAY_IMPORT[part], f"{file} imports {name}"


def test_every_part_is_listed():
    assert {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(MAY_IMPORT)


# Where modules without a test file of their name are tested.
TESTED_BY = {
    "data/reading/test_row_reader": ("data.reading.fitted_rows",),
    "data/sets/images/test_celeba": (
        "data.sets.images.faces",
        "data.sets.images.fairface",
        "data.sets.images.picture_files",
    ),
    "data/sets/images/test_colored_mnist": ("data.sets.images.drawing",),
    "data/reading/kinds/test_images": ("data.reading.kinds.kind",),
    "analysis/test_frontiers": ("analysis.overview",),
    "analysis/reading/test_report_settings": ("analysis.reading.settings",),
    "analysis/chance/test_reliability": ("analysis.chance.counted_gaps",),
    "cases/test_rare": ("cli.data.data_sheet",),
    "cluster/test_engine": (
        "cluster.worker",
        "runs.engines.worker",
        "runs.jobs",
    ),
    "data/reading/test_csv_file": ("data.reading.input_columns",),
    "data/sets/test_public_sets": (
        "data.sets.adult",
        "data.sets.german",
    ),
    "data/sets/test_simulation": (
        "data.sets.adult_simulated",
        "data.sets.compas_simulated",
        "data.sets.german_simulated",
        "data.sets.lsac_simulated",
    ),
    "data/test_assemble": ("data.stratify",),
    "data/test_contract": ("testing.data_sets",),
    "data/test_fetch": ("data.source",),
    "data/inputs/test_columns": ("data.inputs.encoding",),
    "data/inputs/text/test_texts": (
        "data.inputs.text.packed",
        "data.inputs.text.reader",
    ),
    "data/sets/test_text_sets": (
        "data.sets.text.multilingual_hate",
        "data.sets.text.nlm_reports",
        "data.sets.text.texts_simulated",
    ),
    "data/inputs/test_contract": (
        "data.inputs.protocol",
        "testing.inputs",
    ),
    "data/test_dataset": ("data.digest",),
    "descriptors/test_learning": ("descriptors.diagnostics",),
    "docs/test_coco": ("interface.amplification_intervals",),
    "docs/test_tutorial": ("api",),
    "docs/test_notebooks": ("interface.known_frame",),
    "interface/test_chosen": ("interface.scoring",),
    "interface/test_compare": (
        "interface.describe",
        "interface.given_data",
    ),
    "launch/test_main": (
        "__main__",
        "cli.program",
    ),
    "launch/test_search": (
        "runs.session",
        "runs.stages.studies",
    ),
    "launch/test_sweep": (
        "cli.ending",
        "runs.folder",
        "runs.resume",
        "runs.run",
    ),
    "methods/corpus/test_bias_alignment": (
        "methods.corpus.group_task",
        "methods.corpus.sample_source",
    ),
    "methods/test_contract": ("testing.methods",),
    "methods/test_losses": (
        "methods.losses.subsets",
        "methods.losses.terms",
        "methods.mtaf",
        "methods.vanilla",
    ),
    "methods/test_several_classes": ("methods.losses.against_rest",),
    "methods/test_rows": (
        "methods.balance",
        "methods.label_flip",
        "training.batches",
    ),
    "metrics/test_contract": ("testing.metrics",),
    "models/modules/test_module_network": ("models.modules.module_runs",),
    "models/test_multilayer_perceptron": ("models.network",),
    "models/test_named": ("models.headed",),
    "models/test_products": ("models.constants",),
    "report/test_looks": (
        "report.drawing.choice",
        "report.drawing.planes",
        "report.drawing.style",
    ),
    "report/test_figures": (
        "analysis.importance",
        "report.captions",
        "report.drawing.dots",
        "report.figures.accuracies",
        "report.figures.by_group.areas",
        "report.figures.confirmed",
        "report.figures.training.descriptors",
        "report.figures.importance",
        "report.figures.sets",
        "report.figures.slices",
        "report.figures.tasks",
    ),
    "report/test_findings": (
        "report.findings.points",
        "report.findings.sentence",
    ),
    "report/test_write": (
        "report.output",
        "report.wide",
    ),
    "report/test_page": (
        "report.page.contents",
        "report.page.packed",
    ),
    "results/test_table": ("results.stacks",),
    "sampling/test_samplers": (
        "sampling.points",
        "sampling.adaptive",
        "sampling.grid",
        "sampling.random",
        "sampling.sampler",
        "sampling.sobol",
    ),
    "space/test_identity": ("space.method_space",),
    "space/test_networks": (
        "runs.rehearsal",
        "user_code",
    ),
    "space/test_parameters": ("metrics.constraints",),
    "space/test_space": (
        "errors",
        "sections",
        "space.resolve",
        "space.schema.settings",
        "space.schema.stages",
        "space.schema.training",
        "space.validation",
    ),
    "runs/stages/test_count": ("runs.stages.stage",),
    "runs/stages/test_packs": (
        "space.numbering",
        "runs.environment",
        "runs.stages.baselines",
        "runs.stages.confirm",
        "runs.stages.points",
    ),
    "runs/test_widths": ("runs.build",),
    "test_export": (
        "model_card",
        "models.perceptron",
        "interface.front_decisions",
        "interface.multiplicity",
    ),
    "test_exported": ("model_json",),
    "training/test_checkpoints": ("training.state",),
    "training/test_evaluation": (
        "training.measuring.own_metrics",
        "training.tensors",
    ),
    "training/test_pack": (
        "training.experiment",
        "training.graphs",
        "training.stack",
        "training.step",
    ),
    "tasks/test_contract": ("testing.tasks",),
    "tasks/test_known": (
        "tasks.binary",
        "tasks.kind",
        "tasks.multiclass",
        "tasks.task",
    ),
}


def test_every_module_is_tested_somewhere():
    tests = Path(__file__).parent
    files = {path.stem.removeprefix("test_") for path in tests.rglob("test_*.py")}
    elsewhere = {module for modules in TESTED_BY.values() for module in modules}
    for path in PACKAGE.rglob("*.py"):
        module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        if path.stem == "__init__":
            continue
        assert (path.stem in files) != (module in elsewhere), f"{module}: name the test that is its own, once"
    for name in TESTED_BY:
        assert (tests / f"{name}.py").exists(), name
    known = {".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in PACKAGE.rglob("*.py")}
    assert elsewhere <= known


def test_no_class_name_occurs_twice():
    """But for the options of methods, samplers and the like, which are attributes of their classes."""
    found = [
        node.name
        for path in PACKAGE.rglob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
    ]
    assert {name for name in found if found.count(name) > 1} == set()


def test_no_folder_holds_more_than_fourteen_modules():
    for folder in (path for path in PACKAGE.rglob("*") if path.is_dir() and path.name != "__pycache__"):
        assert len(list(folder.glob("*.py"))) <= 14, folder


def test_private_parts_of_others_are_each_in_one_file():
    allowed = {"cluster/ray_internals.py", "training/compiler.py"}
    for file in PACKAGE.rglob("*.py"):
        private = [name for name in imports(file) if any(part.startswith("_") for part in name.split(".")[1:-1])]
        private += [name for name in imports(file) if name.startswith(("ray._", "torch._"))]
        assert not private or file.relative_to(PACKAGE).as_posix() in allowed, f"{file}: {private}"
