"""`inputs: {text: …}`: texts, or numbers of words, in one or several columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from paretofair import user_code
from paretofair.data.inputs.text.cleaning import LONGEST, Cleaning, Markup
from paretofair.data.inputs.text.encoders import KNOWN, TextEncoder
from paretofair.data.reading.kinds.kind import GivenInputs, InputKind
from paretofair.errors import DataError, SpaceError
from paretofair.sections import Names, make_error

if TYPE_CHECKING:
    from paretofair.data.reading.cell_table import CellTable

_MOST = 8192  # numbers that a text becomes
_MODEL = "model"  # the option of the encoder sentence that is a folder


def _list_columns(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _check_encoder(name: str) -> str:
    if name not in KNOWN and ":" not in name:
        raise make_error(f"found {name!r}; accepted: {', '.join(KNOWN)}, or package.module:Encoder")
    return name


def _check_dimensions(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST:
        return value
    raise make_error(
        f"found {value!r}; accepted: 1 to {_MOST:,}. Networks read dense numbers: texts are unreduced where the "
        "encoder makes no more of them, as with options: {max_features: 2000} and dimensions: 2000"
    )


def _check_options(options: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(options)
    except (TypeError, ValueError):
        raise make_error("expected numbers, texts, truths and lists of these") from None
    return options


class TextColumns(InputKind):
    """Texts, which an encoder that is fitted on training rows turns into numbers.

    Attributes:
        text_columns: The columns (in the file `columns`), one or several, whose texts are joined by line breaks.
        encoder: `tfidf`, `hashing`, `counts` (of numbers of words), `sentence` (a model in a local folder, which the
            option `model` names; extra `text`), or `package.module:Encoder` (`TextEncoder`).
        options: Of the encoder: those of scikit-learn's TfidfVectorizer, HashingVectorizer or CountVectorizer.
        dimensions: To how many numbers a text is reduced.
        markup: `strip` takes tags and entities of HTML and XML out; `keep` leaves them.
        longest: How many characters of a text are read.
    """

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    text_columns: Annotated[Names, BeforeValidator(_list_columns), Field(alias="columns", min_length=1)]
    encoder: Annotated[str, AfterValidator(_check_encoder)] = "tfidf"
    options: Annotated[dict[str, Any], AfterValidator(_check_options), Field(default_factory=dict)]
    dimensions: Annotated[int, BeforeValidator(_check_dimensions)] = 256
    markup: Markup = "strip"
    longest: Annotated[int, Field(ge=1)] = LONGEST

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the texts."""
        return self.text_columns

    def relative_to(self, folder: Path) -> TextColumns:
        """The same with the folder of a model made absolute."""
        model = self.options.get(_MODEL)
        if self.encoder != "sentence" or not isinstance(model, str):
            return self
        return self.model_copy(update={"options": {**self.options, _MODEL: str((folder / model).resolve())}})

    def make_encoder(self) -> TextEncoder:
        """How texts are encoded. Raises DataError for an encoder that can't be made with these options."""
        code = ""
        options = dict(self.options)
        if ":" in self.encoder:
            try:
                code = user_code.digest(self.encoder)
            except SpaceError as error:
                raise DataError(f"encoder: {error}") from None
        elif self.encoder == "sentence":
            from paretofair.data.inputs.text.sentences import digest_folder

            code = digest_folder(str(options.get(_MODEL, "")))
        encoder = TextEncoder(self.encoder, json.dumps(options, sort_keys=True), self.dimensions, code)
        encoder.make()
        return encoder

    def read(self, table: CellTable) -> GivenInputs:
        """The texts of every row; empty cells are empty texts. What was counted is said."""
        from paretofair.data.inputs.text.texts import Texts

        try:
            encoder = self.make_encoder()
        except DataError as error:
            table.fail(f"inputs: text: {error}")
        cleaning = Cleaning(self.markup, self.longest)
        texts = Texts.of({name: table.cells(name).tolist() for name in self.columns}, encoder, cleaning)
        if texts.counts.empty == len(texts):
            table.fail(f"every text of {', '.join(self.columns)} is empty")
        for words in texts.describe_oddities():
            table.say(words)
        return GivenInputs(texts)
