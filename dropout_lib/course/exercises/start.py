"""The exercises of notebook 00: a mask by hand, and how many units to expect."""

import numpy as np

from dropout_lib.course.exercises.exercise import Exercise, Pitfall

#: The layer and the mask of the exercise `mask_by_hand`. A negative unit is kept and a positive one
#: dropped: a ReLU, with the mask or in its place, gives other numbers.
H = np.array([0.6, -1.2, 2.0])
MASK = np.array([1, 1, 0])

MASK_BY_HAND = Exercise(
    name="mask_by_hand",
    reference=lambda: H * MASK,
    pitfalls=(
        Pitfall(
            lambda: H[MASK == 1],
            "you took the dropped unit out. It stays in its place, with the value 0: the next "
            "layer still expects three numbers.",
        ),
        Pitfall(
            lambda: H * (1 - MASK),
            "you dropped the units that the mask keeps. 1 means kept, 0 means dropped.",
        ),
        Pitfall(
            lambda: MASK,
            "that is the mask itself. Multiply each entry of the layer by the mask's entry.",
        ),
        Pitfall(
            lambda: H @ MASK,
            "you added the products up. Dropout multiplies entry by entry; three numbers remain.",
        ),
        Pitfall(
            lambda: H + MASK,
            "you added the mask. It multiplies: kept units stay as they are, dropped ones become "
            "0.",
        ),
        Pitfall(
            lambda: np.maximum(H, 0),
            "you set what is negative to 0. That is a ReLU; which units are dropped is said by the "
            "mask, whatever their sign.",
            also=(lambda: np.maximum(H, 0) * MASK,),
        ),
    ),
    hint="Multiply each entry of the layer by the mask's entry in the same place.",
    lesson="A 1 keeps the value, a 0 replaces it by 0, and every unit stays in its place.",
)

EXPECTED_KEPT = Exercise(
    name="expected_kept",
    reference=lambda n_units, keep: n_units * keep,
    # with halves above and below, a result of many digits, and a layer of which nothing is dropped
    cases=((10, 0.8), (64, 0.3), (7, 0.3), (12, 0.8), (23, 0.6180339887), (5, 1.0)),
    pitfalls=(
        Pitfall(
            lambda n_units, keep: n_units * (1 - keep),
            "that is how many are dropped on average. `keep` is the probability of keeping a unit.",
        ),
        Pitfall(
            lambda _n_units, keep: keep,
            "that is the share of the units that is kept. How many is it of `n_units`?",
        ),
        Pitfall(
            lambda n_units, keep: int(n_units * keep),
            "you rounded down. An average over many masks need not be a whole number.",
        ),
        Pitfall(
            lambda n_units, keep: round(n_units * keep),
            "you rounded. An average over many masks need not be a whole number.",
        ),
        Pitfall(
            lambda n_units, keep: int(np.ceil(n_units * keep)),
            "you rounded up. An average over many masks need not be a whole number.",
        ),
        Pitfall(
            lambda n_units, keep: n_units / keep,
            "that is more units than there are: dividing by `keep` would undo the loss.",
        ),
        Pitfall(
            lambda n_units, keep: 2**n_units * keep,
            "2 to the power n counts the different masks. This is about the units in one of them.",
        ),
    ),
    hint="Each unit is kept with probability `keep`; add these probabilities up.",
    lesson="On average n · keep units are kept; any one mask may keep a few more or fewer.",
)

EXERCISES = (MASK_BY_HAND, EXPECTED_KEPT)
