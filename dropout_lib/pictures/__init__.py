"""Matplotlib drawn once, then set."""

from dropout_lib.pictures.basics import (
    COLOURS,
    Band,
    Histogram,
    NetworkPicture,
    error_bars,
    set_heights,
    set_top,
    set_widths,
    show_image,
    show_mask,
    subplots,
    use_style,
)
from dropout_lib.pictures.inference import (
    Cloud,
    Funnel,
    UncertaintyCurves,
    show_signed,
    signed,
)
from dropout_lib.pictures.regularisation import (
    CurvePanels,
    LossContours,
    PublishedBars,
    StepByStep,
    Whiskers,
    error_axes,
)
from dropout_lib.pictures.sixteen_subnetworks import (
    Gallery,
    MaskSquare,
    gallery_axes,
    has_path,
    show_surface,
)
from dropout_lib.pictures.softmax import (
    ClassBars,
    Derivation,
    GapBars,
)
from dropout_lib.pictures.variance import (
    Chain,
    ErrorCurve,
    MemberScatter,
    MomentBars,
    MomentMatrix,
)

__all__ = [
    "COLOURS",
    "Band",
    "Chain",
    "ClassBars",
    "Cloud",
    "CurvePanels",
    "Derivation",
    "ErrorCurve",
    "Funnel",
    "Gallery",
    "GapBars",
    "Histogram",
    "LossContours",
    "MaskSquare",
    "MemberScatter",
    "MomentBars",
    "MomentMatrix",
    "NetworkPicture",
    "PublishedBars",
    "StepByStep",
    "UncertaintyCurves",
    "Whiskers",
    "error_axes",
    "error_bars",
    "gallery_axes",
    "has_path",
    "set_heights",
    "set_top",
    "set_widths",
    "show_image",
    "show_mask",
    "show_signed",
    "show_surface",
    "signed",
    "subplots",
    "use_style",
]
