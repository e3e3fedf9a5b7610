"""Code of the user's own that a space file names as `package.module:name`."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import sys
from functools import cache
from pathlib import Path
from typing import Any

from paretofair.errors import SpaceError


@cache
def load(reference: str) -> Any:
    """What `package.module:name` names; modules are looked for in the working directory too.

    Raises SpaceError, without the key: the caller knows where it stands.
    """
    module_name, _, name = reference.partition(":")
    if not (module_name and name.isidentifier()):
        raise SpaceError(f"found {reference!r}; expected package.module:name")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise SpaceError(
            f"cannot import {module_name!r}: {type(error).__name__}: {error}. Modules are looked for among the "
            "installed ones and in the working directory"
        ) from error
    if not hasattr(module, name):
        raise SpaceError(f"{module.__file__ or module_name} has no {name!r}")
    return getattr(module, name)


def source_file(reference: str) -> str:
    """The file that `reference` stands in."""
    module = sys.modules[reference.partition(":")[0]]
    return inspect.getsourcefile(module) or str(module.__file__)


def digest(reference: str) -> str:
    """16 hexadecimal digits of the source file that `reference` stands in: changed code is a changed space."""
    load(reference)
    return hashlib.sha256(Path(source_file(reference)).read_bytes()).hexdigest()[:16]
