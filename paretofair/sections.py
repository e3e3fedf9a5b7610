"""What the sections of a space file are made of. Imports nothing of ours."""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError


def make_error(message: str) -> PydanticCustomError:
    """What a check of a value raises; pydantic adds the key."""
    return PydanticCustomError("space", "{message}", {"message": message})


def check_unique(values: tuple[Any, ...]) -> tuple[Any, ...]:
    repeated = sorted(value for value, count in Counter(values).items() if count > 1)
    if repeated:
        raise make_error(f"{repeated[0]!r} stands in the list more than once")
    return values


def parse_duration(text: str) -> float:
    """Seconds of `90s`, `30m`, `1h30m` or a bare number. Raises ValueError with what is accepted.

    >>> parse_duration("1h30m"), parse_duration("5s"), parse_duration("7.5")
    (5400.0, 5.0, 7.5)
    """
    number = r"(\d+(?:\.\d+)?)"
    match = re.fullmatch(rf"(?:{number}h)?(?:{number}m)?(?:{number}s)?|{number}", text.strip())
    if not text.strip() or match is None:
        raise ValueError(f"found {text!r}; write 90s, 30m or 1h30m")
    hours, minutes, rest, bare = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + rest + bare


class Section(BaseModel):
    """A part of the file: no key but its own, no value of another type, not to be changed afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


Size = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, le=999_999)]
# Tuples, which YAML cannot write, are the one type that is read leniently: from lists.
Sizes = Annotated[tuple[Size, ...], Field(strict=False)]
Names = Annotated[tuple[str, ...], Field(strict=False), AfterValidator(check_unique)]
