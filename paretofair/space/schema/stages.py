"""The sections of a space file that say which trainings a run consists of, and where their values come from."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from paretofair.errors import SpaceError
from paretofair.sampling import find_sampler
from paretofair.sections import Names, Section, Seed, Size, Sizes, check_unique, make_error
from paretofair.space.schema.training import Parameters


def _check_sampler(name: str) -> str:
    try:
        find_sampler(name)
    except SpaceError as error:
        raise make_error(str(error)) from None
    return name


def _sampler(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class SamplerSettings(Section):
    """Where the trials of a sweep come from: `name` is a known sampler, or `package.module:Class` of the user's own,
    whose source `code` digests. Other keys are options of the sampler (`sampling/`)."""

    model_config = ConfigDict(extra="allow")

    name: Annotated[str, AfterValidator(_check_sampler)] = "random"
    code: str | None = None

    @model_serializer(mode="wrap")
    def _without_code(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in written(self).items() if (key, value) != ("code", None)}

    @property
    def options(self) -> dict[str, Any]:
        """The keys that are the sampler's own."""
        return dict(self.model_extra or {})

    @property
    def objectives(self) -> tuple[str, ...]:
        """What it learns from; none where it learns nothing."""
        found = self.options.get("objectives")
        return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list | tuple) else ()


class SuccessiveHalving(Section):
    """Of each `bracket` of trials, a fixed range of indices, one in `eta` goes on after each of the epochs `rungs`, by
    non-dominated rank of the `objectives`: by default those of the first set of frontiers, if the user's own."""

    bracket: Annotated[int, Field(ge=2)]
    eta: Annotated[int, Field(ge=2)] = 3
    rungs: Annotated[Sizes, Field(min_length=1)]
    objectives: Annotated[Names, Field(min_length=1)] = ("arfg", "are")


class TuneBaselines(Section):
    """Before the baselines, `settings` of those of their parameters that are not fixed, each trained `runs` times for
    every task. A task's baselines then have the setting with its smallest mean error."""

    settings: Size = 16
    runs: Size = 2


class Baselines(Section):
    """Single-task trainings, `runs` for each task: the denominators of ARE and ARFG. Their parameters are those given
    here, else the shared ones; what is not one number there is tuned, by default with the budget of
    `TuneBaselines`."""

    runs: Size = 10
    tune: TuneBaselines | None = None
    parameters: Parameters = {}


class Tune(Section):
    """Before the sweep, `settings` draws of the listed `parameters`, each with the same `trials` draws of the others,
    for every method and each of these `seeds`. The setting with the largest hypervolume under `objectives`, the name of
    a set, by default as of successive halving, is then fixed."""

    parameters: Annotated[Names, Field(min_length=1)]
    settings: Size
    trials: Size
    seeds: Annotated[tuple[Seed, ...], Field(strict=False, min_length=1), AfterValidator(check_unique)] = (1000,)
    objectives: str = "arfg_are"


class Sweep(Section):
    """`trials` sampled for each method and seed; a grid that has fewer is trained whole."""

    trials: Annotated[int, Field(ge=0, le=50_000_000)]
    sampler: Annotated[SamplerSettings, BeforeValidator(_sampler)] = SamplerSettings()
    successive_halving: SuccessiveHalving | None = None

    @property
    def led_by(self) -> tuple[str, ...]:
        """The objectives that its trials follow from; none where they follow from nothing measured."""
        if self.successive_halving is not None:
            return self.successive_halving.objectives
        return self.sampler.objectives


class Confirm(Section):
    """Every frontier point trained again with `runs` fresh seeds."""

    runs: Size = 5


class Stages(Section):
    """The parts of a run, in this order; without `confirm` nothing is retrained."""

    baselines: Baselines = Baselines()
    tune: Tune | None = None
    sweep: Sweep
    confirm: Confirm | None = None


class Curves(Section):
    """What is measured while trials of these `stages` train, every so many epochs and at the end: headline metrics, and
    with `contribution` the group contribution disparity by label and layer, on these `splits` alone (default: all).
    Written to `curves/`."""

    stages: Annotated[tuple[Literal["points", "sweep", "confirm"], ...], Field(strict=False, min_length=1)] = (
        "points",
    )
    every: Size = 1
    contribution: bool = False
    splits: Annotated[
        tuple[Literal["train", "validation", "test"], ...], Field(strict=False), AfterValidator(check_unique)
    ] = ()
