r"""Follows signatures through the operations that a program performs, one by one, as torch dispatches them.

Not seen are: memory read by others than torch (compiled code that is given a pointer), other threads, and a program's
own state outside tensors. Memory written by others is noticed by its bytes. Torch's methods that share a tensor's
memory with numpy and the like end the derivation. Drawn numbers are noticed by torch's operations and by the global
generators of torch, numpy and Python.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from itertools import repeat
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch._C import DisableTorchFunction
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from verify.signature_domains import ONLY_INERT, Domain, Seen
from verify.signature_groups import DOMAINS
from verify.signature_operations import Call, Operation, operation_of, tensors_in
from verify.signature_rules import RULES
from verify.signatures import FIXED, INERT, Knowledge, Known, Memory

__all__ = ["Tracker"]

SHARING = frozenset({"numpy", "__array__", "__dlpack__", "storage", "_typed_storage", "untyped_storage", "data_ptr"})
"""Methods that hand out a tensor's memory, which may then be read and written to unseen."""

READING = frozenset(
    {"tolist", "__repr__", "__format__", "__reduce_ex__", "apply_", "map_", "map2_", "tensor_split", "module_load"}
)
"""Methods that read tensors without any operation."""

MAKING = frozenset({"tensor", "as_tensor", "asarray", "new_tensor", "new", "sparse_coo_tensor", "sparse_csr_tensor"})
"""Functions that make one tensor of a list, and read the tensors in it without any operation."""


class Tracker:
    """Follows all groups of `DOMAINS`, acting on d-vectors, until each is lost.

    Args:
        d: the dimension of the vectors that move.
        dtype: the program's own; narrower ones are noted.

    Attributes:
        memory: what is known of each storage.
        lost: by group, why it is given up for good.
        moment: where the program is, a part of the reasons.
        random: operations that drew random numbers, in order.
        narrow: floating dtypes narrower than `dtype` of results that have axes, in order.
        making: is one of the functions `MAKING` running?

    Example:
        >>> from verify.signatures import last_axis
        >>> tracker = Tracker(2, torch.float64)
        >>> weights = torch.ones(3, 2, dtype=torch.float64)
        >>> tracker.declare(weights, last_axis((3, 2)))
        >>> with tracker.following():
        ...     root = weights.abs().sqrt()
        >>> [name for name in DOMAINS if tracker.known(root, name).signatures]
        ['permutation', 'sign_flip']
        >>> tracker.known(root, "orthogonal").lost
        'aten.abs of what moves'
    """

    def __init__(self, d: int, dtype: torch.dtype) -> None:
        self.memory = Memory(d, len(DOMAINS))
        self.lost: dict[str, str] = {}
        self.moment = "at the start"
        self.random: dict[str, None] = {}
        self.narrow: dict[str, None] = {}
        self._dtype = dtype
        self._draws = 0
        self.making = False
        self._domains = tuple((name, domain(d)) for name, domain in DOMAINS.items())

    def declare(self, tensor: Tensor, known: Known = FIXED) -> None:
        """Say how a tensor transforms under every group, by default not at all."""
        self.memory.write(tensor, self.memory.plain if known is FIXED else (known,) * len(DOMAINS))

    def known(self, tensor: Tensor, group: str) -> Known:
        """What is known of a tensor under a group."""
        return self.memory.read(tensor)[list(DOMAINS).index(group)]

    def give_up(self, group: str, reason: str) -> None:
        """Stop following a group; the first reason stays."""
        self.lost.setdefault(group, f"{self.moment}: {reason}")

    @contextmanager
    def following(self) -> Iterator[None]:
        """While this is open, every operation of this thread is followed."""
        before, self._draws = _generators(), 0
        with _Operations(self), _Methods(self):
            yield
        for (name, then), (_, now) in zip(before, _generators(), strict=True):
            if then != now and not (name == "torch" and self._draws):
                self.random[name] = None
                for group in DOMAINS:
                    self.give_up(group, f"the generator of {name} was used")
        self.memory.forget_freed()

    def run(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Perform one operation, and record what is known of what it wrote."""
        operation = operation_of(func)
        before = {id(t): self.memory.read(t) for t in tensors_in((args, tuple(kwargs.values())))}
        result = func(*args, **kwargs)
        self.memory.touched(operation.targets(args, kwargs))
        if all(known is self.memory.plain for known in before.values()) and operation.plain(bool(before)):
            self._write([t for t in tensors_in(result) if not self.memory.holds(t)], repeat(self.memory.plain))
        else:
            for call in operation.calls(args, kwargs, result):
                if operation.each:  # an element may have been written to as an earlier one of the list
                    before = {id(t): self.memory.read(t) for t in tensors_in((call.args, tuple(call.kwargs.values())))}
                self._note(operation, call, before)
        return result

    def reveal(self, title: str, tensors: Sequence[Tensor], before: Mapping[int, Knowledge]) -> None:
        """Values become known to the program: what it does next may depend on them."""
        for i, group in enumerate(DOMAINS):
            moving = [before[id(t)][i] for t in tensors if INERT not in before[id(t)][i].signatures]
            if moving:
                why = f" ({moving[0].lost})" if moving[0].lost else ""
                self.give_up(group, f"the program reads what moves, by {title}{why}")

    def _note(self, operation: Operation, call: Call, before: Mapping[int, Knowledge]) -> None:
        if operation.reveals or isinstance(call.result, bool | int | float | complex):
            # The length of x[mask] shows the mask; that of x[indices] shows nothing.
            shown = [t for t in call.inputs if operation.name != "index" or t.dtype in (torch.bool, torch.uint8)]
            self.reveal(operation.title, shown, before)
        if operation.random:
            self._draws += 1
            self.random[operation.title] = None
        # A result that is no new memory is a view or what was written to: its storage says what is known of it.
        old = {id(t) for t in call.written}
        new = [t for t in tensors_in(call.result) if id(t) not in old and not self.memory.holds(t)]
        targets = [*call.written, *new]
        self._write(targets, self._outcome(operation, call, targets, before))

    def _write(self, tensors: Sequence[Tensor], knowledge: Iterable[Knowledge]) -> None:
        for t, new in zip(tensors, knowledge, strict=False):
            self.memory.write(t, new)
            if t.dtype.is_floating_point and t.dtype.itemsize < self._dtype.itemsize and t.ndim:
                self.narrow[str(t.dtype).removeprefix("torch.")] = None

    def _outcome(
        self, operation: Operation, call: Call, targets: Sequence[Tensor], before: Mapping[int, Knowledge]
    ) -> list[Knowledge]:
        """What is known of each thing that an operation wrote."""
        if operation.spoils:
            return [(Known(lost=operation.spoils),) * len(DOMAINS)] * len(targets)
        plain = self.memory.plain
        if operation.name == "lift_fresh":
            return [self._literal(t) for t in targets]
        columns = [
            [FIXED] * len(targets) if group in self.lost else _ruled(operation, call, targets, before, i, domain)
            for i, (group, domain) in enumerate(self._domains)
        ]
        return [plain if row == plain else row for row in zip(*columns, strict=True)]

    def _literal(self, tensor: Tensor) -> Knowledge:
        """A tensor made of Python's numbers, which do not move."""
        if tensor.ndim and not self.making:  # by an old constructor: torch.Tensor([p[0, 0]]) reads p unseen
            return (Known(lost="a tensor made of a list by an old constructor"),) * len(DOMAINS)
        if not tensor.numel() or bool((tensor != tensor.flatten()[0]).any()):
            return self.memory.plain
        constants = (domain.constant(tensor.flatten()[0].item()) for _, domain in self._domains)
        return tuple(Known(constant.signatures, constant.every) for constant in constants)


class _Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sends every operation to a tracker."""

    def __init__(self, tracker: Tracker) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._tracker = tracker

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        with DisableTorchFunction():  # what is done here is not the program's
            return self._tracker.run(func, args, kwargs or {})


class _Methods(TorchFunctionMode):
    """Tells a tracker of the methods that are no operations but let values or memory out."""

    def __init__(self, tracker: Tracker) -> None:
        super().__init__()
        self._tracker = tracker

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        if name in SHARING:
            for group in DOMAINS:
                self._tracker.give_up(group, f"Tensor.{name} shares memory that may be written to unseen")
        elif name in READING | MAKING:
            values = (*args, *(kwargs or {}).values())
            read = list(tensors_in(values if name in READING else [v for v in values if not isinstance(v, Tensor)]))
            read = read[name == "tensor_split" :]  # this one reads where to split
            self._tracker.reveal(
                f"{'Tensor' if name in READING else 'torch'}.{name}",
                read,
                {id(t): self._tracker.memory.read(t) for t in read},
            )
        before, self._tracker.making = self._tracker.making, name in MAKING
        try:
            return func(*args, **(kwargs or {}))
        finally:
            self._tracker.making = before


def _ruled(
    operation: Operation,
    call: Call,
    targets: Sequence[Tensor],
    before: Mapping[int, Knowledge],
    i: int,
    domain: Domain,
) -> list[Known]:
    """What one group's rules say of what an operation wrote."""

    def seen(value: Any) -> Any:
        if isinstance(value, Tensor):
            return _seen(value, before[id(value)][i])
        return tuple(seen(v) for v in value) if isinstance(value, list | tuple) else value

    results: Any = Seen()
    if operation.name in RULES:
        kwargs = tuple((name, seen(value)) for name, value in call.kwargs.items())
        results = _applied(operation.name, domain, seen(call.args), kwargs)
    results = list(results) if isinstance(results, tuple) else [results]
    if len(results) != len(targets):
        results = [Seen()] * len(targets)
    inputs = [before[id(t)][i] for t in call.inputs]
    fixed = ONLY_INERT if all(INERT in known.signatures for known in inputs) else frozenset()
    reason = next((known.lost for known in inputs if known.lost), f"{operation.title} of what moves")
    return [_known(r, t, domain, fixed, reason) for r, t in zip(results, targets, strict=True)]


def _known(result: Seen, target: Tensor, domain: Domain, fixed: frozenset[Any], reason: str) -> Known:
    signatures = result.signatures | fixed
    if domain.linear and not target.dtype.is_floating_point:  # whole numbers and booleans do not turn or flip
        signatures &= ONLY_INERT
    return Known(signatures, result.every, "" if signatures else reason)


def _seen(tensor: Tensor, known: Known) -> Seen:
    shape = tuple(tensor.shape)
    strides = tensor.stride() if tensor.layout is torch.strided else shape
    expanded = frozenset(axis for axis, stride in enumerate(strides) if stride == 0)
    return Seen(known.signatures, known.every, shape, expanded, tensor.dtype is torch.bool)


_parameters = cache(inspect.signature)


@lru_cache(maxsize=2**14)
def _applied(name: str, domain: Domain, args: tuple[Any, ...], kwargs: tuple[tuple[str, Any], ...]) -> Any:
    """What a rule returns. An overload with arguments that the rule does not have is none of which the rule speaks."""
    rule = RULES[name]
    try:
        bound = _parameters(rule).bind(domain, *args, **dict(kwargs))
        return rule(*bound.args, **bound.kwargs)
    except (TypeError, ValueError, IndexError):
        return Seen()


def _generators() -> list[tuple[str, Any]]:
    numpy_state: Any = np.random.get_state()  # noqa: NPY002 - the program may use it
    numbers = tuple(x.tobytes() if isinstance(x, np.ndarray) else x for x in numpy_state)
    return [("torch", torch.get_rng_state().numpy().tobytes()), ("numpy", numbers), ("Python", random.getstate())]
