"""Finds text in a figure that nobody can read: cut off at the edge, or drawn over other text."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations

from matplotlib.text import Text
from matplotlib.transforms import Bbox

# Shares of a line's height. A line's box has room for parts of letters above and below, which most
# words do not use, so boxes may touch and stand out a little before a reader sees it.
EDGE = 0.15
OVERLAP = 0.3


@contextmanager
def drawn_texts() -> Iterator[list[Text]]:
    """Collect every text that is drawn meanwhile: not hidden, not empty, no tick out of range."""
    texts: list[Text] = []
    draw = Text.draw

    def collect(text: Text, renderer: object, *args: object, **kwargs: object) -> None:
        if text.get_visible() and text.get_text().strip() and text not in texts:
            texts.append(text)
        draw(text, renderer, *args, **kwargs)

    Text.draw = collect
    try:
        yield texts
    finally:
        Text.draw = draw


def text_problems(texts: Sequence[Text], size: tuple[float, float]) -> list[str]:
    """Return what is wrong with the texts of a figure; `size` is (width, height) in pixels."""
    boxes = [(text, Text.get_window_extent(text)) for text in texts]
    found = [f"text {_name(text)} is cut off" for text, box in boxes if _stands_out(box, *size)]
    for (first, box), (second, other) in combinations(boxes, 2):
        if _collide(box, other):
            found.append(f"texts {_name(first)} and {_name(second)} overlap")
    return found


def _name(text: Text) -> str:
    return repr(text.get_text())


def _stands_out(box: Bbox, width: float, height: float) -> bool:
    allowed = EDGE * min(box.width, box.height)
    return min(box.x0, box.y0) < -allowed or box.x1 > width + allowed or box.y1 > height + allowed


def _collide(box: Bbox, other: Bbox) -> bool:
    common = Bbox.intersection(box, other)
    if common is None:
        return False
    line = min(box.width, box.height, other.width, other.height)
    return min(common.width, common.height) > OVERLAP * line
