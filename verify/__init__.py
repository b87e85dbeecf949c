"""The one held against the other: the instrument, the suite, the command `orbitgap`.

`certify` is imported when it is first asked for, so that nothing heavy is loaded before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verify.hypotheses import Certificate, certify

__all__ = ["Certificate", "certify"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from verify import hypotheses

        return getattr(hypotheses, name)
    raise AttributeError(f"module 'verify' has no attribute {name!r}")
