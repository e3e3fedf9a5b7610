"""What the registry knows of a data set: its schema, its public files, and how to read or simulate it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from paretofair.data.dataset import Dataset
from paretofair.data.digest import hash_file
from paretofair.errors import DataError
from paretofair.sections import Section


@dataclass(frozen=True)
class FileForm:
    """One byte-for-byte form of a data file.

    Attributes:
        sha256: Its checksum.
        header: Column names of a form that has no header line; None if it has one.
        address: Where it is published; None for a form that is only handed around.
        drop: Columns that must not be kept: a download of this form is stored without them. The result is
            another form of the same file.
    """

    sha256: str
    header: tuple[str, ...] | None = None
    address: str | None = None
    drop: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataFile:
    """A file of a data set, under the name by which it is looked for, in every form that is accepted.

    Attributes:
        name: Its name; also that of a folder of pictures.
        forms: The accepted forms; () where any content is, as of a cut that one makes oneself.
        origin: For a file that is never downloaded, where to ask for it.
    """

    name: str
    forms: tuple[FileForm, ...] = ()
    origin: str = ""

    @property
    def address(self) -> str | None:
        """Public address of the first published form."""
        return next((form.address for form in self.forms if form.address), None)

    def form_of(self, path: Path) -> FileForm:
        """Identify a file by its checksum.

        Raises:
            DataError: The checksum is not a pinned one, or the file can't be read.
        """
        return self.form_with(hash_file(path), str(path), "Remove or replace the file, then run again.")

    def form_with(self, found: str, where: str, advice: str) -> FileForm:
        """The form with checksum `found`; a DataError that names both checksums if there is none."""
        for form in self.forms:
            if form.sha256 == found:
                return form
        expected = " or ".join(form.sha256 for form in self.forms)
        raise DataError(
            f"{where}: wrong checksum, these are not the published data.\n"
            f"  SHA-256 found:    {found}\n"
            f"  SHA-256 expected: {expected}\n"
            f"  {advice}"
        )


@dataclass(frozen=True)
class Layout:
    """Files that are a data set together, and the folder inside a data folder in which they are looked for first."""

    folder: str
    files: tuple[DataFile, ...]


@dataclass(frozen=True)
class DatasetSource:
    """Everything the program knows about a data set before reading it.

    Attributes:
        name: Name in the space file.
        tasks: Names of its tasks.
        group_names: Sensitive attribute -> its groups, in the schema's order.
        files: What `read` needs; all in one folder.
        read: Folder of the files -> the real Dataset. Checks every checksum.
        simulate: The simulated Dataset of the same schema; the same rows at every call. None where there is no such
            stand-in.
        folder: Name of its folder inside a data folder, if it isn't its own name.
        others: Other files that do as well, as a cut or an unpacked archive.
        options: What a user may choose of it (`data.options` in the space file). `read` and `simulate` then take them
            as a last argument, by default those that are all at their defaults.
        files_in_options: Options that name a file, relative to the folder of the space file.
        of_other_kinds: Task -> its kind, where that is not binary.
    """

    name: str
    tasks: tuple[str, ...]
    group_names: dict[str, tuple[str, ...]]
    files: tuple[DataFile, ...]
    read: Callable[..., Dataset]
    simulate: Callable[..., Dataset] | None = None
    folder: str | None = None
    others: tuple[Layout, ...] = ()
    options: type[Section] | None = None
    files_in_options: tuple[str, ...] = ()
    of_other_kinds: Mapping[str, str] = field(default_factory=dict)

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of each task."""
        return dict.fromkeys(self.tasks, "binary") | dict(self.of_other_kinds)

    @property
    def folder_name(self) -> str:
        """Name of the folder, inside a data folder, in which its files are looked for first."""
        return self.folder or self.name

    @property
    def layouts(self) -> tuple[Layout, ...]:
        """All files that do, those that may be downloaded first."""
        return (Layout(self.folder_name, self.files), *self.others)

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of the sensitive attributes."""
        return tuple(self.group_names)
