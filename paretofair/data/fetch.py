"""Finding the files of a real data set: folders first, then its public address; every file is checked."""

import http.client
import logging
import os
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import platformdirs

from paretofair.data.dataset import Dataset
from paretofair.data.reading.tables import drop_columns
from paretofair.data.source import DataFile, DatasetSource
from paretofair.errors import DataError
from paretofair.sections import Section

logger = logging.getLogger("paretofair")

DATA_VARIABLE = "PARETOFAIR_DATA"
OFFLINE_VARIABLE = "PARETOFAIR_OFFLINE"

_CONNECT_SECONDS = 5.0
_DOWNLOAD_SECONDS = 120.0  # of one file: a stalled line must not hold up a whole run


@dataclass
class Search:
    """Outcome of a search: the folder that has every file, or why each place gave nothing."""

    folder: Path | None = None
    failures: list[str] = field(default_factory=list)

    def explain(self) -> str:
        """The places looked at, one per line, each with why it gave nothing."""
        return "\n".join(f"  - {failure}" for failure in self.failures)


def obtain(source: DatasetSource, wanted: str, data_dir: Path | str | None, options: Section | None = None) -> Dataset:
    """Read, fetch or simulate a data set.

    Args:
        source: The data set.
        wanted: "real"; "simulated"; or "auto", real data where they can be had, else simulated ones with a
            warning on the logger "paretofair".
        data_dir: The folder to look in first.
        options: Those of the data set, of its class `options`; by default all at their defaults.

    Raises:
        DataError: A file with a wrong checksum anywhere; `data_dir` is not a folder; real data are required,
            or there are no simulated ones, and they can't be had (with every place looked at and why it failed).
    """
    if data_dir is not None and not Path(data_dir).is_dir():
        raise DataError(f"data folder {str(data_dir)!r} is not a directory; give an existing one, or none")
    given = () if options is None else (options,)
    if wanted == "simulated":
        if source.simulate is None:
            raise DataError(f"data set {source.name!r} has no simulated stand-in; use the real data\n{_advice(source)}")
        return source.simulate(*given)
    search = find(source, data_dir)
    if search.folder is not None:
        return source.read(search.folder, *given)
    if wanted == "real" or source.simulate is None:
        raise DataError(
            f"the real data set {source.name!r} can't be had. Looked at:\n{search.explain()}\n{_advice(source)}"
        )
    logger.warning(
        "data set %r: using SIMULATED data, the real data can't be had. Looked at:\n%s\n%s",
        source.name,
        search.explain(),
        _advice(source),
    )
    return source.simulate(*given)


def find(source: DatasetSource, data_dir: Path | str | None = None) -> Search:
    """Look in `data_dir`, PARETOFAIR_DATA, ./data, the user's cache and at the public address, in order.

    In each folder D, the places are D/<the data set's folder>, the folders of its other layouts, and D itself. A place
    counts if it has all files of a layout.

    Raises:
        DataError: A file found or downloaded has a wrong checksum.
    """
    search = Search()
    variable = os.environ.get(DATA_VARIABLE)
    folders = [
        ("the data folder", data_dir),
        (DATA_VARIABLE, variable),
        ("the working directory's data folder", "data"),
        ("the user's cache", cache_folder()),
    ]
    if not variable:
        search.failures.append(f"{DATA_VARIABLE}: not set")
    for label, folder in folders:
        if not folder:
            continue
        for place in dict.fromkeys((*(Path(folder) / layout.folder for layout in source.layouts), Path(folder))):
            lacks = []
            for layout in source.layouts:
                lacking = [file.name for file in layout.files if not (place / file.name).exists()]
                for file in layout.files:
                    if file.forms and file.name not in lacking:
                        file.form_of(place / file.name)
                if not lacking:
                    search.folder = place
                    return search
                lacks.append(", ".join(lacking))
            reason = f"lacks {' or '.join(dict.fromkeys(lacks))}" if place.is_dir() else "no such directory"
            search.failures.append(f"{label}: {place}: {reason}")
    _download_all(source, cache_folder() / source.folder_name, search)
    return search


def cache_folder() -> Path:
    """The user's cache folder for data, as the operating system has it; it need not exist."""
    return Path(platformdirs.user_cache_dir("paretofair")) / "data"


def is_offline() -> bool:
    """Whether PARETOFAIR_OFFLINE forbids downloads (any value but "" and "0" does)."""
    return os.environ.get(OFFLINE_VARIABLE, "") not in ("", "0")


def _download_all(source: DatasetSource, folder: Path, search: Search) -> None:
    """Download what `folder` lacks; on failure, add the reason to `search` instead of setting its folder."""
    if is_offline():
        search.failures.append(f"download: not tried, {OFFLINE_VARIABLE} is set")
        return
    for file in source.files:
        if (folder / file.name).exists():
            continue
        if file.address is None:
            search.failures.append(f"download: {file.name} has no public address")
            return
        try:
            _download(file, file.address, folder)
        except (OSError, http.client.HTTPException) as error:
            # URLError, time-outs and a cache that can't be written are all OSErrors.
            reason = getattr(error, "reason", None) or error
            search.failures.append(f"download: {file.address}: {reason}")
            return
    search.folder = folder


def _download(file: DataFile, address: str, folder: Path) -> None:
    """Download one file to `folder`; it appears there complete and checked, or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    checksum = sha256()
    deadline = time.monotonic() + _DOWNLOAD_SECONDS
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=folder)
    try:
        with (
            os.fdopen(handle, "wb") as part,
            urllib.request.urlopen(address, timeout=_CONNECT_SECONDS) as answer,
        ):
            read: Callable[[int], bytes] = answer.read
            while chunk := read(1 << 16):
                checksum.update(chunk)
                part.write(chunk)
                if time.monotonic() > deadline:
                    raise TimeoutError(f"took longer than {_DOWNLOAD_SECONDS:.0f} s")
        form = file.form_with(
            checksum.hexdigest(),
            address,
            "The published file has changed, or something on the network answered in its place. "
            "Put the right file into a data folder, or ask for simulated data.",
        )
        if form.drop:
            drop_columns(Path(name), form.drop)
            file.form_of(Path(name))
        os.replace(name, folder / file.name)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _advice(source: DatasetSource) -> str:
    folder = f"FOLDER/{source.folder_name}/"
    lines = [f"To get the real data, set {DATA_VARIABLE}=FOLDER or --data-dir FOLDER, and save in {folder}:"]
    lines += [f"  {file.name} from {file.address or file.origin or 'wherever you have it'}" for file in source.files]
    for layout in source.others:
        lines.append(f"or in FOLDER/{layout.folder}/: {', '.join(file.name for file in layout.files)}")
    return "\n".join(lines)
