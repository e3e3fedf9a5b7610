"""The seeds by which the trials of a stage are numbered. Imports nothing."""

BASELINE_METHOD = "single_task"
# Seeds of a user are below a million. The stages that need fresh ones take them from above.
BASELINE_SEED = 900_000_000
BASELINE_STEP = 1_000
CONFIRM_STEP = 1_000_000


def own_seed(stage: str, seed: int) -> int:
    """The seed of the space file whose split a trial of this stage and seed has; any of them where all have one split.

    >>> own_seed("baselines", 900_003_014), own_seed("confirm", 5_000_003), own_seed("sweep", 3)
    (3, 3, 3)
    """
    if stage == "baselines":
        return (seed - BASELINE_SEED) // BASELINE_STEP
    return seed % CONFIRM_STEP if stage == "confirm" else seed
