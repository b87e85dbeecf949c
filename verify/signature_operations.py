r"""What one of torch's operations does with its arguments, as its schema tells: reads, writes, draws, reveals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from verify.signature_rules import RULES

__all__ = ["Call", "Operation", "operation_of", "tensors_in"]

STORED = frozenset({"dtype", "layout", "device", "pin_memory", "memory_format", "non_blocking"})
"""Arguments that say how a result is stored, not what is in it."""

CREATORS = frozenset(
    {"zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full", "zero", "fill", "eye"}
)
"""Operations whose result has more signatures than the inert one even if all that goes in is inert."""

OVERWRITES = frozenset({"copy", "fill", "zero"})
"""Operations that do not read the tensor they write to."""

UNINITIALISED = frozenset(
    {"empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided", "resize", "set"}
)
"""Operations that may leave a tensor with whatever the memory held."""

TORCHS_OWN = frozenset({"aten", "prim", "prims"})
"""Namespaces of operations whose results depend on their arguments only."""


class Call(NamedTuple):
    """One operation on tensors, none of its operands being a list that the operation runs through."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    written: list[Tensor]
    inputs: list[Tensor]
    result: Any


@dataclass(frozen=True)
class Operation:
    """What torch's schema says of an operation.

    Attributes:
        name: as in `RULES`.
        title: as users know it.
        each: does it run through lists, element by element?
        written: places and names of the arguments that it writes to.
        unread: names of those of them that it does not read.
        random: does it draw random numbers?
        reveals: does Python get a value, or the shape of the result depend on values?
        spoils: why nothing can be known of the result, if so.
    """

    name: str
    title: str
    each: bool
    written: tuple[tuple[int, str], ...]
    unread: frozenset[str]
    random: bool
    reveals: bool
    spoils: str

    def plain(self, takes_tensors: bool) -> bool:
        """Is all that can be known of the result that it is inert, if all that goes in is?"""
        return not self.spoils and self.name not in (CREATORS if takes_tensors else RULES)

    def calls(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> Iterator[Call]:
        """The operation as plain calls: one, or one for each element of its lists."""
        lists = [a for a in args if isinstance(a, list | tuple)]
        if not self.each or not lists or any(isinstance(a, list | tuple) for a in kwargs.values()):
            yield self._call(args, kwargs, result)
            return
        for i in range(len(lists[0])):
            own = tuple(a[i] if isinstance(a, list | tuple) else a for a in args)
            yield self._call(own, kwargs, result[i] if isinstance(result, list | tuple) else result)

    def _call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> Call:
        unread = {i for i, name in self.written if name in self.unread}
        read = [a for i, a in enumerate(args) if i not in unread]
        read += [value for name, value in kwargs.items() if name not in self.unread]
        kept = {name: value for name, value in kwargs.items() if name not in self.unread | STORED}
        plain = tuple(a for a in args if not isinstance(a, torch.dtype))
        return Call(plain, kept, self.targets(args, kwargs), list(tensors_in(read)), result)

    def targets(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Tensor]:
        """The tensors that it writes to."""
        return [t for i, name in self.written for t in tensors_in(args[i] if i < len(args) else kwargs.get(name))]


@cache
def operation_of(func: Any) -> Operation:
    """What the schema of an operation says; of those that are not torch's own nothing is believed."""
    schema, tags = getattr(func, "_schema", None), getattr(func, "tags", ())
    title = str(getattr(func, "overloadpacket", func))
    plain = title.split(".")[-1].removeprefix("_foreach_")
    arguments = schema.arguments if schema else []
    written = tuple((i, a.name) for i, a in enumerate(arguments) if a.alias_info is not None and a.alias_info.is_write)
    inplace = bool(written) and plain.endswith("_") and not plain.endswith("__")
    name = plain[:-1] if inplace else plain
    outs = {a.name for a in arguments if a.is_out}
    drawn = torch.Tag.nondeterministic_seeded in tags or any(a.name == "generator" for a in arguments)
    fresh, known = name in UNINITIALISED, title.split(".")[0] in TORCHS_OWN
    why = f"random draw {title}" if drawn else f"{title} leaves memory as it was" if fresh else ""
    # In-place operations that only change a tensor's shape write nothing: knowledge is kept by storage.
    shaped = torch.Tag.inplace_view in tags and not fresh
    return Operation(
        name=name,
        title=title,
        each="._foreach_" in title,
        written=() if shaped else written,
        unread=frozenset(outs | ({"self"} if inplace and name in OVERWRITES else set())),
        random=drawn,
        reveals=torch.Tag.data_dependent_output in tags or torch.Tag.dynamic_output_shape in tags,
        spoils=why if known else f"{title} is none of torch's own operations",
    )


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors in lists and tuples, however deep."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for v in value:
            yield from tensors_in(v)
