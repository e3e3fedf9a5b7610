"""From texts to numbers: an encoder makes sparse rows, which are reduced, centred and scaled by training rows."""

from __future__ import annotations

import inspect
import json
import pickle
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from paretofair import user_code
from paretofair.errors import DataError, SpaceError

Array = np.ndarray
KNOWN = ("tfidf", "hashing", "counts", "sentence")
_TOKENS = r"[^\s,;|\[\]()]+"  # numbers of words, as in `[3, 17, 5]` and `3 17 5`
_MOST_FITTED = 100_000  # rows that a reduction is fitted on; it knows no more from others
_BLOCK = 20_000  # rows that are reduced at a time
_NOT_GIVEN = ("input", "encoding", "decode_error", "dtype")  # of scikit-learn's: texts would name files to be read
_STATELESS = ("hashing", "sentence")
_PICKLE = "pickle"  # among the arrays of an encoder of the user's own


@dataclass(frozen=True)
class TextEncoder:
    """How texts become numbers.

    Attributes:
        encoder: `tfidf`, `hashing`, `counts` (of tokens such as word numbers), `sentence` (a model of sentences in a
            local folder), or `package.module:Encoder`, a class with `fit(texts)` and `transform(texts)`, which gives
            an array or a sparse matrix of a row for each text, as the classes of scikit-learn do.
        options: What it is made with, JSON; of the first three those of scikit-learn's TfidfVectorizer,
            HashingVectorizer and CountVectorizer.
        dimensions: To how many numbers a text is reduced (TruncatedSVD), where the encoder has more.
        code: A digest of the source of an encoder of the user's own.
    """

    encoder: str = "tfidf"
    options: str = "{}"
    dimensions: int = 256
    code: str = ""

    @property
    def given(self) -> dict[str, Any]:
        """The options."""
        found: dict[str, Any] = json.loads(self.options)
        return found

    @property
    def name(self) -> str:
        """What the identity of a data set says of it."""
        return json.dumps([self.encoder, self.given, self.dimensions, self.code], sort_keys=True)

    def make(self) -> Any:
        """The encoder, not fitted. Raises DataError for options that it does not have or take."""
        made, own = _classes(self.encoder)
        known = inspect.signature(made).parameters
        options = {**own, **{key: _tuple(value) for key, value in self.given.items()}}
        open_ended = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in known.values())
        accepted = set(known) - set(_NOT_GIVEN if self.encoder in KNOWN else ())
        wrong = [key for key in self.given if key not in accepted and not open_ended]
        if wrong:
            names = ", ".join(sorted(accepted))
            raise DataError(f"the encoder {self.encoder} has no option {wrong[0]!r}; accepted: {names}")
        try:
            return made(**options)
        except (TypeError, ValueError, DataError) as error:
            raise DataError(f"the encoder {self.encoder} can't be made with these options: {error}") from None

    def fit(self, texts: Sequence[str]) -> FittedEncoder:
        """Fitted on these texts, those of training rows.

        Raises DataError where the encoder does not take its options or finds nothing to count.
        """
        from scipy import sparse
        from sklearn.decomposition import TruncatedSVD

        encoder = self.make()
        try:
            found = encoder.fit(texts).transform(_spread(texts, _MOST_FITTED))
        except (ValueError, TypeError, re.error) as error:
            words = " ".join(str(error).split())
            raise DataError(f"the encoder {self.encoder} can't be fitted on {len(texts):,} texts: {words}") from None
        rows, width = found.shape
        components = None
        wanted = min(self.dimensions, rows - 1, width - 1)
        if width > self.dimensions and wanted > 0:
            reduction = TruncatedSVD(wanted, random_state=0)
            numbers = reduction.fit(found).transform(found)
            components = np.asarray(reduction.components_, dtype=np.float32)
        else:
            numbers = found.toarray() if sparse.issparse(found) else np.asarray(found)
        numbers = numbers.astype(np.float64)
        mean = numbers.mean(0)
        spread = float(np.sqrt(((numbers - mean) ** 2).mean()))
        own = self.encoder not in KNOWN
        state = {} if own else _read_state(encoder)
        # A known encoder is made again from what is kept of it, so that it is the same here and in an exported model.
        kept = encoder if own else None
        return FittedEncoder(self, state, components, mean, spread if spread > 0 else np.inf, kept)


@dataclass
class FittedEncoder:
    """An encoder with what it has learned; it turns texts into numbers `(n, width)`.

    Numbers are centred, and scaled by one factor for all, so that they keep their sizes to one another: those of the
    first directions of a reduction, which say most, are the largest.

    Attributes:
        form: What it was made of.
        state: What the encoder itself has learned, by name: words, and how rare they are. Nothing of encoders of a
            user's own, which pickle writes whole.
        components: `(width, words)` float32, the directions that texts are reduced to; None for no reduction.
        mean: `(width,)` float64.
        scale: The root of the mean variance of all numbers; infinite where none varies.
    """

    form: TextEncoder
    state: Mapping[str, Array]
    components: Array | None
    mean: Array
    scale: float
    encoder: Any = None

    @property
    def width(self) -> int:
        """How many numbers a text becomes."""
        return len(self.mean)

    def encode(self, texts: Sequence[str]) -> Array:
        """`(n, width)` float32; rows are sparse until they are reduced, a block at a time."""
        from scipy import sparse

        if self.encoder is None:
            self.encoder = _restore(self.form, self.state)
        blocks = []
        for start in range(0, len(texts), _BLOCK):
            found = self.encoder.transform(texts[start : start + _BLOCK])
            if self.components is not None:
                numbers = found @ self.components.T
            else:
                numbers = found.toarray() if sparse.issparse(found) else np.asarray(found)
            scaled = (np.asarray(numbers, dtype=np.float64) - self.mean) / self.scale
            blocks.append(scaled.astype(np.float32))
        return np.concatenate(blocks) if blocks else np.zeros((0, self.width), dtype=np.float32)

    def arrays(self) -> dict[str, Array]:
        """All that it knows, as arrays by name; `restore_encoder` takes them back.

        Raises DataError for an encoder of the user's own that pickle cannot write.
        """
        found = {"mean": self.mean, "scale": np.array(self.scale), **{f"state.{k}": v for k, v in self.state.items()}}
        if self.form.encoder not in KNOWN:
            try:
                found[_PICKLE] = np.frombuffer(pickle.dumps(self.encoder), dtype=np.uint8)
            except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
                raise DataError(f"the encoder {self.form.encoder} can't be written by pickle: {error}") from None
        return found if self.components is None else {**found, "components": self.components}


def restore_encoder(form: TextEncoder, arrays: Mapping[str, Array]) -> FittedEncoder:
    """The encoder whose `arrays` these are. One of the user's own is unpickled, which runs code of its writer.

    Raises DataError for one whose class is not to be had here.
    """
    own = None
    if form.encoder not in KNOWN:
        _classes(form.encoder)  # imports its module, from the working directory as well
        try:
            own = pickle.loads(bytes(np.asarray(arrays[_PICKLE], dtype=np.uint8)))
        except (pickle.UnpicklingError, ImportError, AttributeError, EOFError, TypeError) as error:
            raise DataError(f"the encoder {form.encoder} can't be unpickled: {error}") from None
    state = {key.removeprefix("state."): value for key, value in arrays.items() if key.startswith("state.")}
    return FittedEncoder(form, state, arrays.get("components"), arrays["mean"], float(arrays["scale"]), own)


def _classes(name: str) -> tuple[Any, dict[str, Any]]:
    """The class of an encoder, and the options that it has unless others are given."""
    if ":" in name:
        try:
            return user_code.load(name), {}
        except SpaceError as error:
            raise DataError(f"encoder: {error}") from None
    if name == "sentence":
        from paretofair.data.inputs.text.sentences import SentenceEncoder

        return SentenceEncoder, {}
    from sklearn.feature_extraction import text

    if name == "counts":
        return text.CountVectorizer, {"dtype": np.float32, "token_pattern": _TOKENS, "lowercase": False}
    made = {"tfidf": text.TfidfVectorizer, "hashing": text.HashingVectorizer}
    if name not in made:
        raise DataError(f"encoder is {name!r}; accepted: {', '.join(KNOWN)}, or package.module:Encoder")
    return made[name], {"dtype": np.float32}


def _tuple(value: Any) -> Any:
    """Lists, which YAML writes for tuples: n-gram ranges are tuples."""
    whole = isinstance(value, list) and all(isinstance(each, int) for each in value)
    return tuple(value) if whole else value


def _spread(texts: Sequence[str], most: int) -> Sequence[str]:
    """At most so many of the texts, evenly from all of them."""
    if len(texts) <= most:
        return texts
    return [texts[place] for place in np.linspace(0, len(texts) - 1, most).astype(int).tolist()]


def _read_state(encoder: Any) -> dict[str, Array]:
    vocabulary = getattr(encoder, "vocabulary_", None)
    if vocabulary is None:
        return {}
    words = sorted(vocabulary, key=vocabulary.__getitem__)
    state = {"words": np.frombuffer(json.dumps(words).encode(), dtype=np.uint8)}
    if hasattr(encoder, "idf_"):
        state["idf"] = np.asarray(encoder.idf_, dtype=np.float64)
    return state


def _restore(form: TextEncoder, state: Mapping[str, Array]) -> Any:
    """The encoder with what it had learned."""
    if form.encoder in _STATELESS:
        return form.make()
    encoder = form.make()
    words = json.loads(bytes(np.asarray(state["words"], dtype=np.uint8)))
    # What is counted is known: what was too rare or too frequent is not among the words.
    encoder.set_params(vocabulary={word: place for place, word in enumerate(words)}, min_df=1, max_df=1.0)
    encoder.set_params(max_features=None)
    encoder.fit([""])
    if "idf" in state:
        encoder.idf_ = np.asarray(state["idf"])
    return encoder
