"""What embeds: networks by name or of the user's own with weights from a file, exported models, encoders of texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from paretofair import user_code
from paretofair.data.digest import hash_file
from paretofair.data.inputs.picture_reader import PictureReader
from paretofair.data.inputs.pictures import PictureForm, check_pillow
from paretofair.data.inputs.text.sentences import SentenceEncoder, digest_folder
from paretofair.errors import DataError, SpaceError, first_line
from paretofair.exported import ABOUT, WEIGHTS, load
from paretofair.models.features import WITH_FEATURES, find_features
from paretofair.models.named import NETWORKS, NamedFactory
from paretofair.results.files import SPACE

SENTENCE = "sentence"
# Of the pictures of ImageNet, by which published weights want theirs normalised: shares of the full brightness.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class EmbeddingNetwork:
    """From contents to vectors.

    Attributes:
        about: What it is, JSON: `network`, `weights_sha256`, and how examples are read.
        prepare: What is read of one content, in threads; a PictureError where it cannot be.
        embed: Vectors `(n, width)` float32 of what was prepared.
    """

    about: Mapping[str, Any]
    prepare: Callable[[bytes], Any]
    embed: Callable[[Sequence[Any]], np.ndarray]


def find_network(
    name: str,
    weights: Path | None,
    *,
    form: PictureForm,
    mean: Sequence[float] | None = None,
    deviation: Sequence[float] | None = None,
    width: float = 1.0,
    device: str = "cpu",
) -> EmbeddingNetwork:
    """A network for pictures: `name` is one of `NETWORKS`, the folder of an exported model, or `package.module:factory`
    of a module, which is called with the shape of an example and 1, the number of outputs, as in a space file.

    Args:
        weights: Its values, safetensors or what `torch.save` wrote; an exported model has its own.
        form: Of the pictures; an exported model has its own.
        mean, deviation: By which channels are normalised, as shares of the full brightness; by default those of
            ImageNet, of grey pictures their means.
        width: Scales a network by name.
        device: Where it runs, as `cuda`.

    Raises:
        DataError: a network that is none, weights that do not fit, or an exported model that reads no pictures.
    """
    check_pillow()
    exported = _find_exported(Path(name))
    if exported is not None:
        return _use_exported(exported, weights, device)
    if ":" in name:
        module, code = _make_own(name, weights, form)
    elif name in NETWORKS:
        if weights is None:
            raise DataError(f"--weights is needed: with its initial values {name} knows nothing")
        code = ""
        try:
            module = NamedFactory(name, width=width, weights=str(weights))(form.shape, 1)
        except SpaceError as error:
            words = str(error).replace("network.weights", "--weights").replace("network.name", "--network")
            raise DataError(words) from None
        except ValueError as error:
            raise DataError(f"--network: {name} cannot read pictures of {form.shape}: {error}") from None
    else:
        raise DataError(
            f"--network: found {name!r}; accepted: {', '.join(NETWORKS)}, {SENTENCE} for texts, "
            "package.module:factory, or the folder of an exported model"
        )
    means, deviations = (
        255 * np.asarray(given or (known if form.channels == 3 else [sum(known) / 3]), dtype=float)
        for given, known in ((mean, MEAN), (deviation, DEVIATION))
    )
    if len(means) != form.channels or len(deviations) != form.channels or not (deviations > 0).all():
        raise DataError(f"--mean and --deviation: expected {form.channels} numbers each, deviations above 0")
    about: dict[str, Any] = {"network": name, "weights_sha256": None if weights is None else hash_file(weights)}
    about |= {"code": code} if code else {"width": width}
    return _use_module(module, PictureReader(form, means, deviations), about, device)


def find_text_encoder(name: str, model: Path | None) -> EmbeddingNetwork:
    """An encoder that texts need not be fitted to: `sentence` with a model of sentence-transformers in a folder, or
    `package.module:Encoder`, whose objects have `transform(texts)`.

    Raises:
        DataError: another one, or no such folder.
    """
    if name == SENTENCE:
        if model is None or not model.is_dir():
            raise DataError("--weights: expected the folder of a model of sentences; nothing is downloaded")
        about: dict[str, Any] = {"network": name, "weights_sha256": digest_folder(str(model))}
        encoder: Any = SentenceEncoder(str(model))
    elif ":" in name:
        try:
            encoder = user_code.load(name)()
            about = {"network": name, "weights_sha256": None, "code": user_code.digest(name)}
        except (SpaceError, TypeError) as error:
            raise DataError(f"--network: {error}") from None
        if model is not None:
            raise DataError("--weights: an encoder of your own reads its weights itself")
    else:
        raise DataError(
            f"--network: found {name!r}; for texts accepted: {SENTENCE}, package.module:Encoder. What is fitted to "
            "texts (tfidf) is fitted on training rows: inputs: {text: ...} of a space file"
        )

    def embed(texts: Sequence[str]) -> np.ndarray:
        return np.asarray(encoder.transform(list(texts)), dtype=np.float32)

    return EmbeddingNetwork(about, bytes.decode, embed)


def _find_exported(path: Path) -> Path | None:
    """The folder of an exported model that a path names, by itself or as RUN/TRIAL, as far as the trial's id goes;
    None for a path that names neither. Raises DataError for a trial that is not exported."""
    if (path / ABOUT).is_file():
        return path
    if not (path.parent / SPACE).is_file() or not path.name:
        return None
    found = [each for each in path.parent.glob("exported/*") if each.name.startswith(path.name)]
    if len(found) != 1 or not (found[0] / ABOUT).is_file():
        raise DataError(
            f"--network: {path.parent} has no exported trial {path.name}: paretofair export {path.parent} --trial "
            f"{path.name} exports it"
        )
    return found[0]


def _use_exported(folder: Path, weights: Path | None, device: str) -> EmbeddingNetwork:
    if weights is not None:
        raise DataError("--weights: an exported model has its own")
    model = load(folder)
    reader = model.rows.pictures
    if reader is None:
        raise DataError(f"{folder}: the model reads no pictures; accepted: one that was trained on pictures")
    about = {"network": f"trial {model.about['trial_id']}", "weights_sha256": hash_file(folder / WEIGHTS)}
    return _use_module(model.module, reader, about, device)


def _make_own(name: str, weights: Path | None, form: PictureForm) -> tuple[nn.Module, str]:
    try:
        module = user_code.load(name)(form.shape, 1)
        code = user_code.digest(name)
    except (SpaceError, TypeError) as error:
        raise DataError(f"--network: {error}") from None
    if not isinstance(module, nn.Module):
        raise DataError(f"--network: {name} gives {type(module).__name__}; expected a torch.nn.Module")
    if weights is not None:
        try:
            if weights.suffix == ".safetensors":
                import safetensors.torch

                state = safetensors.torch.load_file(weights)
            else:
                state = torch.load(weights, map_location="cpu", weights_only=True)
            module.load_state_dict(state)
        except Exception as error:  # whatever a damaged or another file leads to
            raise DataError(f"--weights: {weights} does not fit {name}: {first_line(error)}") from None
    return module, code


def _use_module(module: nn.Module, reader: PictureReader, about: Mapping[str, Any], device: str) -> EmbeddingNetwork:
    try:
        placed = module.eval().to(device)
    except (RuntimeError, AssertionError) as error:
        raise DataError(f"--device: {device} cannot be used: {first_line(error)}") from None
    told = find_features(placed)

    @torch.inference_mode()
    def embed(pixels: Sequence[np.ndarray]) -> np.ndarray:
        examples = torch.from_numpy(reader.normalise(np.stack(pixels))).to(device)
        found: Tensor = placed(examples) if told is None else told(examples)
        if found.dim() != 2 or len(found) != len(pixels) or found.shape[1] < 2:
            words = f"gives {tuple(found.shape)} for {len(pixels)} pictures; expected a vector for each"
            raise DataError(f"--network: {about['network']} {words}: let its forward take `{WITH_FEATURES}`")
        return np.asarray(found.float().cpu().numpy())

    return EmbeddingNetwork({**about, "form": reader.describe()}, reader.form.decode, embed)
