"""Views whose strides only seem to run along a moving axis."""

import torch

from verify.signatures import Factor, Known, Memory

MIDDLE = Known(frozenset({frozenset({Factor(1, 0, 5)})}))


def test_a_view_whose_steps_run_into_the_next_coordinate_is_lost() -> None:
    """Both views have the same strides; from the third column on, a step of 1 leaves the coordinate's block."""
    memory = Memory(5, 1)
    columns = torch.zeros(2, 5, 3)
    memory.write(columns, (MIDDLE,))
    assert memory.read(columns.as_strided((2, 5), (1, 3), 0))[0].signatures == MIDDLE.signatures
    assert memory.read(columns.as_strided((2, 5), (1, 3), 2))[0].signatures == frozenset()
