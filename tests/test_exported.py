"""Exported models are data: what is wrong in them is one sentence, and nothing in them runs by itself."""

from __future__ import annotations

import copy
import json
import os
import resource
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import paretofair
from paretofair import exported
from paretofair.data import Encoding
from paretofair.data.reading.row_reader import RowReader
from paretofair.errors import DataError
from paretofair.exported import ExportedModel, save
from paretofair.models.named import NamedFactory
from paretofair.models.perceptron import Perceptron, _apply_head

NETWORK = {"numeric": 2, "categories": [3], "tasks": 2, "shared": [4], "head": [3], "embedding": 2}
OWN = {"module": "subprocess:call", "inputs": 5, "tasks": 2, "arguments": {}}
SEVERAL = {"kind": "multiclass", "classes": ["a", "b", "c"]}
FRAME = pd.DataFrame({"age": [30.0, 40.0], "income": [1.0, 2.0], "kind": ["a", "b"]})


class Small(nn.Module):
    """A network of the user's own."""

    def __init__(self, inputs: int, tasks: int, *, width: int = 3) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, tasks))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.layers(inputs)


def write(folder: Path, network: Mapping[str, Any] = NETWORK, module: nn.Module | None = None) -> Path:
    rule = {"logit": 0.1, "probability": 0.5}
    by_group = rule | {"attribute": "sex", "by_group": {"f": 0.2, "m": "inf"}}
    about = {
        "trial_id": "3f2a9c",
        "tasks": ["good", "high"],
        "network": dict(network),
        "thresholds": {"good": rule, "high": by_group},
        "metrics": {"test_auc_good": "nan", "test_error_good": 0.25},
    }
    encoding = Encoding(("age", "income"), np.array([35.0, 1.0]), np.array([10.0, np.inf]), ("kind",), (("a", "b"),))
    readers = {"": RowReader(encoding, fills={"age": 35.0})}
    save(ExportedModel(module or Perceptron(**network), readers, about), folder)
    return folder


def change(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    file = folder / "model.json"
    about = json.loads(file.read_text())
    edit(about)
    file.write_text(json.dumps(about))


def test_what_was_saved_is_read(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = Perceptron(**NETWORK)  # type: ignore[arg-type]
    model = paretofair.load(write(tmp_path, module=module))
    torch.testing.assert_close(model.module(model.encode(FRAME)), module(model.encode(FRAME)), rtol=0, atol=0)
    assert {value.dtype for value in model.module.state_dict().values()} == {torch.float32}
    assert all(value.requires_grad and not value.is_meta for value in model.module.parameters())
    features = model.features(FRAME)
    with torch.no_grad():
        logits = torch.cat([_apply_head(head, features) for head in module.heads], -1)
    torch.testing.assert_close(logits, module(model.encode(FRAME)).detach(), rtol=0, atol=0)
    decisions = model.predict(FRAME, {"sex": ["f", "m"]})
    assert decisions["high"].iloc[1] == 0, "no logit is at least infinite"
    save(model, tmp_path / "again")
    assert (tmp_path / "again" / "model.json").read_text() == (tmp_path / "model.json").read_text()


@pytest.mark.parametrize("reference", ["subprocess:call", "os:system", "no_such_module:x", "x"])
def test_no_code_of_a_file_runs_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str) -> None:
    monkeypatch.setattr(exported.user_code, "load", lambda _: pytest.fail("something was imported"))
    write(tmp_path, OWN | {"module": reference}, Small(5, 2))
    words = (
        rf"model.json names the network '{reference}', whose code would run here: give module=, the class itself, or"
    )
    with pytest.raises(DataError, match=words):
        paretofair.load(tmp_path)


def test_a_network_of_the_users_own(tmp_path: Path) -> None:
    module = Small(5, 2, width=7)
    write(tmp_path, OWN | {"module": f"{__name__}:Small", "arguments": {"width": 7}}, module)
    for model in (paretofair.load(tmp_path, module=Small), paretofair.load(tmp_path, trust=True)):
        inputs = model.encode(FRAME)
        torch.testing.assert_close(model.module(inputs), module(inputs), rtol=0, atol=0)
    with pytest.raises(DataError, match="makes no torch module"):
        paretofair.load(tmp_path, module=lambda inputs, tasks, width: print)
    change(tmp_path, lambda about: about["network"].update(module="no.such:Network"))
    with pytest.raises(DataError, match=r"model.json: network.module: cannot import 'no.such'"):
        paretofair.load(tmp_path, trust=True)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda about: about.update(format=9), r"model.json has format 9; this version reads 1$"),
        (lambda about: about.pop("format"), r"model.json: format: required, but not given$"),
        (lambda about: about.pop("tasks"), r"model.json: tasks: required, but not given$"),
        (lambda about: about.update(tasks="good"), r"model.json: tasks: found 'good'; expected a list$"),
        (lambda about: about.update(tasks=["good", 3]), r"tasks\[1\]: found 3; expected text$"),
        (lambda about: about.update(tasks=["good"]), r"network.tasks: found 2; by the other values it is 1\n"),
        (
            lambda about: about.update(network="subprocess:call"),
            r"network: found 'subprocess:call'; expected a mapping$",
        ),
        (lambda about: about["network"].update(shared=[]), r"network.shared: found \[\]; needs at least 1$"),
        (
            lambda about: about["network"].update(shared=["4"]),
            r"network.shared\[0\]: found '4'; expected a whole number$",
        ),
        (lambda about: about["network"].update(head=[-1]), r"network.head\[0\]: found -1; must be at least 1$"),
        (lambda about: about["network"].update(head=[10**12]), r"must be at most 1e\+07$"),
        (lambda about: about["network"].update(module=["os:system"]), r"network.module: found \[.*\]; expected text"),
        (lambda about: about["network"].update(hook="os:system"), r"network.hook: unknown key"),
        (lambda about: about["encoding"].update(mean=["1", 2]), r"encoding.mean\[0\]: found '1'; expected a number$"),
        (lambda about: about["encoding"].update(mean=[1]), r"encoding.mean: found 1; by the other values it is 2$"),
        (
            lambda about: about["encoding"].update(scale=["big", 1]),
            r"encoding.scale\[0\]: found 'big'; expected a number$",
        ),
        (
            lambda about: about["encoding"].update(categories=[["a"]]),
            r"network.categories: found \[3\]; by .* it is \[2\]$",
        ),
        (
            lambda about: about["thresholds"].pop("good"),
            r"thresholds: found \[high\]; by the other values it is \[good, h",
        ),
        (
            lambda about: about["thresholds"]["high"].pop("attribute"),
            r"thresholds.high: attribute and by_group stand tog",
        ),
        (
            lambda about: about["thresholds"]["high"]["by_group"].update(f=[1]),
            r"by_group.f: found \[1\]; expected a number$",
        ),
        (lambda about: about.update(fills={"age": True}), r"fills.age: found true; expected a number$"),
        (lambda about: about.update(fills=[]), r"fills: found \[\]; expected a mapping$"),
        (lambda about: about.update(metrics={"auc": {}}), r"metrics.auc: found \{\}; expected a number$"),
    ],
)
def test_every_value_is_checked(tmp_path: Path, edit: Callable[[dict[str, Any]], object], message: str) -> None:
    write(tmp_path)
    change(tmp_path, edit)
    with pytest.raises(DataError, match=message):
        paretofair.load(tmp_path)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda about: about["network"].update(outputs=[1, 3]),
            r"outputs: found \[1, 3\]; by the kinds .* is \[1, 1\]$",
        ),
        (lambda about: about["network"].update(outputs=[1]), r"outputs: found \[1\]; by the kinds .* it is \[1, 1\]$"),
        (
            lambda about: (about.update(kinds={"good": SEVERAL}), about["thresholds"].pop("good")),
            r"network.outputs: found \[1, 1\]; by the kinds of the tasks it is \[3, 1\]$",
        ),
        (
            lambda about: (
                about.update(kinds={"good": SEVERAL | {"classes": ["a", "a"]}}),
                about["thresholds"].pop("good"),
            ),
            r"kinds: classes are \['a', 'a'\]; expected two or more different words$",
        ),
        (
            lambda about: (
                about.update(kinds={"good": SEVERAL | {"kind": "ordinal"}}),
                about["thresholds"].pop("good"),
            ),
            r"kinds: no kind of task is called 'ordinal'; accepted: binary, multiclass",
        ),
        (
            lambda about: (
                about.update(kinds={"good": SEVERAL | {"kind": "binary"}}),
                about["thresholds"].pop("good"),
            ),
            r"kinds: a binary task has two classes; found a, b, c$",
        ),
        (lambda about: about.update(table={"decimal": ";"}), r"table.decimal: found ';'"),
        (lambda about: about.update(table={"separator": ""}), r"table.separator: found ''"),
        (lambda about: about.update(table={"encoding": "klingon"}), r"table.encoding: found 'klingon'"),
        (lambda about: about.update(table={"numbers": ["age"]}), r"found 'age', which is no categorical input$"),
    ],
)
def test_kinds_outputs_and_cells_are_checked_when_it_is_loaded(
    tmp_path: Path, edit: Callable[[dict[str, Any]], object], message: str
) -> None:
    write(tmp_path)
    change(tmp_path, edit)
    with pytest.raises(DataError, match=message) as raised:
        paretofair.load(tmp_path)
    assert "\n" not in str(raised.value)


def test_outputs_of_a_network_of_the_users_own(tmp_path: Path) -> None:
    write(tmp_path, OWN, Small(5, 2))
    change(tmp_path, lambda about: (about.update(kinds={"good": SEVERAL}), about["thresholds"].pop("good")))
    with pytest.raises(DataError, match=r"network.outputs: found \[2\]; by the kinds of the tasks it is \[4\]$"):
        paretofair.load(tmp_path, module=Small)


@pytest.mark.parametrize("content", ["", "{", "[1]", "3", "null", "[" * 100_000, '{"format": 1}'])
def test_another_file_in_place_of_the_description(tmp_path: Path, content: str) -> None:
    write(tmp_path)
    (tmp_path / "model.json").write_text(content)
    with pytest.raises(DataError, match=r"model\.json"):
        paretofair.load(tmp_path)


def spoil(**changes: Any) -> dict[str, Any]:
    state: dict[str, Any] = copy.deepcopy(Perceptron(**NETWORK).state_dict())  # type: ignore[arg-type]
    return {**state, **changes}


class Harm:
    """Writes a file when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("harm",)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (Harm(), "weights.pt holds no weights"),
        ({"shared.0.weight": Harm()}, "weights.pt holds no weights"),
        ([1, 2], "weights.pt holds no weights; expected tensors by name"),
        ({3: torch.zeros(2)}, "holds something else than tensors by name: '3'"),
        ({"shared.0.weight": 3}, "holds something else than tensors by name: 'shared.0.weight'"),
        ({}, "weights.pt does not fit the network of model.json: Error.* Missing key"),
        (spoil(other=torch.zeros(2)), "does not fit the network of model.json: .*Unexpected key.*other"),
        (spoil(**{"shared.0.bias": torch.zeros(9)}), "does not fit .*size mismatch for shared.0.bias"),
        (spoil(**{"shared.0.bias": torch.full((4,), np.nan)}), "shared.0.bias has values that are not finite"),
    ],
)
def test_other_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: Any, message: str) -> None:
    write(tmp_path)
    torch.save(state, tmp_path / "weights.pt")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=message):
        paretofair.load(tmp_path)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("name", ["model.json", "weights.pt"])
def test_no_files(tmp_path: Path, name: str) -> None:
    file = write(tmp_path) / name
    content = file.read_bytes()
    file.unlink()
    with pytest.raises(DataError, match=rf"holds no exported model \({name}: No such file"):
        paretofair.load(tmp_path)
    os.mkfifo(file)
    with pytest.raises(DataError, match=f"{name}: is a pipe or a device; expected a file"):
        paretofair.load(tmp_path)
    file.unlink()
    file.mkdir()
    with pytest.raises(DataError, match=f"{name}: is a folder; expected a file"):
        paretofair.load(tmp_path)
    file.rmdir()
    for part in (b"", content[: len(content) // 2], b"\x00" * 100):
        file.write_bytes(part)
        with pytest.raises(DataError, match=name):
            paretofair.load(tmp_path)


def test_widths_take_no_memory_before_the_weights_fit(tmp_path: Path) -> None:
    write(tmp_path)
    change(tmp_path, lambda about: about["network"].update(shared=[10_000_000, 1_000_000]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError, match="size mismatch"):
        paretofair.load(tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10


@pytest.mark.parametrize(("name", "width"), [("cnn", 0.2), ("resnet18", 0.05)])
def test_a_network_by_name(tmp_path: Path, name: str, width: float) -> None:
    network = {"name": name, "shape": [3, 32, 32], "tasks": 2, "head": [3], "width": width}
    module = NamedFactory(name, (3,), (), width)((3, 32, 32), 2).eval()
    write(tmp_path, network, module)

    def of_pictures(about: dict[str, Any]) -> None:
        about["encoding"] |= {"numeric_names": [], "mean": [], "scale": [], "categorical_names": [], "categories": []}
        about["pictures"] = {
            "height": 32,
            "width": 32,
            "channels": 3,
            "fit": "crop",
            "mean": [0] * 3,
            "scale": [255] * 3,
        }

    change(tmp_path, of_pictures)
    pictures = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    with torch.no_grad():
        expected = torch.sigmoid(module(torch.from_numpy(pictures).permute(0, 3, 1, 2) / 255))
    model = paretofair.load(tmp_path)
    np.testing.assert_allclose(model.predict_proba(list(pictures)), expected, atol=1e-6)
    assert not any(value.is_meta for value in model.module.state_dict().values())
    change(tmp_path, lambda about: about["network"].update(shape=[3, 16, 32]))
    with pytest.raises(DataError, match=r"network.shape: found 1536; by the other values it is 3072"):
        paretofair.load(tmp_path)
    change(tmp_path, lambda about: about["network"].update(shape=[3, 32, 32], name="resnet5"))
    with pytest.raises(DataError, match=r"network.name: found 'resnet5'; accepted: cnn, resnet18"):
        paretofair.load(tmp_path)
