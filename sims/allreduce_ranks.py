"""Multi-colour allreduce inside a rank: the schedule of `theory.allreduce` over torch.distributed's sends and receives.

The whole call has one deadline: every wait gets what is left of it, so that a call returns or raises within the stated
time whatever the other ranks do, but for what the operating system takes to wake it up. It works on a copy and takes it
over only when all ranks have said that they hold the sum (a second, tiny allreduce). So:

- a rank's buffer holds either what it held or the whole sum, never a part of it;
- if any rank took the sum over, every rank had it in its copy, and one that raised still has it, in `Allreduce.held`;
- a rank that raises does not know whether others took the sum over. Nobody can rule that out where messages may be lost
  (the two generals), but it shows: each counts what it applied, `Allreduce.applied`, and no two counts of ranks that
  make the same calls differ by more than one, since the next call needs every rank.

That is claim allreduce-faults. After an error the group of processes is of no use: start a new one, let it agree on the
greatest count, and take over what is held where a rank is one behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from theory.allreduce_schedule import Schedule, schedule, tree
from theory.validate import real

__all__ = ["Allreduce", "AllreduceError", "accumulate", "program", "spaces"]


class AllreduceError(RuntimeError):
    """A rank gave up waiting, or lost a connection; the buffer that it called `Allreduce` with is as it was.

    Attributes:
        rank: who gave up.
        peer: whom it waited for, who need not be the one that failed: that one may have waited in turn.
        doing: what it waited for, with the colour and the elements.
        seconds: how long the call had taken.
        cause: what the transport said.
    """

    def __init__(self, rank: int, peer: int, doing: str, seconds: float, cause: str) -> None:
        super().__init__(rank, peer, doing, seconds, cause)
        self.rank, self.peer, self.doing, self.seconds, self.cause = rank, peer, doing, seconds, cause

    def __str__(self) -> str:
        return (
            f"allreduce on rank {self.rank}: gave up {self.doing} rank {self.peer} after {self.seconds:.2f} s "
            f"({self.cause})"
        )


@dataclass(frozen=True)
class Move:
    """One send or receive of this rank."""

    peer: int
    comes: bool
    adds: bool
    start: int
    stop: int
    tag: int
    what: str

    @property
    def doing(self) -> str:
        """What it is, for messages."""
        verb, end = ("receiving", "from") if self.comes else ("sending", "to")
        return f"{verb} {self.what} ({'up' if self.adds else 'down'} the tree) {end}"


def program(plan: Schedule, rank: int, first_tag: int = 0, noun: str = "elements") -> list[Move]:
    """What one rank does, in the schedule's order; pieces without elements are left out.

    Args:
        plan: the same on all ranks.
        rank: whose moves.
        first_tag: messages get tags from here on, so that those of another schedule are not taken for them.
        noun: what elements are called in messages.

    Example:
        >>> from theory.allreduce_schedule import multicolour
        >>> [move.doing for move in program(multicolour(2, 1, elements=3), 1)]
        ['sending elements 0 to 2 of colour 0 (up the tree) to',
         'receiving elements 0 to 2 of colour 0 (down the tree) from']
    """
    moves = []
    for source, target, piece, adds in plan.sends:
        colour, start, stop = plan.pieces[piece]
        if rank in (source, target) and start < stop:
            comes = rank == target
            tag, what = first_tag + 2 * piece + adds, f"{noun} {start} to {stop - 1} of colour {colour}"
            moves.append(Move(source if comes else target, comes, adds, start, stop, tag, what))
    return moves


class Allreduce:
    """A prepared allreduce on this rank; all ranks must call it in the same order.

    Attributes:
        applied: how many calls have replaced their buffer.
        held: the whole sum of a call that failed after it was complete on this rank; else None.
    """

    def __init__(self, plan: Schedule, timeout: float) -> None:
        """Prepare for buffers as long as the schedule's.

        Args:
            plan: the same on every rank of the default group.
            timeout: seconds within which a call returns or raises; at least a millisecond, at most a day.

        Raises:
            ValueError: a plan for another number of ranks, or a timeout out of range.
        """
        rank, ranks = dist.get_rank(), dist.get_world_size()
        if plan.ranks != ranks:
            raise ValueError(f"plan: got {plan.ranks} ranks, want {ranks}")
        self.timeout, self.applied = real("timeout", timeout, 0.001, 86400), 0
        self.held: Tensor | None = None
        self._failure: BaseException | None = None
        self._room: list[Tensor] | None = None
        self._elements = max(piece.stop for piece in plan.pieces)
        self._moves = program(plan, rank)
        self._votes = program(schedule([tree(ranks, 2)], 1), rank, 2 * len(plan.pieces), "votes")

    def __call__(self, buffer: Tensor) -> None:
        """Replace the buffer by the sum over all ranks.

        Args:
            buffer: contiguous, shape (elements,), of one dtype on all ranks.

        Raises:
            ValueError: a buffer of another shape.
            AllreduceError: another rank failed, stalled or was late; the buffer is as it was.
            RuntimeError: an earlier call had failed.
        """
        if buffer.shape != (self._elements,) or not buffer.is_contiguous():
            raise ValueError(f"buffer: got shape {tuple(buffer.shape)}, want ({self._elements},), contiguous")
        if self._failure is not None:
            raise RuntimeError("allreduce: an earlier call failed, want a new group of processes") from self._failure
        begin = time.monotonic()
        work, *landing = self._spaces(buffer)
        try:
            accumulate(work.copy_(buffer), landing, self._moves, begin, self.timeout)
            self.held = work
            vote = torch.ones(1, dtype=torch.int64)
            accumulate(vote, spaces(vote, self._votes), self._votes, begin, self.timeout)
        except BaseException as error:
            self._failure = error
            raise
        buffer.copy_(work)
        self.held = None
        self.applied += 1

    def _spaces(self, buffer: Tensor) -> list[Tensor]:
        """Room for the copy and for what comes, kept from call to call: new pages take long where buffers are large."""
        if self._room is None or self._room[0].dtype != buffer.dtype:
            self._room = [torch.empty_like(buffer), *spaces(buffer, self._moves)]
        return self._room


def spaces(buffer: Tensor, moves: list[Move]) -> list[Tensor]:
    """For each move that adds what comes, room to receive it in."""
    return [buffer.new_empty(move.stop - move.start) for move in moves if move.comes and move.adds]


def accumulate(work: Tensor, landing: list[Tensor], moves: list[Move], begin: float, timeout: float) -> None:
    """Do a rank's moves on the tensor itself, which is left half-done if one of them fails.

    Receives are posted first, so that nobody waits for a rank that is busy elsewhere. What comes down may go straight
    into the tensor: it can only come after what this rank sent of the same elements has been added up at the root.

    Args:
        work: shape (elements,), contiguous.
        landing: see `spaces`.
        moves: see `program`.
        begin: when the call began, on the monotonic clock.
        timeout: seconds from then on, for all moves together.

    Raises:
        AllreduceError: a move failed, or time ran out.
    """
    places = [work[move.start : move.stop] for move in moves]
    room = iter(landing)
    comes = [next(room) if move.comes and move.adds else at for move, at in zip(moves, places, strict=True)]
    handles: list[Any] = [None] * len(moves)
    for i, move in enumerate(moves):
        if move.comes:
            handles[i] = _guarded(move, begin, partial(dist.irecv, comes[i], move.peer, tag=move.tag))
    for i, move in enumerate(moves):
        if not move.comes:
            handles[i] = _guarded(move, begin, partial(dist.isend, places[i], move.peer, tag=move.tag))
            continue
        _wait(handles[i], move, begin, timeout)
        if move.adds:
            places[i] += comes[i]
    for handle, move in zip(handles, moves, strict=True):
        if not move.comes:
            _wait(handle, move, begin, timeout)


def _wait(handle: Any, move: Move, begin: float, timeout: float) -> None:
    left = begin + timeout - time.monotonic()
    if left <= 0:
        raise _error(move, begin, "time is up")
    _guarded(move, begin, partial(handle.wait, timedelta(seconds=max(0.001, left))))  # 0 ms would mean no timeout


def _guarded(move: Move, begin: float, act: Callable[[], Any]) -> Any:
    try:
        return act()
    except RuntimeError as error:  # what gloo raises: a closed connection, or time is up
        text = str(error).splitlines()[0].partition(". This is")[0]
        raise _error(move, begin, text.partition(".cc:")[2].partition("] ")[2] or text) from error


def _error(move: Move, begin: float, cause: str) -> AllreduceError:
    return AllreduceError(dist.get_rank(), move.peer, move.doing, time.monotonic() - begin, cause)
