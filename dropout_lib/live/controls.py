"""Controls with plain labels: each is a widget with a `value`, bounds, and use of the keyboard."""

import math
import numbers
from collections.abc import Iterable
from typing import Any

import ipywidgets as widgets
import traitlets

_WIDE = widgets.Layout(width="340px")
_WHOLE_LABEL = {"description_width": "initial"}
_LAST_SEED = 999


def check_label(label: str, name: str = "label") -> str:
    """Return the words beside a control if they are words."""
    if not isinstance(label, str):
        raise ValueError(f"{name} is {label!r}; it should be a text")
    return label


def check_controls(controls: dict[str, Any]) -> None:
    """Refuse what has no value to read."""
    for name, control in controls.items():
        if not (isinstance(control, widgets.Widget) and control.has_trait("value")):
            raise ValueError(f"{name} is {control!r}; it should be a control: a widget with a value")


def _check_options(options: Iterable[Any], value: Any) -> list[Any]:
    """`options` as a list of which `value` is one; as in ipywidgets it may hold (words, value)."""
    is_iterable = isinstance(options, Iterable) and not isinstance(options, str)
    found = list(options) if is_iterable else []
    if not found:
        raise ValueError(f"options is {options!r}; it should be a list of one value or more")
    pairs = all(isinstance(option, tuple) and len(option) == 2 for option in found)
    if value not in [option[1] if pairs else option for option in found]:
        raise ValueError(f"value is {value!r}; it should be one of {found}")
    return found


def slider(
    label: str, low: float, high: float, value: float, step: float | None = None
) -> widgets.Widget:
    """Return a slider from `low` to `high`; whole numbers if `low`, `high` and `step` are.

    The step of a slider over real numbers is 0.05 unless given. Raises ValueError if a number is
    none or not finite, the bounds are the wrong way round, `value` lies outside them, or `step` is
    not positive.
    """
    given = {"low": low, "high": high, "value": value} | ({} if step is None else {"step": step})
    for name, number in given.items():
        is_number = isinstance(number, numbers.Real) and not isinstance(number, bool)
        if not (is_number and math.isfinite(number)):
            raise ValueError(f"{name} is {number!r}; it should be a finite number")
    if not low < high:
        raise ValueError(f"low is {low} and high is {high}; low should be less than high")
    if not low <= value <= high:
        raise ValueError(f"value is {value}; it should lie between low={low} and high={high}")
    if step is not None and not 0 < step <= high - low:
        raise ValueError(f"step is {step}; it should be positive and at most {high - low}")
    whole = all(isinstance(number, numbers.Integral) for number in given.values())
    kind = widgets.IntSlider if whole else widgets.FloatSlider
    return kind(
        value=value,
        min=low,
        max=high,
        step=step or (1 if whole else 0.05),
        description=check_label(label),
        layout=_WIDE,
        style=_WHOLE_LABEL,
    )


def steps(label: str, options: Iterable[Any], value: Any) -> widgets.SelectionSlider:
    """Return a slider that stops at the given options only, e.g. 1, 3, 10, 30, 100."""
    return widgets.SelectionSlider(
        options=_check_options(options, value),
        value=value,
        description=check_label(label),
        layout=_WIDE,
        style=_WHOLE_LABEL,
    )


def keep_slider(value: float = 0.5, low: float = 0.05, high: float = 1.0) -> widgets.Widget:
    """Return the slider of the probability that a unit is kept."""
    return slider("keep probability", low, high, value)


def choice(label: str, options: Iterable[Any], value: Any) -> widgets.ToggleButtons:
    """Return a row of buttons of which one is down."""
    return widgets.ToggleButtons(
        options=_check_options(options, value),
        value=value,
        description=check_label(label),
        style={**_WHOLE_LABEL, "button_width": "auto"},  # as wide as its text
        layout=widgets.Layout(width="auto"),
    )


def toggle(label: str, value: bool = False) -> widgets.Checkbox:
    """Return a box to tick."""
    if not isinstance(value, bool):
        raise ValueError(f"value is {value!r}; it should be True or False")
    return widgets.Checkbox(
        value=value,
        description=check_label(label),
        indent=False,
        layout=widgets.Layout(width="auto"),
    )


class Seed(widgets.HBox):
    """A number that fixes every random draw of a figure, and a button that moves to the next."""

    value = traitlets.Int()

    def __init__(self, value: int, label: str, button: str) -> None:
        whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        if not (whole and 0 <= value <= _LAST_SEED):
            raise ValueError(f"value is {value!r}; it should be a seed from 0 to {_LAST_SEED}")
        self._number = widgets.BoundedIntText(
            value=value,
            min=0,
            max=_LAST_SEED,
            description=check_label(label),
            style=_WHOLE_LABEL,
            layout=widgets.Layout(width="130px"),
        )
        self._next = widgets.Button(description=check_label(button, "button"), icon="refresh")
        super().__init__([self._number, self._next], value=value)
        self.min, self.max = self._number.min, self._number.max
        traitlets.link((self._number, "value"), (self, "value"))
        self._next.on_click(lambda _: self.next())

    def next(self) -> None:
        """Move to the next seed; after the last one comes 0 again."""
        self.value = (self.value + 1) % (_LAST_SEED + 1)


def seed(value: int = 0, label: str = "seed", button: str = "new draw") -> Seed:
    """Return a seed control: the same number always gives the same picture."""
    return Seed(value, label, button)


def settings(control: widgets.Widget) -> list:
    """Return every value that a control can take, in order, so that a test can drive it to each."""
    check_controls({"control": control})
    if isinstance(control, (widgets.ToggleButtons, widgets.SelectionSlider)):
        return [option[1] if isinstance(option, tuple) else option for option in control.options]
    if isinstance(control, widgets.Checkbox):
        return [False, True]
    step = getattr(control, "step", 1)
    count = round((control.max - control.min) / step) + 1
    return [type(control.value)(min(control.min + i * step, control.max)) for i in range(count)]
