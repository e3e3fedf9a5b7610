"""The stages of a run, each a value that counts its trials and makes their packs."""

from paretofair.runs.packs import Pack
from paretofair.runs.stages.baselines import BaselineStage
from paretofair.runs.stages.confirm import ConfirmStage
from paretofair.runs.stages.points import PointStage
from paretofair.runs.stages.stage import Context, Plan, Stage
from paretofair.runs.stages.sweep import SweepStage
from paretofair.runs.stages.tune import TuneStage
from paretofair.runs.stages.tune_baselines import TuneBaselinesStage
from paretofair.space.method_space import MethodSpace

# In the order of a run, by the name that the trial table gives them.
STAGE_OF: dict[str, Stage] = {
    stage.name: stage
    for stage in (TuneBaselinesStage(), BaselineStage(), PointStage(), TuneStage(), SweepStage(), ConfirmStage())
}


def packs_ahead(context: Context) -> list[Pack]:
    """Every pack that follows from the space file alone."""
    ahead = [stage for stage in STAGE_OF.values() if not stage.waits(context.space)]
    return [pack for stage in ahead for pack in stage.packs(context)]


def spaces_of(context: Context) -> dict[tuple[str, str], MethodSpace]:
    """The space of every trial, by stage and method."""
    plan = context.plan
    return {
        (name, each): stage.space(context, each) for name, stage in STAGE_OF.items() for each in stage.methods(plan)
    }


__all__ = ["STAGE_OF", "Context", "Plan", "Stage", "packs_ahead", "spaces_of"]
