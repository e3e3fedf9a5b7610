import bz2
import gzip
import lzma
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from paretofair.data.reading.raw_files import is_typed_table, open_text, read_typed_table
from paretofair.errors import DataError

TEXT = "a,b\n1,é\n"


@pytest.fixture
def write(tmp_path: Path):
    def _write(content: bytes) -> Path:
        path = tmp_path / "table"
        path.write_bytes(content)
        return path

    return _write


def read(path: Path, encoding: str | None = None) -> str:
    with open_text(path, encoding) as file:
        return file.read()


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_packed_texts(write, pack, encoding: str) -> None:
    assert read(write(pack(TEXT.encode(encoding)))) == TEXT


def test_an_archive_of_one_file(tmp_path: Path) -> None:
    path = tmp_path / "table.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("folder")
        archive.writestr("folder/table.csv", TEXT)
        archive.writestr("__MACOSX/._table.csv", "x")
    assert read(path) == TEXT
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other.csv", TEXT)
    with pytest.raises(DataError, match="is a zip archive of 2 files; accepted: one"):
        read(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "")
    with pytest.raises(DataError, match="is an Excel workbook; save it as CSV"):
        read(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le", "utf-16-be", "latin-1", "cp1252"])
def test_other_encodings_are_named_and_read(write, encoding: str) -> None:
    text = TEXT + ("2,“x”\n" if encoding == "cp1252" else "")
    path = write(text.encode(encoding))
    with pytest.raises(DataError, match=rf"is not UTF-8 text.*write encoding: {encoding}$"):
        read(path)
    assert read(path, encoding) == text
    assert read(write(gzip.compress(text.encode(encoding))), encoding) == text


def test_a_wrong_encoding(write) -> None:
    with pytest.raises(DataError, match="is not written in ascii"):
        read(write(TEXT.encode()), "ascii")
    with pytest.raises(DataError, match="is not written in utf-16"):
        read(write(TEXT.encode()), "utf-16")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(TEXT.encode() * 50, mtime=0)[:30], "is packed and damaged"),
        (lzma.compress(TEXT.encode() * 50)[:70], "is packed and damaged"),
        (b"PK\x03\x04 and no more", "is packed and damaged"),
        (gzip.compress(gzip.compress(b"a", mtime=0), mtime=0), "is packed twice"),
        (b"PAR1\x00\x00", "is a Parquet or Feather file that is packed, cut off"),
        (b"SQLite format 3\x00", "is an SQLite database"),
        (b"<!DOCTYPE html>", "is a web page"),
        (b'{"a": 1}', "is JSON"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        (b"a,b\n1,\x00\x00\n", "is no text: bytes of 0"),
    ],
)
def test_what_is_no_text_is_named(write, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(write(content))


@pytest.mark.parametrize("header", ["PAR1,PAR2", "FEA1,b", "BZhole,b", "RDX,b"])
def test_headers_that_begin_as_other_files_do(write, header: str) -> None:
    assert not is_typed_table(write(header.encode()))
    assert read(write(header.encode())) == header


def test_typed_tables(tmp_path: Path, write) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    frame.to_parquet(tmp_path / "a")
    feather.write_feather(frame, tmp_path / "b")
    for name in "ab":
        assert is_typed_table(tmp_path / name)
        assert read_typed_table(tmp_path / name).to_pydict() == {"a": [1, 2], "b": ["x", None]}
    whole = (tmp_path / "a").read_bytes()
    with pytest.raises(DataError, match="is a damaged Parquet file"):
        read_typed_table(write(whole[:30] + whole[-8:]))


def test_a_folder_of_a_typed_table_makes_no_column(tmp_path: Path) -> None:
    (tmp_path / "sex=f").mkdir()
    parquet.write_table(pa.table({"a": [1]}), tmp_path / "sex=f" / "x.parquet")
    assert read_typed_table(tmp_path / "sex=f" / "x.parquet").column_names == ["a"]


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        is_typed_table(tmp_path / "none")
    with pytest.raises(DataError, match="can't be read"):
        is_typed_table(tmp_path)
