"""The trial table that packs would leave."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from paretofair.runs.packs import Pack


def make_rows(packs: Iterable[Pack]) -> pd.DataFrame:
    """A row for every trial of the packs, completed, without results."""
    frames = [
        pd.DataFrame(
            {"trial_id": pack.trial_ids, "stage": pack.stage, "method": pack.method, "seed": pack.seeds}
            | {"index": pack.indices, "split_id": pack.split_id, "status": "completed", "source": "simulated"}
            | {"protocol": "validation", "space_id": pack.space_id, "confirms": pack.confirms, **pack.values}
        )
        for pack in packs
    ]
    return pd.concat(frames, ignore_index=True)
