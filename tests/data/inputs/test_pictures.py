"""One picture: what it becomes, and what is refused."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps
from scipy.ndimage import convolve, gaussian_filter

from paretofair.data.inputs.pictures import PictureError, PictureForm, PictureRoot
from paretofair.errors import DataError
from tests.pictures import pack, write_pictures

FORM = PictureForm(8, 6)


def save(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def make_bomb() -> bytes:
    """A PNG file of a few bytes that claims to have 60,000 times 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_modes_of_eight_bits(mode):
    image = Image.new("RGB", (6, 8), (255, 0, 0)).convert(mode)
    kind = "TIFF" if mode in ("CMYK", "YCbCr") else "PNG"
    for channels in (1, 3):
        found = PictureForm(8, 6, channels).decode(save(image, kind))
        assert found.shape == (channels, 8, 6)
        assert found.dtype == np.uint8
        # ITU-R 601 gives red 76 of 255.
        wanted = [76] if channels == 1 else [255, 0, 0]
        if mode in ("1", "L", "LA"):
            wanted = [wanted[0] if mode != "1" else 0] * channels if channels == 1 else [76] * 3
        if mode == "1":  # dithered
            assert set(np.unique(found)) <= {0, 255}
        else:
            np.testing.assert_allclose(found.mean((1, 2)), wanted, atol=2)


def test_pictures_of_the_size_keep_their_bytes():
    pixels = np.random.default_rng(0).integers(0, 256, (8, 6, 3)).astype(np.uint8)
    np.testing.assert_array_equal(FORM.decode(save(Image.fromarray(pixels))), pixels.transpose(2, 0, 1))


def test_crop_takes_the_middle_and_stretch_all():
    pixels = np.zeros((8, 24, 3), dtype=np.uint8)
    pixels[:, 8:16] = 200
    content = save(Image.fromarray(pixels))
    assert (PictureForm(8, 8).decode(content) == 200).all()
    assert PictureForm(8, 8, fit="stretch").decode(content).mean() < 100


def test_transparency_lies_on_black_and_exif_turns():
    image = Image.new("RGBA", (6, 8), (255, 255, 255, 0))
    assert (FORM.decode(save(image)) == 0).all()
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    pixels = np.zeros((6, 8, 3), dtype=np.uint8)
    pixels[:, :4] = 255
    found = FORM.decode(save(Image.fromarray(pixels), exif=exif))
    assert found[:, 0].min() == 255
    assert found[:, -1].max() == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"hello", "is no picture; accepted: JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is no picture"),
        (save(Image.new("RGB", (90, 90)), "JPEG")[:-700], "is a damaged picture"),
        (save(Image.effect_noise((64, 64), 90))[:-800], "is a damaged picture"),
        (save(Image.new("I;16", (9, 9))), "has more than 8 bits a channel"),
        (save(Image.new("F", (9, 9)), "TIFF"), "has more than 8 bits a channel"),
        (make_bomb(), "has more pixels; accepted: up to 89,478,485"),
    ],
)
def test_what_is_refused(content, words):
    with pytest.raises(PictureError, match=words):
        FORM.decode(content)


@pytest.mark.parametrize("packed", [False, True])
def test_roots(tmp_path, packed):
    write_pictures(tmp_path / "all" / "faces", 3)
    (tmp_path / "all" / "notes.txt").write_text("no picture")
    root = PictureRoot(pack(tmp_path / "all", tmp_path / "all.zip") if packed else tmp_path / "all")
    assert sorted(root.names()) == [f"faces/000{number}.png" for number in range(3)]
    assert root.find_fault("faces/0001.png") is None
    assert FORM.decode(root.read("faces/0001.png")).shape == (3, 8, 6)
    for name in ("../all/faces/0001.png", "/etc/passwd", "faces/../../x.png", "C:\\x.png", "..\\x.png"):
        assert "leaves" in str(root.find_fault(name))
    assert root.find_fault("") == "is missing"
    assert "control character" in str(root.find_fault("a\nb.png"))
    assert "is not in" in str(root.find_fault("0001.png"))
    assert root.suggest("0001.png") == "; did you mean 'faces/0001.png'?"
    assert root.suggest("faces/0002") == "; did you mean 'faces/0002.png'?"
    assert root.suggest("other.png") == ""
    root.close()


def test_no_root(tmp_path):
    with pytest.raises(DataError, match="no such folder or zip archive"):
        PictureRoot(tmp_path / "nothing")
    (tmp_path / "text.zip").write_text("hello")
    with pytest.raises(DataError, match="expected a folder or a zip archive"):
        PictureRoot(tmp_path / "text.zip")


def test_blurs_are_those_of_plain_filters():
    pixels = np.random.default_rng(0).integers(90, 120, (48, 40), dtype=np.uint8)
    pixels[10:30, 8:20] = 200
    picture = Image.fromarray(pixels)
    plain, paper, code = (
        PictureForm(48, 40, 1, "stretch", blur).convert(picture)[0].astype(float) for blur in ("none", "paper", "code")
    )
    np.testing.assert_array_equal(plain, pixels)
    # Pillow's Gaussian is made of three boxes, which end at the border in another way.
    inside = slice(6, -6)
    expected = gaussian_filter(pixels.astype(float), 3, mode="nearest")
    np.testing.assert_allclose(paper[inside, inside], expected[inside, inside], atol=2.5)
    ranks = np.searchsorted(np.sort(pixels.ravel()), pixels, side="left") / pixels.size
    equal = np.asarray(ImageOps.equalize(picture), dtype=float)
    assert np.corrcoef(ranks.ravel(), equal.ravel())[0, 1] > 0.99, "levels are what ranks make of them"
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    np.testing.assert_allclose(code[1:-1, 1:-1], convolve(equal, kernel)[1:-1, 1:-1], atol=1)
    assert repr(PictureForm(48, 40)) == "PictureForm(height=48, width=40, channels=3, fit='crop')"
    assert "blur='paper'" in repr(PictureForm(48, 40, blur="paper"))
