"""The file of vectors: what it holds, that a broken-off run goes on with the same bits, and what is told."""

from __future__ import annotations

import fcntl
import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from paretofair.data.inputs.pictures import PictureForm
from paretofair.embedding.examples import KeyedTexts, list_pictures_in, read_keyed
from paretofair.embedding.networks import EmbeddingNetwork, find_network
from paretofair.embedding.writing import write_vectors
from paretofair.errors import DataError, RunError

NETWORK = EmbeddingNetwork({"network": "lengths"}, bytes.decode, lambda texts: np.array([[len(t), 1.0] for t in texts]))


@pytest.fixture
def network(made):
    return find_network("cnn", made.weights, form=PictureForm(16, 16))


def test_what_stands_in_the_file(made, network, tmp_path):
    examples = list_pictures_in(made.folder)
    found = write_vectors(examples, network, tmp_path / "vectors.npz", batch_size=4)
    assert (found.count, found.width, found.before, found.left_out) == (11, 128, 0, ())
    with np.load(tmp_path / "vectors.npz") as file:
        assert file["key"].tolist() == made.names
        assert file["embedding"].dtype == np.float32
        alone = network.embed([network.prepare(examples.read(9))])[0]
        np.testing.assert_allclose(file["embedding"][9], alone, rtol=1e-4, atol=1e-6)
        about = json.loads(str(file["about"]))
    assert about == found.about
    known = hashlib.sha256()
    for name in made.names:
        known.update(name.encode() + b"\0" + hashlib.sha256((made.folder / name).read_bytes()).digest())
    assert about["examples_sha256"] == known.hexdigest()
    assert about["weights_sha256"] == hashlib.sha256(made.weights.read_bytes()).hexdigest()
    assert (about["count"], about["form"]["height"]) == (11, 16)
    assert not (tmp_path / "vectors.npz.partial").exists()


@pytest.mark.parametrize("broken_in", [0, 1, 2])
def test_a_broken_off_run_goes_on_with_the_same_bits(made, network, tmp_path, broken_in):
    examples = list_pictures_in(made.folder)
    write_vectors(examples, network, tmp_path / "whole.npz", batch_size=4)
    batches = 0

    def embed(prepared):
        nonlocal batches
        batches += 1
        if batches > broken_in:
            raise KeyboardInterrupt
        return network.embed(prepared)

    with pytest.raises(KeyboardInterrupt):
        write_vectors(examples, replace(network, embed=embed), tmp_path / "again.npz", batch_size=4)
    if broken_in:  # half a batch was written when the power went
        with (tmp_path / "again.npz.partial" / "vectors.bin").open("ab") as file:
            file.write(b"1234567")
    found = write_vectors(examples, network, tmp_path / "again.npz", batch_size=4)
    assert found.before == 4 * broken_in
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()


def test_another_network_or_picture_does_not_go_on(made, network, tmp_path):
    def stop(prepared):
        if len(prepared) < 4:
            raise KeyboardInterrupt
        return network.embed(prepared)

    examples = list_pictures_in(made.folder)
    with pytest.raises(KeyboardInterrupt):
        write_vectors(examples, replace(network, embed=stop), tmp_path / "v.npz", batch_size=4)
    with pytest.raises(DataError, match="was begun with another network"):
        write_vectors(examples, replace(network, about={"network": "other"}), tmp_path / "v.npz", batch_size=4)
    with pytest.raises(DataError, match="was begun with another batch size"):
        write_vectors(examples, network, tmp_path / "v.npz", batch_size=5)
    (made.folder / made.names[10]).write_bytes(b"no picture")
    with pytest.raises(DataError, match="was begun with another examples"):
        write_vectors(examples, network, tmp_path / "v.npz", batch_size=4)


@pytest.mark.parametrize("first", [True, False])
def test_damaged_pictures_are_told_when_all_others_are_done(made, network, tmp_path, first):
    place = 0 if first else 6
    (made.folder / made.names[place]).write_bytes(b"no picture")
    examples = list_pictures_in(made.folder)
    with pytest.raises(DataError) as error:
        write_vectors(examples, network, tmp_path / "v.npz", batch_size=1)
    assert f"picture '{made.names[place]}' is no picture" in str(error.value)
    assert "--leave-out writes the file without them" in str(error.value)
    found = write_vectors(examples, network, tmp_path / "v.npz", batch_size=1, leave_out=True)
    assert (found.count, found.before, len(found.left_out)) == (10, 11, 1)
    with np.load(tmp_path / "v.npz") as file:
        assert made.names[place] not in file["key"]
        assert np.abs(file["embedding"]).sum(1).all()


def test_nothing_can_be_read(made, network, tmp_path):
    for name in made.names:
        (made.folder / name).write_bytes(b"")
    with pytest.raises(DataError, match=r"none of the pictures can be read; the first: .* is empty"):
        write_vectors(list_pictures_in(made.folder), network, tmp_path / "v.npz", leave_out=True)


def test_keys_are_integers_where_all_are(tmp_path):
    for keys, kind in ((["12", "007"], "i"), (["1", "01"], "U"), (["1", "a"], "U")):
        output = tmp_path / f"{keys[1]}.npz"
        write_vectors(KeyedTexts(tmp_path, ["a", "bcd"], keys), NETWORK, output, half=True)
        with np.load(output) as file:
            assert file["key"].dtype.kind == kind
            assert file["embedding"].dtype == np.float16
            assert file["embedding"].tolist() == [[1, 1], [3, 1]]


def test_values_that_no_file_should_hold(tmp_path):
    texts = KeyedTexts(tmp_path / "t.csv", ["a", "bcd"], ["x", "y"])
    large = replace(NETWORK, embed=lambda texts: np.array([[1.0], [1e5]]))
    with pytest.raises(DataError, match="the text of 'y': its vector has a number that is too large for 16 bits"):
        write_vectors(texts, large, tmp_path / "a.npz", half=True)
    with pytest.raises(DataError, match="the text of 'x': its vector is not finite"):
        write_vectors(texts, replace(NETWORK, embed=lambda texts: np.full((2, 3), np.nan)), tmp_path / "b.npz")


def test_places_that_are_taken(tmp_path):
    texts = KeyedTexts(tmp_path, ["a"], ["x"])
    (tmp_path / "there.npz").write_text("")
    for name, says in (("there.npz", "is there already"), ("v.npy", "accepted: .npz"), ("no/v.npz", "no folder")):
        with pytest.raises(DataError, match=says):
            write_vectors(texts, NETWORK, tmp_path / name)
    (tmp_path / "v.npz.partial").mkdir()
    with (tmp_path / "v.npz.partial" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="another command is writing"):
            write_vectors(texts, NETWORK, tmp_path / "v.npz")
    (tmp_path / "v.npz.partial" / "about.json").write_text("{")
    with pytest.raises(DataError, match="is damaged; remove the folder"):
        write_vectors(texts, NETWORK, tmp_path / "v.npz")


@pytest.mark.parametrize("link", ["vectors.npz.partial", "vectors.npz.partial/lock"])
def test_links_are_not_followed(tmp_path, link):
    examples = KeyedTexts(tmp_path / "t.csv", ["a"], ["1"])
    theirs = tmp_path / "theirs"
    (tmp_path / link).parent.mkdir(exist_ok=True)
    (tmp_path / link).symlink_to(theirs)
    if link.endswith("lock"):
        theirs.write_text("theirs")
    else:
        theirs.mkdir()
    with pytest.raises(RunError, match="is a symbolic link, which is not followed"):
        write_vectors(examples, NETWORK, tmp_path / "vectors.npz", batch_size=2)
    assert list(theirs.iterdir()) == [] if theirs.is_dir() else theirs.read_text() == "theirs"


def test_texts_of_a_table(tmp_path):
    (tmp_path / "t.csv").write_text("id,words\n3,aa\n4,b\n")
    write_vectors(read_keyed(tmp_path / "t.csv", "words", "id", None), NETWORK, tmp_path / "v.npz")
    with np.load(tmp_path / "v.npz") as file:
        assert dict(zip(file["key"].tolist(), file["embedding"][:, 0].tolist(), strict=True)) == {3: 2.0, 4: 1.0}
