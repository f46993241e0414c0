"""What an answer comes to, whether it is the expected one, and what to say about it if not.

A learner's answer is first made plain: an array of numbers, a SymPy expression, a tuple of those, or
`Unusable`. Only then values are compared, and the type is spoken of only if it was the trouble.

Expressions are never simplified, which may take for ever: two are equal if their values agree at
random points, and to work out a value takes one operation of floating point for each part. SymPy
is used only if it has been imported already: without it no answer can be an expression.
"""

import inspect
import sys
import traceback
from collections.abc import Callable, Mapping, Set, Sized
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropout_lib._checks import describe

_RELATIVE = 1e-5  # generous enough for float32 and for finite differences, …
_ABSOLUTE = 1e-8  # … and for what should be zero
_ROUNDINGS = 4  # so many units of its last digit may an answer of low precision be off
_EXACT = 1e-9  # expressions hold no measurements: only floating point may separate them
_N_POINTS = 12  # where expressions are compared
_DIGITS = (4, 10)  # to print; the second number if the first hides a difference
_LINE_WIDTH = 76
_MANY_ENTRIES = 8  # an argument of more entries is shown by its shape alone
_MANY_RESULTS = 64  # a result of more entries is shown with its middle left out
_MANY_PARTS = 300  # an expression of more parts is not shown: printing may take for ever

#: What is known of SymPy's functions, by the names of their classes.
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "Add": lambda *terms: reduce(np.add, terms),
    "Mul": lambda *factors: reduce(np.multiply, factors),
    "Max": lambda *values: reduce(np.maximum, values),
    "Min": lambda *values: reduce(np.minimum, values),
    "Pow": np.power,
    "Abs": np.abs,
    "sign": np.sign,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
}


@dataclass(frozen=True)
class Unusable:
    """Something that can not be compared; `words` go on after "yours "."""

    words: str


class _NotUnderstoodError(Exception):
    """Why the value of an expression or of an entry cannot be worked out."""


def has_gap(value: object, depth: int = 3) -> bool:
    """Whether a `...` still stands in an answer, alone or in lists, tuples or arrays in another."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "O" and any(entry is ... for entry in value.flat)
    inside = value if isinstance(value, (tuple, list)) and depth else ()
    return value is ... or any(has_gap(entry, depth - 1) for entry in inside)


# Making an answer plain


def plain(answer: Any, n_results: int = 0) -> Any:
    """What a learner's `answer` comes to; with `n_results` several results are asked for.

    Returns: an array of real numbers, an expression with symbols, a tuple of those, or `Unusable`.
    """
    try:
        if n_results and _is_listing(answer, n_results):
            return tuple(plain(part) for part in answer)
        return _as_values(answer)
    except _NotUnderstoodError as error:
        return Unusable(str(error))
    # Only here code of the learner's objects runs (__array__, __len__, __float__, …), and it may
    # raise anything: tensors of other libraries, for instance, want to be detached first.
    except Exception as error:  # noqa: BLE001 (it is told)
        return Unusable(f"could not be compared, because of {in_words(error)}")


def _is_listing(answer: Any, n_results: int) -> bool:
    if isinstance(answer, (tuple, list)):
        return True
    if isinstance(answer, (str, bytes, Mapping, Set)) or not isinstance(answer, Sized):
        return False
    try:
        return len(answer) == n_results
    except TypeError:  # an array without axes
        return False


def _as_values(answer: Any) -> Any:
    if _is_symbolic(answer):
        values = _value(answer, _points(answer))
        if not _symbols(answer):
            return _real(values)
        if not np.isfinite(values).any():
            raise _NotUnderstoodError("could not be compared, because its values are not finite")
        return answer
    try:
        array = np.asarray(answer)
    except ValueError as error:
        if isinstance(answer, (list, tuple)):  # rows of different lengths
            raise _NotUnderstoodError(f"is {describe(answer)}") from error
        raise
    if array.dtype.kind == "O":
        if array.size == 1 and _is_symbolic(array.item()):
            return _as_values(array.item())
        array = np.array([_number(entry, answer) for entry in array.flat]).reshape(array.shape)
    if array.dtype.kind not in "biufc":
        raise _NotUnderstoodError(f"is {describe(answer)}")
    return _real(array)


def _number(entry: Any, answer: Any) -> complex:
    """A Decimal, Fraction, number of SymPy, long integer or whatever else is a number."""
    if _is_symbolic(entry):
        return complex(_value(entry, {}))
    if isinstance(entry, np.ndarray) and entry.size == 1:
        return complex(entry.item())
    if not any(hasattr(entry, name) for name in ("__complex__", "__float__", "__index__")):
        raise _NotUnderstoodError(f"is {describe(answer)}")
    return complex(entry)


def _real(values: Any) -> NDArray[Any]:
    """The array without imaginary parts of zero."""
    array = np.asarray(values)
    if array.dtype.kind == "c" and np.allclose(array.imag, 0, atol=_ABSOLUTE):
        return array.real
    return array


# Comparing


def same(answer: Any, expected: Any) -> bool:
    """Whether two plain things have the same shape, and the same values up to rounding."""
    if isinstance(answer, Unusable) or isinstance(expected, Unusable):
        return False
    if isinstance(answer, tuple) or isinstance(expected, tuple):
        return (
            isinstance(answer, tuple)
            and isinstance(expected, tuple)
            and len(answer) == len(expected)
            and all(map(same, answer, expected))
        )
    if _is_symbolic(answer) or _is_symbolic(expected):
        return _agree(answer, expected)
    values, wanted = _double(answer), _double(expected)
    if values.size == wanted.size == 1:  # a number and an array of one entry
        values = values.reshape(wanted.shape)
    relative = max(_RELATIVE, _ROUNDINGS * _last_digit(answer))
    return values.shape == wanted.shape and np.allclose(
        values, wanted, rtol=relative, atol=_ABSOLUTE, equal_nan=True
    )


def _double(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _last_digit(array: NDArray[Any]) -> float:
    return float(np.finfo(array.dtype).eps) if array.dtype.kind in "fc" else 0.0


def common_factor(answer: NDArray[Any], expected: NDArray[Any]) -> float | None:
    """The factor, if every entry of `answer` is the same multiple of the expected one; else None.

    A hint at a scale forgotten or applied twice. Needs two or more entries, of the right shape.
    """
    nonzero = expected != 0
    if answer.shape != expected.shape or nonzero.sum() < 2 or not np.isfinite(answer).all():
        return None
    factor = float(np.median(_double(answer)[nonzero] / expected[nonzero]))
    return factor if factor != 0 and same(answer, expected * factor) else None


# SymPy


def _is_symbolic(value: object) -> bool:
    sympy = sys.modules.get("sympy")
    return sympy is not None and isinstance(value, sympy.Basic)


def _parts(expression: Any) -> list[Any]:
    """Every different part of an expression once, after all parts that it is made of."""
    parts, seen, waiting = [], set(), [(expression, False)]
    while waiting:
        part, ready = waiting.pop()
        if ready:
            parts.append(part)
        elif part not in seen:
            seen.add(part)
            waiting.append((part, True))
            waiting.extend((inner, False) for inner in part.args)
    return parts


def _n_parts(expression: Any) -> int:
    """How many parts an expression has written out, where parts are repeated."""
    sizes: dict[Any, int] = {}
    for part in _parts(expression):
        sizes[part] = 1 + sum(sizes[inner] for inner in part.args)
    return sizes[expression]


def _symbols(*sides: Any) -> dict[str, bool]:
    """The names of all symbols, and which are positive; Symbol("k") is k for any reader."""
    symbols: dict[str, bool] = {}
    for side in filter(_is_symbolic, sides):
        for part in _parts(side):
            if part.is_Symbol:
                symbols[part.name] = symbols.get(part.name, False) or bool(part.is_positive)
    return symbols


def _points(*sides: Any) -> dict[str, NDArray[np.complex128]]:
    """Random values for each symbol, always the same: near 1, where powers keep their size."""
    points = {}
    for name, positive in _symbols(*sides).items():
        rng = np.random.default_rng(list(name.encode()))
        signs = rng.choice([-1, 1], _N_POINTS)
        points[name] = rng.uniform(0.3, 1.7, _N_POINTS) * (1 if positive else signs) + 0j
    return points


def _value(expression: Any, points: Mapping[str, NDArray[np.complex128]]) -> Any:
    """The values of an expression at the points; one operation for each of its parts."""
    parts = _parts(expression)
    for part in reversed(parts):  # the outermost first: an Integral before its limits
        if part.is_Symbol and part.name not in points:
            raise _NotUnderstoodError(f"is no number: it holds the symbol `{part.name}`")
        if not (part.is_Symbol or _is_constant(part) or type(part).__name__ in _FUNCTIONS):
            raise _NotUnderstoodError(
                f"could not be compared, because it holds `{type(part).__name__}`: write it with "
                "sums, products, powers and elementary functions (`.doit()` may do that)"
            )
    values: dict[Any, Any] = {}
    for part in parts:
        if part.is_Symbol:
            values[part] = points[part.name]
        elif _is_constant(part):
            values[part] = _constant(part)
        else:
            function = _FUNCTIONS[type(part).__name__]
            with np.errstate(all="ignore"):  # points without a finite value are left out
                values[part] = function(*(values[inner] for inner in part.args))
    return values[expression]


def _is_constant(part: Any) -> bool:
    return not part.args and getattr(part, "is_number", False)


def _constant(number: Any) -> np.complex128:
    try:
        return np.complex128(complex(number))
    except OverflowError:  # a number of more than 308 digits
        return np.complex128(np.inf)


def _agree(answer: Any, expected: Any) -> bool:
    """Whether two expressions, or an expression and a number, have equal values."""
    points = _points(answer, expected)
    sides = []
    for side in (answer, expected):
        values = _value(side, points) if _is_symbolic(side) else _double(side)
        if np.size(values) not in (1, _N_POINTS):
            return False
        sides.append(np.broadcast_to(np.ravel(values), _N_POINTS))
    finite = np.isfinite(sides[0]) & np.isfinite(sides[1])
    return bool(finite.any()) and np.allclose(
        sides[0][finite], sides[1][finite], rtol=_EXACT, atol=_EXACT
    )


# What there is to say


def in_words(error: Exception) -> str:
    """An exception's kind and its text, whatever its own `__str__` does."""
    return "".join(traceback.format_exception_only(error)).strip().rstrip(".")


def _in_text(value: Any, digits: int = _DIGITS[0]) -> str:
    if _is_symbolic(value):
        n = _n_parts(value)
        return str(value) if n <= _MANY_PARTS else f"(an expression of {n:,} parts)"
    array = np.asarray(value)
    if array.dtype.kind == "O":  # a Fraction
        return str(value)
    return np.array2string(
        array + 0.0 if array.dtype.kind == "f" else array,  # prints 0 for -0
        precision=digits,
        suppress_small=True,
        max_line_width=_LINE_WIDTH,
        threshold=_MANY_RESULTS,
    )


def wrong_arguments(function: Callable[..., Any], wanted: tuple[str, ...]) -> str:
    """What is wrong with a function's arguments, or "" if it can be called with `wanted`."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions do not tell
        return ""
    try:
        signature.bind(*wanted)
    except TypeError:
        return f"your function takes `{signature}` and is called with `({', '.join(wanted)})`."
    return ""


def stopped(error: Exception, function: Callable[..., Any]) -> str:
    """An exception that a learner's function raised: the line of theirs, its kind and its text."""
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    lines = [at for at in traceback.extract_tb(error.__traceback__) if at.filename == file]
    where = f" in line {lines[-1].lineno}" if lines else ""
    if lines and lines[-1].line:
        where += f", `{lines[-1].line}`,"
    return f"your function stopped{where} with {in_words(error)}."


def wrong_kind(answer: Any, expected: Any, names: tuple[str, ...] = ()) -> str:
    """What is wrong with the type or shape of a plain answer, or "" if only its values are wrong.

    `names` are those of the expected results, if there are several.
    """
    if isinstance(expected, tuple):
        wanted = f"{len(expected)} results, `({', '.join(names)})`, are expected"
        if isinstance(answer, Unusable):
            return f"{wanted}; yours {answer.words}."
        if not isinstance(answer, tuple):
            return f"{wanted}; you gave one: {_described(answer)}."
        if len(answer) != len(expected):
            return f"{wanted}; you gave {len(answer)}."
        for name, part, wanted_part in zip(names, answer, expected, strict=True):
            if words := wrong_kind(part, wanted_part):
                return f"`{name}`: {words}"
        return ""
    if _is_symbolic(expected):
        wanted = "a SymPy expression is expected"
    elif expected.shape:
        wanted = f"an array of shape {expected.shape} is expected"
    else:
        wanted = "a single number is expected"
    if isinstance(answer, Unusable):
        return f"{wanted}; yours {answer.words}."
    if _is_symbolic(expected):
        strange = set(_symbols(answer)) - set(_symbols(expected))
        if strange:
            return f"the result does not depend on {', '.join(sorted(strange))}; yours does."
        return f"{wanted}; yours is {_described(answer)}." if np.size(answer) > 1 else ""
    if _is_symbolic(answer):
        return f"{wanted}; yours is a SymPy expression: {_in_text(answer)}."
    if answer.dtype.kind == "c":
        return f"{wanted}, and real numbers; some of yours have an imaginary part."
    if answer.shape != expected.shape and not answer.size == expected.size == 1:
        return f"{wanted}; yours is {_described(answer)}."
    return ""


def _described(answer: Any) -> str:
    if _is_symbolic(answer):
        return _in_text(answer)
    return describe(answer) if answer.shape else "a single number"


def cautions(answer: Any) -> str:
    """What is to be known of wrong values besides the hint: sentences that begin with a space."""
    if isinstance(answer, tuple):
        return "".join(dict.fromkeys(map(cautions, answer)))
    words = ""
    if isinstance(answer, np.ndarray):
        if not np.isfinite(answer).all():
            words += " Yours is not finite everywhere: something is divided by 0 or is too large."
        if _ROUNDINGS * _last_digit(answer) > _RELATIVE:
            words += f" Yours is in {answer.dtype}, which has {np.finfo(answer.dtype).precision} digits only."
    return words


def both_values(answer: Any, expected: Any, names: tuple[str, ...] = ()) -> str:
    """Lines with the expected values, the answer's, and the factor between them if it is one."""
    if isinstance(expected, tuple):
        lines = []
        for name, part, wanted in zip(names, answer, expected, strict=True):
            fits = same(part, wanted)
            lines.append(f"{name} is right" if fits else f"{name}\n{both_values(part, wanted)}")
        return "\n".join(lines)
    for digits in _DIGITS:
        texts = _in_text(expected, digits), _in_text(answer, digits)
        if texts[0] != texts[1]:
            break
    lines = _labelled({"expected": texts[0], "yours": texts[1]})
    if isinstance(answer, np.ndarray) and isinstance(expected, np.ndarray):
        factor = common_factor(answer, expected)
        if factor is not None:
            lines.append(f"yours is {factor:.4g} times what is expected, in every entry")
    return "\n".join(lines)


def inputs(arguments: Mapping[str, Any]) -> str:
    """One line per argument of the case in question."""
    texts = {}
    for name, value in arguments.items():
        large = np.size(value) > _MANY_ENTRIES
        texts[name] = f"(an array of shape {np.shape(value)})" if large else _in_text(value)
    return "\n".join(_labelled(texts))


def _labelled(texts: Mapping[str, str]) -> list[str]:
    """A label, then a text whose further lines are set below its first."""
    width = max(8, *map(len, texts)) + 1  # 8: "expected", which stands below the inputs
    return [
        f"{label:{width}}" + text.replace("\n", "\n" + " " * width)
        for label, text in texts.items()
    ]
