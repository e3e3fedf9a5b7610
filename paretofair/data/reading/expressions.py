"""Labels written as expressions over the columns of a table, such as `amount > 2000 and status == "good"`.

They are parsed by Python's own parser, read node by node as far as `ACCEPTED` lists them, and never run as Python. A
missing value makes a comparison unknown; `and` and `or` are known where the known side decides.
"""

import ast
import re
import sys
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import NoReturn, Protocol

import numpy as np

from paretofair.errors import DataError

ACCEPTED = (
    "comparisons (==, !=, <, <=, >, >=, in, not in), and, or, not, + - * /, numbers, texts in quotes and column "
    "names, in backticks where they are not plain words"
)
_LONGEST = 1000
_DEEPEST = 100
_UNKNOWN = 0.5  # between false (0) and true (1), so that `and` is the least, `or` the greatest

# A text in quotes, which is left alone, a name in backticks, or a space of any kind.
_QUOTED = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(`[^`]*`)|\s""")

_Operation = Callable[[np.ndarray, np.ndarray], np.ndarray]
_COMPARISONS: dict[type[ast.cmpop], _Operation] = {
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}
_ARITHMETIC: dict[type[ast.operator], _Operation] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
}


class NamedColumns(Protocol):
    """The table that an expression is evaluated on."""

    def numbers(self, name: str) -> np.ndarray:
        """`(rows,)` float64, NaN where missing; a DataError where a cell is no number."""

    def texts(self, name: str) -> np.ndarray:
        """`(rows,)` text, "" where missing."""

    def equals(self, name: str, text: str) -> np.ndarray:
        """`(rows,)` float64: 1 where a cell is this text, or as a number equal to it, else 0; NaN where missing."""

    def truths(self, name: str) -> np.ndarray:
        """`(rows,)` float64, NaN where missing; a DataError where a cell is neither true (1, yes, …) nor false."""

    def is_numeric(self, name: str) -> bool:
        """Whether every cell that isn't missing is a number."""


@dataclass(frozen=True)
class Expression:
    """A checked expression.

    Attributes:
        text: As it was written, without spaces at both ends.
        columns: Names of the columns in it, each once, in their order.
        constants: The texts that each column is compared with.
    """

    text: str
    columns: tuple[str, ...]
    constants: Mapping[str, tuple[str, ...]]
    _tree: ast.expr
    _names: Mapping[tuple[int, int], str]

    def labels(self, table: NamedColumns) -> np.ndarray:
        """`(rows,)` int8 labels: 1 where it is true, 0 where it is false, -1 where that is unknown.

        Raises:
            DataError: From `table`.
        """
        truth = _Evaluation(self.text, self._names, table).truth(self._tree)
        return np.where(truth == _UNKNOWN, -1, truth).astype(np.int8)


def read_expression(text: str, columns: Collection[str]) -> Expression:
    """An expression over these columns, one of whose names may look like an expression: `capital-gain` is one. Raises
    DataError as `parse_expression`."""
    return column_expression(text) if text in columns else parse_expression(text)


def parse_expression(text: str) -> Expression:
    """Check an expression; a column name alone stands for a column of zeros and ones.

    Raises:
        DataError: Anything but what `ACCEPTED` lists, with its position (from 1), what was found and what is accepted.
    """
    text = text.strip()
    tree, names = _parse(text)
    # Reading it on a table without rows finds every error of form, and the names.
    recorder = _Recorder()
    _Evaluation(text, names, recorder).truth(tree)
    if not recorder.names:
        _reject(text, 0, repr(text), "an expression with at least one column")
    constants = {name: tuple(texts) for name, texts in recorder.constants.items()}
    return Expression(text, tuple(recorder.names), constants, tree, names)


def column_expression(name: str) -> Expression:
    """The expression that is one column of zeros and ones, whatever its name."""
    tree = ast.Name("_", lineno=1, col_offset=0, end_lineno=1, end_col_offset=1)
    return Expression(name, (name,), {}, tree, {(0, 1): name})


def _parse(text: str) -> tuple[ast.expr, dict[tuple[int, int], str]]:
    """The syntax tree, and the column name at every place (first byte, end) where a name in it may stand."""
    if len(text) > _LONGEST:
        _reject(text, 0, f"{len(text)} characters", f"at most {_LONGEST}")
    # A name in backticks becomes a word of its length, in bytes, as places are counted in them.
    source = _QUOTED.sub(lambda match: match[1] or ("_" if match[2] else " ") * len(match[0].encode()), text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of a wrong escape in a text, for example
            tree = ast.parse(source, mode="eval").body
    except SyntaxError as error:
        # Python gives no place for an end that comes too early.
        position = error.offset - 1 if error.offset else len(text)
        rest = text[position : position + 20]
        _reject(text, position, f"{repr(rest) if rest else 'its end'} ({error.msg})", ACCEPTED)
    except (ValueError, RecursionError, MemoryError) as error:
        _reject(text, 0, str(error) or type(error).__name__, ACCEPTED)
    names: dict[tuple[int, int], str] = {}
    level: list[ast.AST] = [tree]
    depth = 0
    while level:
        depth += 1
        for node in level:
            if isinstance(node, ast.Name):
                # Not node.id: Python rewrites some letters in it.
                place = node.col_offset, node.end_col_offset or 0
                names[place] = _segment(text, *place).strip("`")
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if depth > _DEEPEST:
        _reject(text, 0, f"parts nested {depth} deep", f"at most {_DEEPEST}")
    return tree, names


def _segment(text: str, first: int, end: int) -> str:
    """What stands between two bytes of UTF-8, in which syntax trees count."""
    return text.encode()[first:end].decode()


def _reject(text: str, position: int, found: str, accepted: str) -> NoReturn:
    raise DataError(f"expression {text!r}, position {position + 1}: found {found}; accepted: {accepted}")


@dataclass
class _Recorder:
    """A table without rows that has every column and remembers which were asked for."""

    names: list[str] = field(default_factory=list)
    constants: dict[str, list[str]] = field(default_factory=dict)

    def equals(self, name: str, text: str) -> np.ndarray:
        self.constants.setdefault(name, []).append(text)
        return self.numbers(name)

    def numbers(self, name: str) -> np.ndarray:
        return self.texts(name).astype(np.float64)

    def texts(self, name: str) -> np.ndarray:
        if name not in self.names:
            self.names.append(name)
        return np.zeros(0, dtype=object)

    def truths(self, name: str) -> np.ndarray:
        return self.numbers(name)

    def is_numeric(self, name: str) -> bool:
        return True


@dataclass(frozen=True)
class _Evaluation:
    """Reads the nodes of one expression on one table. Truths are `(rows,)`, or `()` where no column is involved."""

    text: str
    names: Mapping[tuple[int, int], str]
    table: NamedColumns

    def truth(self, node: ast.expr) -> np.ndarray:
        if isinstance(node, ast.BoolOp):
            combine = np.minimum if isinstance(node.op, ast.And) else np.maximum
            parts = [self.truth(part) for part in node.values]
            truth = parts[0]
            for part in parts[1:]:
                truth = combine(truth, part)
            return truth
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return 1 - self.truth(node.operand)
        if isinstance(node, ast.Compare):
            truth, left = np.ones(()), node.left
            for operator, right in zip(node.ops, node.comparators, strict=True):
                truth = np.minimum(truth, self.comparison(left, operator, right))
                left = right
            return truth
        if isinstance(node, ast.Name):
            truths = self.table.truths(self.column(node))
            return _mark_unknown(truths, np.isnan(truths))
        self.reject(node, "a comparison, or a column of zeros and ones")

    def comparison(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> np.ndarray:
        if isinstance(operator, ast.In | ast.NotIn):
            truth = self.member(left, right)
            return truth if isinstance(operator, ast.In) else 1 - truth
        compare = _COMPARISONS.get(type(operator))
        if compare is None:
            self.reject(right, "==, !=, <, <=, >, >=, in or not in before it")
        if isinstance(operator, ast.Eq | ast.NotEq) and self.are_texts(left, right):
            equal = self.equal_texts(left, right)
            return equal if isinstance(operator, ast.Eq) else 1 - equal
        first, second = self.number(left), self.number(right)
        return _mark_unknown(compare(first, second), np.isnan(first) | np.isnan(second))

    def member(self, left: ast.expr, right: ast.expr) -> np.ndarray:
        if not isinstance(right, ast.List | ast.Tuple) or not right.elts:
            self.reject(right, 'a list of numbers or of texts, such as ["A", "B"]')
        if any(_is_text(element) for element in right.elts):
            for element in right.elts:
                self.constant_text(element)
            return reduce(np.maximum, [self.equal_texts(left, element) for element in right.elts])
        numbers = self.number(left)
        return _mark_unknown(np.isin(numbers, [self.constant(element) for element in right.elts]), np.isnan(numbers))

    def are_texts(self, left: ast.expr, right: ast.expr) -> bool:
        """Whether an equality is one of texts: one side is a text, or both are columns that aren't all numbers."""
        if isinstance(left, ast.Name) and isinstance(right, ast.Name):
            return not all(self.table.is_numeric(self.column(side)) for side in (left, right))
        return _is_text(left) or _is_text(right)

    def equal_texts(self, left: ast.expr, right: ast.expr) -> np.ndarray:
        """The truth that two columns, or a column and a text, are equal."""
        if isinstance(right, ast.Name) and not isinstance(left, ast.Name):
            left, right = right, left
        if isinstance(left, ast.Name) and isinstance(right, ast.Name):
            first, second = (self.table.texts(self.column(side)) for side in (left, right))
            return _mark_unknown((first == second).astype(bool), (first == "") | (second == ""))
        text = self.constant_text(right)
        if isinstance(left, ast.Name):
            equal = self.table.equals(self.column(left), text)
            return _mark_unknown(equal, np.isnan(equal))
        return np.asarray(float(self.constant_text(left) == text))

    def constant_text(self, node: ast.expr) -> str:
        if not _is_text(node):
            self.reject(node, "a text in quotes")
        text = str(ast.literal_eval(node)).strip()
        if not text:
            self.reject(node, "a text that isn't empty; an empty cell is a missing value")
        return text

    def number(self, node: ast.expr) -> np.ndarray:
        if isinstance(node, ast.Name):
            return self.table.numbers(self.column(node))
        if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            left, right = self.number(node.left), self.number(node.right)
            with np.errstate(all="ignore"):
                result = _ARITHMETIC[type(node.op)](left, right)
            return np.where(np.isfinite(result), result, np.nan)  # 1 / 0 is no number
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self.number(node.operand)
        return np.asarray(self.constant(node))

    def constant(self, node: ast.expr) -> float:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self.constant(node.operand)
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
            if abs(node.value) <= sys.float_info.max:
                return float(node.value)
            self.reject(node, "a finite number")
        self.reject(node, "a number, a column, or + - * / of them; texts are compared by ==, !=, in and not in")

    def column(self, node: ast.Name) -> str:
        return self.names[node.col_offset, node.end_col_offset or 0]

    def reject(self, node: ast.expr, accepted: str) -> NoReturn:
        first, end = node.col_offset, node.end_col_offset or node.col_offset
        _reject(self.text, len(_segment(self.text, 0, first)), repr(_segment(self.text, first, end)), accepted)


def _mark_unknown(truth: np.ndarray, missing: np.ndarray) -> np.ndarray:
    return np.where(missing, _UNKNOWN, truth)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
