"""What is embedded, by key."""

from __future__ import annotations

import pytest

from paretofair.embedding.examples import list_pictures_in, read_keyed
from paretofair.errors import DataError
from tests.pictures import pack


def test_a_folder_and_its_archive_have_the_same_pictures(made, tmp_path):
    (made.folder / "notes.txt").write_text("no picture")
    own, packed = list_pictures_in(made.folder), list_pictures_in(pack(made.folder, tmp_path / "pictures.zip"))
    assert own.keys == packed.keys == made.names
    assert own.read(3) == packed.read(3) == (made.folder / made.names[3]).read_bytes()
    before = own.stamp()
    (made.folder / made.names[0]).write_bytes(b"another")
    assert own.stamp() != before
    assert packed.name(0).endswith("pictures.zip: picture '0000.png'")


def test_columns_name_pictures_and_texts(made, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("id;file;words\n7;0001.png;some\n8;0002.png;others\n7;0001.png;some\n")
    pictures = read_keyed(table, "file", "id", made.folder, ";")
    assert (pictures.keys, pictures.files) == (["7", "8"], ["0001.png", "0002.png"])
    assert read_keyed(table, "file", None, made.folder, ";").keys == ["0001.png", "0002.png"]
    texts = read_keyed(table, "words", "id", None, ";")
    assert [texts.read(place) for place in range(2)] == [b"some", b"others"]
    assert (texts.what, texts.name(1)) == ("texts", f"{table}: the text of '8'")
    assert texts.stamp() != read_keyed(table, "file", "id", None, ";").stamp()


@pytest.mark.parametrize(
    ("text", "column", "key", "says"),
    [
        ("id,file\n1,0001.png\n", "flie", "id", "has no column 'flie'; did you mean 'file'"),
        ("id,file\n1,0001.png\n", "file", "key", "has no column 'key'"),
        ("id,file\n1,0001.png\n2,1.png\n", "file", "id", "line 3, column 'file': picture '1.png' is not in"),
        ("id,file\n1,0001.png\n2,\n", "file", "id", "the name of the picture is missing"),
        ("id,file\n,0001.png\n", "file", "id", "line 2, column 'id': the key is missing"),
        ("id,file\n1,0001.png\n1,0002.png\n", "file", "id", "the key '1' stands with two different examples"),
    ],
)
def test_faults_are_told_with_their_row(made, tmp_path, text, column, key, says):
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(DataError) as error:
        read_keyed(tmp_path / "table.csv", column, key, made.folder)
    assert says in str(error.value)


def test_a_folder_without_pictures(tmp_path):
    with pytest.raises(DataError, match="holds no picture"):
        list_pictures_in(tmp_path)
