"""Networks by name: shapes, features, files of weights, and what cannot be."""

from __future__ import annotations

import re

import pytest
import safetensors.torch
import torch

from paretofair.errors import SpaceError
from paretofair.models import build_named, vision
from paretofair.models.headed import Headed
from paretofair.models.named import NamedFactory, load_weights

SMALL = {"cnn": 1.0, "resnet18": 0.1, "resnet34": 0.05, "densenet121": 0.1, "alexnet": 0.02}


@pytest.mark.parametrize("name", SMALL)
def test_a_network_is_the_ordinary_module(name):
    """In evaluation and in training, with heads of any widths and outputs, and any number of channels."""
    network = build_named(name, (2, 64, 64), 2, head=(5, 4), outputs=(1, 3), width=SMALL[name])
    parameters = network.initial([3, 4], torch.float64)
    images = torch.randn(4, 2, 64, 64, dtype=torch.float64)
    module = network.module(parameters[1])
    assert isinstance(module, Headed)
    assert [[layer.out_features for layer in head[::2]] for head in module.heads] == [[5, 4, 1], [5, 4, 3]]
    found = network.forward(parameters, images)
    with torch.no_grad():
        outputs, features = module(images, with_features=True)
    torch.testing.assert_close(found.logits[1, :, :4].T, outputs, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(found.features[1, :, :4].T, features, rtol=1e-9, atol=1e-12)
    assert found.features.shape == (2, network.feature_width, 32)
    torch.manual_seed(9)
    outputs, features = module.train()(images, with_features=True)
    trained = network.forward(parameters, images, [9, 9])
    torch.testing.assert_close(trained.logits[1, :, :4].T, outputs, rtol=1e-9, atol=1e-12)
    cotangent, of_features = torch.randn_like(trained.logits), torch.randn_like(trained.features)
    gradient = network.backward(parameters, trained, cotangent, features=of_features)
    loss = (outputs * cotangent[1, :, :4].T).sum() + (features * of_features[1, :, :4].T).sum()
    expected = torch.cat([each.flatten() for each in torch.autograd.grad(loss, list(module.parameters()))])
    torch.testing.assert_close(gradient[1, : len(expected)], expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("name", "last"), [("cnn", True), ("resnet18", False), ("densenet121", True)])
def test_images_are_laid_out_as_the_network_is_fastest(name, last):
    network = build_named(name, (2, 64, 64), 1, width=SMALL[name])
    seen = []
    hook = lambda _, inputs: seen.append(inputs[0].is_contiguous(memory_format=torch.channels_last))  # noqa: E731
    network._skeleton.register_forward_pre_hook(hook)
    network.forward(network.initial([0], torch.float32), torch.randn(3, 2, 64, 64))
    assert seen == [last]


def test_heads_and_shared_layers_have_cotangents_of_their_own():
    network = build_named("cnn", (1, 8, 8), 2, head=(3,), width=0.1)
    parameters = network.initial([0], torch.float64)
    out = network.forward(parameters, torch.randn(5, 1, 8, 8, dtype=torch.float64), [0])
    shared, heads, features = (torch.randn_like(each) for each in (out.logits, out.logits, out.features))
    found = network.backward(parameters, out, shared, heads, features)
    of_shared = network.backward(parameters, out, shared, features=features)
    of_heads = network.backward(parameters, out, heads)
    for name, columns in network.slices.items():
        expected = of_heads if name.startswith("heads.") else of_shared
        assert torch.equal(found[:, columns], expected[:, columns])


@pytest.mark.parametrize("ending", ["safetensors", "pth"])
def test_a_file_of_weights_begins_every_trial(tmp_path, ending):
    """Keys of torchvision, with a last layer of other width; the heads are each trial's own."""
    trunk, _ = vision.make_trunk("resnet18", 3, 0.1)
    values = {name: value + 1 for name, value in trunk.state_dict().items()}
    values["fc.weight"] = torch.zeros(1000, 51)
    file = tmp_path / f"weights.{ending}"
    safetensors.torch.save_file(values, file) if ending == "safetensors" else torch.save(values, file)
    network = build_named("resnet18", (3, 32, 32), 1, width=0.1, weights=str(file))
    one, other = (network.module(row) for row in network.initial([0, 1], torch.float32))
    assert torch.equal(one.shared.conv1.weight, values["conv1.weight"])
    assert torch.equal(other.shared.bn1.running_var, values["bn1.running_var"])
    assert not torch.equal(one.heads[0][0].weight, other.heads[0][0].weight)
    written = {f"shared.{name}": value for name, value in trunk.state_dict().items()} | {
        "heads.0.0.weight": torch.ones(1)
    }
    safetensors.torch.save_file(written, tmp_path / "own.safetensors")
    load_weights(trunk, str(tmp_path / "own.safetensors"), "resnet18")


def test_weights_that_do_not_fit_are_named(tmp_path):
    trunk = NamedFactory("cnn", width=0.1)((1, 8, 8), 1).shared
    fitting = trunk.state_dict()

    def refuse(content, words, name="w.safetensors"):
        file = tmp_path / name
        if isinstance(content, dict):
            safetensors.torch.save_file(content, file) if name.endswith("s") else torch.save(content, file)
        elif content is not None:
            file.write_bytes(content)
        with pytest.raises(SpaceError, match=re.escape(words)):
            load_weights(trunk, str(file), "cnn")

    refuse(fitting | {"conv9.bias": torch.ones(1)}, "has conv9.bias, which is no parameter of cnn", "a.safetensors")
    refuse(fitting | {"0.bias": torch.ones(4)}, "has 0.bias of 4; that of cnn is 3", "b.safetensors")
    refuse({name: value for name, value in fitting.items() if name != "3.weight"}, "has no 3.weight", "c.safetensors")
    refuse(fitting | {"0.bias": torch.full((3,), torch.nan)}, "0.bias is not finite", "d.safetensors")
    refuse(b"no weights", "cannot be read", "e.safetensors")
    refuse(b"no weights", "cannot be read", "f.pt")
    refuse({"a": 3}, "holds no tensors by name", "g.pt")
    refuse(None, "cannot be read", "h.pt")


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("cnn", (7,), "cnn reads images; an example has the shape 7. Accepted here: mlp"),
        ("cnn", (3, 2, 8), "cnn cannot read images of 3 x 2 x 8: they must be 4 x 4 at least"),
        ("alexnet", (3, 28, 28), "alexnet cannot read images of 3 x 28 x 28"),
    ],
)
def test_examples_that_a_network_cannot_read(name, shape, words):
    with pytest.raises(SpaceError, match=words):
        build_named(name, shape, 1, width=0.1)
