"""Networks of torchvision: the very modules at their own width, and what is told without torchvision."""

from __future__ import annotations

import importlib
import sys

import pytest
import torch

from paretofair.errors import SpaceError
from paretofair.models import vision


@pytest.mark.parametrize(("name", "features"), [("resnet18", 512), ("densenet121", 1024)])
def test_the_module_is_that_of_torchvision(name, features):
    """Initial values and outputs, bit for bit, where images have three channels and nothing is scaled."""
    models = vision.import_models()
    torch.manual_seed(0)
    expected = getattr(models, name)().eval()
    torch.manual_seed(0)
    found, width = vision.make_trunk(name, 3, 1.0)
    assert width == features
    own = found.state_dict()
    for key, value in expected.state_dict().items():
        if not key.startswith(("fc.", "classifier.")):
            assert torch.equal(own.pop(key), value), key
    assert not own
    last = expected.fc if name == "resnet18" else expected.classifier
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(last(found.eval()(images)), expected(images))


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "alexnet"])
@pytest.mark.parametrize(("channels", "width"), [(1, 1.0), (3, 0.3), (4, 0.05)])
def test_any_channels_and_width(name, channels, width):
    if (name, width) == ("alexnet", 1.0):
        width = 0.5  # 57 million parameters
    torch.manual_seed(1)
    module, features = vision.make_trunk(name, channels, width)
    found = module(torch.randn(2, channels, 64, 64))
    assert found.shape == (2, features)
    assert torch.isfinite(found).all()
    assert found.abs().sum() > 0


def test_without_torchvision_the_extra_is_named(monkeypatch):
    def fail(name: str):
        raise ImportError(f"No module named '{name.partition('.')[0]}'")

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(SpaceError, match=r"cannot be imported \(No module named 'torchvision'\).*paretofair\[images\]"):
        vision.make_trunk("resnet18", 3, 1.0)
    assert "torchvision" in sys.modules  # of the other tests, left alone
