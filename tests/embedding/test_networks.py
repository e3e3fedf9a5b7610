"""What networks make of pictures and texts, against the modules themselves."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from paretofair.data.inputs.pictures import PictureForm
from paretofair.embedding.networks import DEVIATION, MEAN, find_network, find_text_encoder
from paretofair.errors import DataError
from paretofair.models import vision
from paretofair.models.named import NamedFactory

FORM = PictureForm(16, 16)
OWN = """
import torch

class Mean(torch.nn.Module):
    def __init__(self, shape, outputs):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(shape[0]))
    def forward(self, pictures):
        return pictures.mean((2, 3)) * self.scale

class Count:
    def transform(self, texts):
        return [[len(text), text.count("a")] for text in texts]

def make_logit(shape, outputs):
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(768, outputs))

def make_nothing(shape, outputs):
    return 3
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_embedders.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    return "own_embedders:"


def embed(network, made, count=4):
    return network.embed([network.prepare((made.folder / name).read_bytes()) for name in made.names[:count]])


def test_a_network_by_name_gives_its_features(made):
    found = find_network("cnn", made.weights, form=FORM)
    vectors = embed(found, made)
    module = NamedFactory("cnn")(FORM.shape, 2)
    module.load_state_dict(torch.load(made.weights, weights_only=True))
    pixels = []
    for name in made.names[:4]:  # 20 × 24: the middle is cut out
        with Image.open(made.folder / name) as image:
            pixels.append(np.asarray(image.resize((16, 16), Image.Resampling.BILINEAR, box=(2, 0, 22, 20))))
    scaled = (np.stack(pixels) / 255 - MEAN) / DEVIATION
    examples = torch.tensor(scaled.transpose(0, 3, 1, 2), dtype=torch.float32)
    with torch.no_grad():
        wanted = module.eval().shared(examples)
    np.testing.assert_allclose(vectors, wanted, rtol=1e-4, atol=1e-5)
    assert vectors.shape == (4, 128)
    assert found.about["network"] == "cnn"
    assert len(found.about["weights_sha256"]) == 64


def test_a_network_of_torchvision_with_the_weights_that_it_publishes(made, tmp_path):
    """A file with its last layer, as torchvision's are."""
    torch.manual_seed(1)
    module = vision.import_models().resnet18()
    torch.save(module.state_dict(), tmp_path / "resnet18.pth")
    vectors = embed(find_network("resnet18", tmp_path / "resnet18.pth", form=PictureForm(32, 32)), made, 2)
    assert vectors.shape == (2, 512)
    module.fc = torch.nn.Identity()
    network = find_network("resnet18", tmp_path / "resnet18.pth", form=PictureForm(32, 32), mean=(0.5,) * 3)
    assert not np.allclose(embed(network, made, 2), vectors)


def test_modules_of_the_users_own(made, own, tmp_path):
    torch.save({"scale": torch.tensor([1.0, 2.0, 0.0])}, tmp_path / "scale.pt")
    network = find_network(f"{own}Mean", tmp_path / "scale.pt", form=FORM, mean=(0, 0, 0), deviation=(1, 1, 1))
    plain = embed(find_network(f"{own}Mean", None, form=FORM, mean=(0, 0, 0), deviation=(1, 1, 1)), made)
    np.testing.assert_allclose(embed(network, made), plain * [1, 2, 0], rtol=1e-5)
    assert len(network.about["code"]) == 16


def test_grey_pictures_have_one_channel(made, own):
    with pytest.raises(DataError, match="expected 1 numbers each"):
        find_network(f"{own}Mean", None, form=PictureForm(16, 16, 1), mean=(0.5, 0.5, 0.5))


def test_encoders_of_texts(own):
    network = find_text_encoder(f"{own}Count", None)
    assert network.embed([network.prepare(b"a banana")]).tolist() == [[8, 4]]


@pytest.mark.parametrize(
    ("name", "weights", "says"),
    [
        ("cnn", None, "--weights is needed: with its initial values cnn knows nothing"),
        ("resnet35", "cnn.pt", "--network: found 'resnet35'; accepted: cnn, resnet18"),
        ("resnet18", "cnn.pt", "--weights: "),
        ("cnn", "nowhere.pt", "nowhere.pt cannot be read"),
        ("OWNmake_nothing", None, "make_nothing gives int; expected a torch.nn.Module"),
        ("OWNMean", "cnn.pt", "cnn.pt does not fit"),
        ("nowhere:Mean", None, "--network: cannot import 'nowhere'"),
    ],
)
def test_what_is_no_network_is_told(made, own, name, weights, says):
    with pytest.raises(DataError) as error:
        find_network(name.replace("OWN", own), weights and made.weights.with_name(weights), form=FORM)
    assert says in str(error.value)


def test_one_number_is_no_vector(made, own):
    with pytest.raises(DataError, match="expected a vector for each: let its forward take `with_features`"):
        embed(find_network(f"{own}make_logit", None, form=FORM), made)


def test_a_device_that_is_none(made):
    with pytest.raises(DataError, match="--device: nothing cannot be used"):
        find_network("cnn", made.weights, form=FORM, device="nothing")


@pytest.mark.parametrize(
    ("name", "weights", "says"),
    [
        ("tfidf", None, "for texts accepted: sentence, package.module:Encoder"),
        ("sentence", None, "expected the folder of a model of sentences"),
        ("OWNCount", "folder", "an encoder of your own reads its weights itself"),
        ("OWNmake_logit", None, "--network: "),
    ],
)
def test_what_is_no_encoder_is_told(own, tmp_path, name, weights, says):
    with pytest.raises(DataError, match=says):
        find_text_encoder(name.replace("OWN", own), weights and tmp_path)
