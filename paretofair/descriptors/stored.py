"""Learned models on disk, by a hash of what they were learned from, so that trials, packs and runs share them."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import platformdirs
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from paretofair.descriptors.energy import ConvolutionEnergy, FilterEnergy
from paretofair.descriptors.learning import Descriptor, Learning, Standard, learn
from paretofair.terminal.progress import show_progress

logger = logging.getLogger("paretofair")

_VERSION = "1"  # raised when the same settings lead to another model


def cache_folder() -> Path:
    """The user's cache folder for descriptor models, as the operating system has it; it need not exist."""
    return Path(platformdirs.user_cache_dir("paretofair")) / "descriptors"


def identify(examples: Tensor, how: Learning) -> str:
    """64 hexadecimal digits of the values of examples, the settings, and what else its bits depend on."""
    digest = hashlib.sha256()
    kind = f"{_VERSION} {torch.__version__} {examples.device.type} {tuple(examples.shape)} {examples.dtype}"
    digest.update(f"{kind} {json.dumps(asdict(how), sort_keys=True)}".encode())
    digest.update(examples.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def find_descriptor(examples: Tensor, how: Learning, folder: Path | None = None) -> Descriptor:
    """The model of these examples `(n, *shape)`: the one that is kept in the folder (by default the user's cache), else
    it is learned, on one thread so that its bits do not depend on their number, and kept."""
    place = (cache_folder() if folder is None else folder) / f"{identify(examples, how)}.safetensors"
    with suppress(OSError, SafetensorError, KeyError, ValueError):
        return _read(place, examples.device)
    logger.info("Learning a descriptor model of %s examples of shape %s.", len(examples), tuple(examples.shape[1:]))
    started, threads = time.monotonic(), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with show_progress(f"learning a descriptor model of {len(examples):,} examples", how.updates) as tell:
            found = learn(examples, how, lambda done, every: tell(1))
    finally:
        torch.set_num_threads(threads)
    logger.info("The descriptor model is learned, in %.0f s.", time.monotonic() - started)
    try:
        _write(place, found)
    except OSError as error:
        logger.warning("The descriptor model can't be kept in %s (%s): every worker learns it.", place.parent, error)
    return found


def _write(place: Path, model: Descriptor) -> None:
    energy, standard = model.energy, model.standard
    tensors = dict(zip(("filters", "offsets", "weights"), energy.parameters, strict=True))
    tensors |= {"mean": standard.mean, "scale": standard.scale, "chains": model.chains, "bank": model.bank}
    if standard.inward is not None and standard.outward is not None:
        tensors |= {"inward": standard.inward, "outward": standard.outward}
    about = {"sigma": energy.sigma, "step_size": model.step_size}
    if isinstance(energy, ConvolutionEnergy):
        about["stride"] = energy.stride
    content = save(
        {name: each.detach().cpu().contiguous() for name, each in tensors.items()}, {"about": json.dumps(about)}
    )
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".descriptor.", dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _read(place: Path, device: torch.device) -> Descriptor:
    with safe_open(place, "pt", device="cpu") as file:
        about = json.loads(file.metadata()["about"])
        tensors = {name: file.get_tensor(name).to(device) for name in file.keys()}  # noqa: SIM118
    filters, offsets, weights = (tensors[name] for name in ("filters", "offsets", "weights"))
    energy: FilterEnergy | ConvolutionEnergy
    if "stride" in about:
        energy = ConvolutionEnergy(filters, offsets, weights, about["sigma"], about["stride"])
    else:
        energy = FilterEnergy(filters, offsets, weights, about["sigma"])
    standard = Standard(tensors["mean"], tensors["scale"], tensors.get("inward"), tensors.get("outward"))
    return Descriptor(energy, standard, tensors["chains"], tensors["bank"], about["step_size"])
