"""What the sections of a space file are made of. Imports nothing of ours."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError


def custom(message: str) -> PydanticCustomError:
    """What a check of a value raises; pydantic adds the key."""
    return PydanticCustomError("space", "{message}", {"message": message})


def unique(values: tuple[Any, ...]) -> tuple[Any, ...]:
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise custom(f"{repeated[0]!r} stands in the list more than once")
    return values


class Section(BaseModel):
    """A part of the file: no key but its own, no value of another type, not to be changed afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


Size = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, le=999_999)]
# Tuples, which YAML cannot write, are the one type that is read leniently: from lists.
Sizes = Annotated[tuple[Size, ...], Field(strict=False)]
Names = Annotated[tuple[str, ...], Field(strict=False), AfterValidator(unique)]
