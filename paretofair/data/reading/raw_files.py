"""Opening data files by what their first bytes are: texts, packed or not, and typed tables."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn, cast

import pyarrow as pa

from paretofair.errors import DataError
from paretofair.naming import show

_FIRST = 4096
_GZIP, _BZIP2, _XZ, _ZIP = b"\x1f\x8b\x08", b"1AY&SY", b"\xfd7zXZ\x00", b"PK\x03\x04"
# At both ends: a column of a text file may well be called PAR1.
_PARQUET, _FEATHER = b"PAR1", b"ARROW1"
_SAVE_AS_CSV = "save it as CSV or Parquet"
# What files of other programs begin with, and what they are.
_OTHERS = {
    b"\xd0\xcf\x11\xe0": f"is an Excel workbook of the old form; {_SAVE_AS_CSV}",
    b"\x89HDF": f"is an HDF5 file; {_SAVE_AS_CSV}",
    b"SQLite format 3\0": f"is an SQLite database; {_SAVE_AS_CSV}",
    b"\x28\xb5\x2f\xfd": "is packed by Zstandard; unpack it, or pack it by gzip",
    b"$FL2": f"is an SPSS file; {_SAVE_AS_CSV}",
    b"<stata_dta>": f"is a Stata file; {_SAVE_AS_CSV}",
    b"RDX2\n": f"is a file of R; {_SAVE_AS_CSV}",
    b"RDX3\n": f"is a file of R; {_SAVE_AS_CSV}",
    b"X\n\x00": f"is a file of R; {_SAVE_AS_CSV}",
    b"\x80\x04": f"is a pickle of Python; {_SAVE_AS_CSV}",
    b"\x93NUMPY": f"is an array of NumPy; {_SAVE_AS_CSV}",
    b"%PDF-": "is a PDF",
    b"<!DOCTYPE": "is a web page; download the file that it links to",
    b"<!doctype": "is a web page; download the file that it links to",
    b"<html": "is a web page; download the file that it links to",
    b"version https://git-lfs": "is a pointer of Git LFS; fetch the file itself by git lfs pull",
    b'{"': f"is JSON; {_SAVE_AS_CSV}",
    b"{\n": f"is JSON; {_SAVE_AS_CSV}",
    b"[{": f"is JSON; {_SAVE_AS_CSV}",
}
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def fail(path: Path, message: str) -> NoReturn:
    """A DataError of a file, on one line, whatever stands in the file."""
    raise DataError(show(f"{path}: {message}"))


def is_typed_table(path: Path) -> bool:
    """Whether a file is a Parquet or Feather file; a DataError where it can't be read."""
    with _open_bytes(path) as file:
        first = file.read(8)
        file.seek(-min(8, file.seek(0, io.SEEK_END)), io.SEEK_END)
        last = file.read()
    return any(first.startswith(mark) and last.endswith(mark) for mark in (_PARQUET, _FEATHER))


def read_typed_table(path: Path) -> pa.Table:
    """A Parquet or Feather file.

    Raises:
        DataError: It is damaged.
    """
    from pyarrow import parquet

    with _open_bytes(path) as file:
        name = "Parquet" if file.read(4) == _PARQUET else "Feather"
    try:
        # Not parquet.read_table, which makes columns of the names of folders.
        return parquet.ParquetFile(path).read() if name == "Parquet" else pa.ipc.open_file(path).read_all()
    except (pa.ArrowException, OSError) as error:
        fail(path, f"is a damaged {name} file: {' '.join(str(error).split())[:200]}")


@contextmanager
def open_text(path: Path, encoding: str | None = None) -> Iterator[IO[str]]:
    """A text file, unpacked where it is packed by gzip, bzip2, xz, or alone in a zip archive.

    Args:
        path: The file.
        encoding: How its letters are written; by default UTF-8, with or without a byte order mark.

    Raises:
        DataError: No such file; no text, with what it is; another encoding, with the key to give; damaged. Also while
            the text is read, inside the block.
    """
    with _open_bytes(path) as file:
        try:
            with _unpack(path, file) as unpacked:
                first = unpacked.peek(_FIRST)[:_FIRST]
                _check_text(path, first, encoding)
                # Spreadsheet programs put a byte order mark before the first column's name.
                marked = encoding is None or codecs.lookup(encoding).name == "utf-8"
                yield io.TextIOWrapper(unpacked, encoding="utf-8-sig" if marked else encoding, newline="")
        except UnicodeDecodeError as error:
            fail(path, _describe_encoding(error, encoding))
        except UnicodeError as error:  # of UTF-16 without a byte order mark
            fail(path, f"is not written in {encoding} ({error})")
        except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, gzip.BadGzipFile) as error:
            fail(path, f"is packed and damaged: {error}")


@contextmanager
def _open_bytes(path: Path) -> Iterator[io.BufferedReader]:
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        fail(path, "no such file")
    except OSError as error:
        fail(path, f"can't be read: {error.strerror or error}")


def _unpack(path: Path, file: io.BufferedReader) -> io.BufferedReader:
    first = file.peek(_FIRST)
    if first.startswith(_GZIP):
        return io.BufferedReader(gzip.GzipFile(fileobj=file))
    if first.startswith(b"BZh") and first[4:].startswith(_BZIP2):
        return io.BufferedReader(bz2.BZ2File(file))
    if first.startswith(_XZ):
        return io.BufferedReader(lzma.LZMAFile(file))
    if first.startswith(_ZIP):
        archive = zipfile.ZipFile(file)
        names = archive.namelist()
        if "[Content_Types].xml" in names:
            fail(path, f"is an Excel workbook; {_SAVE_AS_CSV}")
        members = [name for name in names if not name.endswith("/") and not name.startswith("__MACOSX/")]
        if len(members) != 1:
            fail(path, f"is a zip archive of {len(members)} files; accepted: one")
        try:
            return io.BufferedReader(cast(io.RawIOBase, archive.open(members[0])))
        except RuntimeError as error:  # of a password, or of a way to pack that Python does not know
            fail(path, f"can't be unpacked: {error}")
    return file


def _check_text(path: Path, first: bytes, encoding: str | None) -> None:
    """A DataError where the first bytes are those of something else."""
    if first.startswith((_GZIP, _XZ, _ZIP)):
        fail(path, "is packed twice; unpack it once")
    if b"\0" in first and first.startswith((_PARQUET, _FEATHER, b"FEA1")):
        fail(path, "is a Parquet or Feather file that is packed, cut off or of Feather's first version; write it again")
    for beginning, what in _OTHERS.items():
        if first.startswith(beginning):
            fail(path, what)
    if encoding is not None:
        return
    for mark, name in _BYTE_ORDER_MARKS.items():
        if first.startswith(mark):
            fail(
                path, f"is not UTF-8 text: it begins with the byte order mark of {name.upper()}; write encoding: {name}"
            )
    if b"\0" in first:
        at_odd, at_even = first[1::2].count(0), first[::2].count(0)
        for zeros, name in ((at_odd, "utf-16-le"), (at_even, "utf-16-be")):
            if zeros > len(first) // 4 > at_odd + at_even - zeros:
                fail(path, f"is not UTF-8 text: every other byte is 0, as in UTF-16; write encoding: {name}")
        fail(path, "is no text: bytes of 0 are in it")


def _describe_encoding(error: UnicodeDecodeError, encoding: str | None) -> str:
    if encoding is not None:
        return f"is not written in {encoding} ({error.reason})"
    # The bytes 0x80 to 0x9f are letters in Windows alone.
    windows = any(byte in error.object for byte in range(0x80, 0xA0))
    word = error.object[max(0, error.start - 12) : error.end + 12]
    found = word.decode("cp1252" if windows else "latin-1", errors="replace").splitlines()
    near = next((line for line in found if not line.isascii()), "")
    return (
        f"is not UTF-8 text ({error.reason}: the byte 0x{error.object[error.start]:02x}); Windows and older programs "
        f"write latin-1 or cp1252: if {near!r} reads right, write encoding: {'cp1252' if windows else 'latin-1'}"
    )
