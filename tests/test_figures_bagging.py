"""The pictures of the 16 subnetworks: what stands where, against a walk through each network."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from dropout_lib.pictures import basics as figures
from dropout_lib.pictures.sixteen_subnetworks import (
    MASKS,
    PAIRS,
    Gallery,
    MaskSquare,
    gallery_axes,
    has_path,
    place,
)


def walk(mask):
    """Whether the output can be reached from an input that is kept, link by link."""
    links = {0: (2, 3), 1: (2, 3), 2: (4,), 3: (4,)}
    kept = {unit for unit in range(4) if mask[unit]} | {4}
    reached = {0, 1} & kept
    for _ in range(2):
        reached |= {end for start in reached for end in links.get(start, ()) if end in kept}
    return 4 in reached


@pytest.mark.claim("B04")
def test_seven_of_the_sixteen_have_no_path():
    assert [has_path(mask) for mask in MASKS] == [walk(mask) for mask in MASKS]
    assert sum(not walk(mask) for mask in MASKS) == 7


def test_every_mask_has_a_place_of_its_own():
    places = [place(mask) for mask in MASKS]
    assert sorted(places) == [(row, column) for row in range(4) for column in range(4)]
    for mask, (row, column) in zip(MASKS, places, strict=True):
        assert (PAIRS[column], PAIRS[row]) == (tuple(mask[:2]), tuple(mask[2:]))


@pytest.mark.parametrize("mask", [(1, 0, 1), (1, 0, 2, 1), (1, 1, 1, 1, 1), (0.5, 0, 0, 0)])
def test_a_strange_mask_is_refused(mask):
    with pytest.raises(ValueError, match="mask must be four numbers, each 0 or 1"):
        place(mask)


def test_the_gallery_draws_each_surface_where_its_mask_stands():
    figure, (_, _, ax) = gallery_axes()
    surfaces = np.arange(16)[:, None, None] / 16 * np.ones((1, 3, 3))
    Gallery(ax, surfaces)
    figure.draw_without_rendering()
    shown = {image.get_array()[0, 0]: image.get_extent() for image in ax.images}
    with_path = [number for number, mask in enumerate(MASKS) if has_path(mask)]
    assert sorted(shown) == [number / 16 for number in with_path]
    corners = {place(MASKS[number]): shown[number / 16] for number in with_path}
    for (row, column), (left, _, bottom, _) in corners.items():
        assert left - corners[0, 0][0] == pytest.approx(column * 2.16)
        assert corners[0, 0][2] - bottom == pytest.approx(row * 1.16)
    assert sum(text.get_text() == "no\npath" for text in ax.texts) == 7


def test_the_gallery_links_kept_units_only():
    _, (_, _, ax) = gallery_axes()
    Gallery(ax, np.zeros((16, 2, 2)))
    (links,) = ax.collections[:1]
    on = to_rgba(figures.COLOURS["kept"])
    blue = sum(np.allclose(colour, on) for colour in links.get_colors())
    pairs = sum(np.outer(m[:2], m[2:]).sum() + m[2:].sum() for m in MASKS if has_path(m))
    everywhere = sum(np.outer(m[:2], m[2:]).sum() + m[2:].sum() for m in MASKS)
    assert (blue, len(links.get_segments())) == (pairs, everywhere)


def test_the_frame_goes_to_the_mask():
    _, (_, _, ax) = gallery_axes()
    gallery = Gallery(ax, np.zeros((16, 2, 2)))
    places = set()
    for mask in MASKS:
        gallery.light(mask)
        row, column = place(mask)
        places.add(gallery._frame.get_xy())
        assert gallery._frame.get_xy() == pytest.approx((column * 2.16 - 0.05, -row * 1.16 - 0.05))
    assert len(places) == 16


def test_a_square_shows_values_and_texts_where_their_masks_stand():
    _, ax = figures.subplots()
    square = MaskSquare(ax, "numbers")
    square.set_values(np.arange(16.0), [str(number) for number in range(16)])
    square.frame(MASKS[3])
    shades = np.reshape(square._tiles.get_array(), (4, 4))
    for number, mask in enumerate(MASKS):
        row, column = place(mask)
        assert shades[row, column] == pytest.approx(number / 15)
        (text,) = [t for t in ax.texts if t.get_position() == (column, row)]
        assert text.get_text() == str(number)
        assert text.get_color() == ("white" if number > 12 else "#222222")
    row, column = place(MASKS[3])
    assert square._frame.get_visible()
    assert square._frame.get_xy() == (column - 0.5, row - 0.5)
    square.set_values(np.zeros(16), ["0"] * 16)  # nothing to compare with: no division by zero
    assert not np.any(square._tiles.get_array())


def test_with_a_darkest_value_pictures_can_be_compared():
    _, ax = figures.subplots()
    square = MaskSquare(ax, "numbers", darkest=50)
    for largest in (5.0, 25.0, 80.0):
        square.set_values(np.linspace(0, largest, 16), [""] * 16)
        assert square._tiles.get_array().max() == pytest.approx(min(largest / 50, 1))


def test_values_of_another_number_are_refused():
    _, ax = figures.subplots()
    with pytest.raises(ValueError, match="zip"):
        MaskSquare(ax, "").set_values(np.zeros(4), [""] * 4)
    with pytest.raises(ValueError, match="zip"):
        Gallery(ax, np.zeros((4, 2, 2)))
