"""A place that workers write to where machines share no folder: any file system that pyarrow knows by its URL."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from paretofair.errors import RunError, first_line
from paretofair.redaction import redact, redact_record
from paretofair.results.files import ENVIRONMENT, FAILED, SPACE, inside, write_whole

FOLDERS = ("trials", "models", "curves")
_PATIENCE = 30  # seconds
SETTINGS = (SPACE, ENVIRONMENT, FAILED)
# What is written there appears when it is complete; elsewhere a finished file gets its name by a move.
_OBJECT_STORES = ("s3", "gcs", "abfs")
# Whoever works with a URL may log it.
logging.getLogger("paretofair").addFilter(redact_record)


def is_url(place: str) -> bool:
    """Whether a place is a URL, as in `s3://bucket/run`."""
    return "://" in place


class Store:
    """The results folder of a run at a URL. Raises RunError for one that cannot be reached.

    `url` may hold secrets, by which the place is reached; `str(store)` is for people.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        if not self.name:
            raise RunError(f"--output {url}: expected a folder at the URL, as in s3://bucket/run")
        # Without a limit Google's client waits for a quarter of an hour, and no signal ends it.
        limited = url.startswith(("gs://", "gcs://")) and "retry_limit_seconds" not in url
        given = f"{url}{'&' if '?' in url else '?'}retry_limit_seconds={_PATIENCE}" if limited else url
        try:
            self._files, self._root = fs.FileSystem.from_uri(given)
        except (pa.ArrowInvalid, OSError, ValueError) as error:
            raise RunError(f"--output {url}: no file system that pyarrow knows ({first_line(error)})") from None

    def __str__(self) -> str:
        return redact(self.url)

    @property
    def name(self) -> str:
        """The last part of the path."""
        parts = urlsplit(self.url)
        return parts.path.rstrip("/").rpartition("/")[2] or parts.netloc.rpartition("@")[2]

    def inside(self, name: str) -> str:
        """The URL of a folder in it."""
        parts = urlsplit(self.url)
        return parts._replace(path=f"{parts.path.rstrip('/')}/{name}").geturl()

    def remove(self, name: str) -> None:
        """Removes a folder with what is in it, if it is there."""
        if self._files.get_file_info(f"{self._root}/{name}").type == fs.FileType.Directory:
            self._files.delete_dir(f"{self._root}/{name}")

    def read(self, name: str) -> tuple[str, float] | None:
        """A small file's text and when it was written, by the clock of the place, in seconds; None where it is not."""
        found = self._files.get_file_info(f"{self._root}/{name}")
        if not found.is_file:
            return None
        with self._files.open_input_stream(found.path) as source:
            return source.read().decode(), found.mtime.timestamp()

    def put(self, name: str, content: bytes | pa.Buffer) -> None:
        """Writes a file: it appears whole or not at all."""
        target = f"{self._root}/{name}"
        if self._files.type_name == "local":
            with write_whole(Path(target)) as here:
                here.write_bytes(content)
            return
        folder, _, last = target.rpartition("/")
        self._files.create_dir(folder, recursive=True)
        if self._files.type_name in _OBJECT_STORES:
            self._write(target, content)
            return
        partial = f"{folder}/.{last}.{uuid.uuid4().hex[:8]}.partial"
        try:
            self._write(partial, content)
            self._move(partial, target)
        except BaseException:
            with suppress(OSError):
                self._files.delete_file(partial)
            raise

    def _write(self, path: str, content: bytes | pa.Buffer) -> None:
        with self._files.open_output_stream(path) as out:
            out.write(content)

    def _move(self, source: str, target: str) -> None:
        """Gives a file its name. HDFS gives none that is taken: there the file that had it is moved out of the way."""
        try:
            self._files.move(source, target)
        except OSError:
            if not self._files.get_file_info(target).is_file:
                raise
            before = f"{source}.before"
            self._files.move(target, before)
            try:
                self._files.move(source, target)
            except OSError:
                self._files.move(before, target)
                raise
            self._files.delete_file(before)

    def delete(self, name: str) -> None:
        """Removes a file, which must be there."""
        self._files.delete_file(f"{self._root}/{name}")

    def write(self, into: str, name: str, table: pa.Table) -> None:
        """Writes one stack to the folder `into`: the file appears whole or not at all."""
        # A stream that is closed after an error would leave half a table in a bucket.
        whole = pa.BufferOutputStream()
        pq.write_table(table, whole, compression="zstd")
        self.put(f"{into}/{name}", whole.getvalue())

    def put_aside(self, into: str, name: str) -> None:
        """Moves a file of a folder to `damaged` in it."""
        self._files.create_dir(f"{self._root}/{into}/damaged", recursive=True)
        if name in self.names(into):
            target = f"{self._root}/{into}/damaged/{name}.{uuid.uuid4().hex[:8]}"
            self._files.move(f"{self._root}/{into}/{name}", target)

    def names(self, into: str) -> list[str]:
        """The files of a folder, in order; none where there is no such folder."""
        return sorted(self.files(into))

    def files(self, into: str) -> dict[str, int | None]:
        """The files of a folder by name, and when they were written, in nanoseconds, as far as the place tells."""
        selected = fs.FileSelector(f"{self._root}/{into}".rstrip("/"), allow_not_found=True)
        found = self._files.get_file_info(selected)
        return {each.base_name: each.mtime_ns for each in found if each.is_file and not each.base_name.startswith(".")}

    def sizes(self, into: str) -> dict[str, int]:
        """The files of a folder by name, and how many bytes each has."""
        selected = fs.FileSelector(f"{self._root}/{into}".rstrip("/"), allow_not_found=True)
        return {each.base_name: each.size or 0 for each in self._files.get_file_info(selected) if each.is_file}

    def open(self, into: str, name: str) -> pa.NativeFile:
        """A file of a folder, to be read."""
        return self._files.open_input_file(f"{self._root}/{into}/{name}")

    def pull(self, folder: Path, folders: Sequence[str] = FOLDERS) -> None:
        """Copies to `folder` the stacks that it lacks."""
        for into in folders:
            local = folder / into
            have = set(os.listdir(local)) if local.exists() else set()
            for name in self.names(into):
                if name not in have:
                    self._copy(f"{into}/{name}", inside(folder, f"{into}/{name}"))

    def pull_settings(self, folder: Path) -> None:
        """Makes what `folder` says of the run what is said there: the space file, what failed."""
        there = self.names("")
        for name in SETTINGS:
            if name in there:
                self._copy(name, inside(folder, name))
            else:
                inside(folder, name).unlink(missing_ok=True)

    def push_settings(self, folder: Path) -> None:
        """Makes what is said of the run there what `folder` says."""
        there = self.names("")
        for name in SETTINGS:
            if (folder / name).exists():
                self.put(name, (folder / name).read_bytes())
            elif name in there:
                self.delete(name)

    def push(self, folder: Path) -> None:
        """Copies everything of `folder` but the stacks and Ray's logs to the URL."""
        self.push_settings(folder)
        for path in _own_files(folder):
            self.put(path.relative_to(folder).as_posix(), path.read_bytes())

    def _copy(self, name: str, target: Path) -> None:
        with write_whole(target) as partial, self._files.open_input_stream(f"{self._root}/{name}") as source:
            partial.write_bytes(source.read())


def _own_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        first = path.relative_to(folder).parts[0]
        if (
            path.is_file()
            and first not in (*FOLDERS, *SETTINGS, "logs", "checkpoints")
            and not path.name.startswith(".")
        ):
            yield path
