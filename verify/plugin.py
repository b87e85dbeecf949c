"""A pytest plugin: the fixture `assert_equivariant`. Nothing heavy is imported before a test calls it.

Installed with the package, so that any test may ask for it::

    def test_my_optimizer_keeps_rotations(assert_equivariant):
        assert_equivariant(MyOptimizer, "orthogonal", lr=0.01)
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

__all__ = ["assert_equivariant"]


@pytest.fixture(scope="session")
def assert_equivariant() -> Callable[..., None]:
    """A function that fails a test unless an optimizer, or a whole learner, is certified to keep a group.

    See `verify.assertions.assert_equivariant` for its arguments.
    """
    from verify.assertions import assert_equivariant as check

    return check
