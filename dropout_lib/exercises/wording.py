"""What there is to say about an answer that is not right, in words instead of tracebacks."""

import inspect
import numbers
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dropout_lib.exercises.comparing import as_numbers, common_factor, is_symbolic, same
from dropout_lib.validation import describe

_DIGITS = (4, 10)  # to print; the second number if the first hides a difference
_LINE_WIDTH = 76
_MANY_ENTRIES = 8  # an argument of more entries is shown by its shape alone
_MANY_RESULTS = 64  # a result of more entries is shown with its middle left out


def _in_text(value: Any, digits: int = _DIGITS[0]) -> str:
    if is_symbolic(value):
        return str(value)
    array = np.asarray(value)
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
    """An exception that a learner's function raised: its kind, its text, and the line of theirs."""
    what = f"your function stopped with {type(error).__name__}: {error}"
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    lines = [at for at in traceback.extract_tb(error.__traceback__) if at.filename == file]
    if not lines:
        return f"{what}."
    code = f": `{lines[-1].line}`" if lines[-1].line else ""
    return f"{what}, in line {lines[-1].lineno}{code}"


def wrong_kind(answer: Any, expected: Any, names: tuple[str, ...]) -> str:
    """What is wrong with the type or shape of an answer, or "" if only its values are wrong.

    `names` are those of the expected results, if there are several.
    """
    if isinstance(expected, tuple):
        wanted = f"{len(expected)} results, `({', '.join(names)})`, are expected"
        if not isinstance(answer, (tuple, list)):
            return f"{wanted}; you gave one: {describe(answer)}."
        if len(answer) != len(expected):
            return f"{wanted}; you gave {len(answer)}."
        for name, part, wanted_part in zip(names, answer, expected, strict=True):
            if words := wrong_kind(part, wanted_part, ()):
                return f"`{name}`: {words}"
        return ""
    if is_symbolic(expected):
        return _wrong_expression(answer, expected)
    values, shape = as_numbers(answer), np.shape(expected)
    wanted = f"an array of shape {shape} is expected" if shape else "a single number is expected"
    if values is None:
        return f"{wanted}; yours is {describe(answer)}."
    if values.shape != shape:
        return f"{wanted}; yours is {describe(values) if values.shape else 'a single number'}."
    return ""


def _wrong_expression(answer: Any, expected: Any) -> str:
    if not is_symbolic(answer) and not isinstance(answer, numbers.Number):
        return f"a SymPy expression is expected; yours is {describe(answer)}."
    known = {symbol.name for symbol in expected.free_symbols}
    strange = {symbol.name for symbol in getattr(answer, "free_symbols", ())} - known
    if strange:
        return f"the result does not depend on {', '.join(sorted(strange))}; yours does."
    return ""


def both_values(answer: Any, expected: Any, names: tuple[str, ...]) -> str:
    """Lines with the expected values, the answer's, and the factor between them if it is one."""
    if isinstance(expected, tuple):
        lines = []
        for name, part, wanted in zip(names, answer, expected, strict=True):
            fits = same(part, wanted)
            lines.append(f"{name} is right" if fits else f"{name}\n{both_values(part, wanted, ())}")
        return "\n".join(lines)
    for digits in _DIGITS:
        texts = _in_text(expected, digits), _in_text(answer, digits)
        if texts[0] != texts[1]:
            break
    lines = [_labelled("expected", texts[0]), _labelled("yours", texts[1])]
    factor = None if is_symbolic(expected) else common_factor(answer, expected)
    if factor is not None:
        lines.append(f"yours is {factor:.4g} times what is expected, in every entry")
    return "\n".join(lines)


def _labelled(label: str, text: str) -> str:
    """A label, then a text whose further lines are set below its first."""
    start = f"{label:9}"
    return start + text.replace("\n", "\n" + " " * len(start))


def inputs(arguments: Mapping[str, Any]) -> str:
    """One line per argument of the case in question."""
    lines = []
    for name, value in arguments.items():
        large = np.size(value) > _MANY_ENTRIES
        text = f"(an array of shape {np.shape(value)})" if large else _in_text(value)
        lines.append(_labelled(name, text))
    return "\n".join(lines)
