"""Real processes on this machine that are ranks of one gloo group, on the loopback interface.

Whatever happens to ranks, nothing here waits without a limit, and when the `with` block ends all of them are dead.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Any

from theory.validate import integer, real

__all__ = ["Answer", "ProcessError", "Ranks"]

STARTING = 120.0
"""Seconds to import torch, or to fork ranks and connect them."""
MOST = 64
Task = tuple[Callable[..., Any], tuple[Any, ...]]


class ProcessError(RuntimeError):
    """Ranks could not be started, or did not do what was wanted of them."""


@dataclass(frozen=True)
class Answer:
    """What a rank said.

    Attributes:
        kind: ``value``, ``raised``, ``ended`` (the process is gone) or ``silent`` (no answer within the time).
        value: what its function returned, or its traceback.
    """

    kind: str
    value: Any = None


class Ranks:
    """A group of processes; use it in a `with` block.

    Example:
        >>> import torch.distributed as dist
        >>> with Ranks(2) as ranks:
        ...     ranks.call([(dist.get_rank, ())] * 2, within=60)
        [Answer(kind='value', value=0), Answer(kind='value', value=1)]
    """

    def __init__(self, count: int) -> None:
        """Describe the group.

        Raises:
            ValueError: count outside [1, 64].
        """
        self.count = integer("count", count, 1, MOST)
        self._connections: list[Connection] = []
        self._pids: list[int] = []
        self._lost = False
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._launcher: _Launcher | None = None

    @property
    def pids(self) -> tuple[int, ...]:
        """The numbers of the processes; empty before and after the `with` block."""
        return tuple(self._pids)

    def __enter__(self) -> Ranks:
        """Start them.

        Raises:
            ProcessError: they did not start within two minutes.
        """
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def _start(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="allreduce-")
        self._launcher = _launcher()
        with contextlib.ExitStack() as theirs:
            pairs = [socket.socketpair() for _ in range(self.count)]
            for here, there in pairs:
                theirs.enter_context(there)
                self._connections.append(_limited(here))
            store = str(Path(self._folder.name) / "store")
            self._pids = self._launcher.ask(("start", store, STARTING), [there.fileno() for _, there in pairs])
        answers = self._collect(STARTING, range(self.count))
        if any(answer.kind != "value" for answer in answers):
            raise ProcessError(f"ranks: got {[answer.kind for answer in answers]}, want all of them to be ready")

    def call(self, tasks: Sequence[Task], within: float, awaited: Collection[int] | None = None) -> list[Answer]:
        """Let each rank do something, and wait for all answers together.

        Args:
            tasks: for each rank a function of an importable module and its arguments.
            within: seconds to wait, at most a day.
            awaited: the ranks to wait for; all if None. Others may be found silent.

        Raises:
            ValueError: as many tasks as ranks are wanted, and a positive time.
            ProcessError: a rank did not answer an earlier call.
        """
        if self._lost:
            raise ProcessError("ranks: some did not answer an earlier call, want a new group")
        if len(tasks) != self.count:
            raise ValueError(f"tasks: got {len(tasks)}, want {self.count}, one for each rank")
        seconds = real("within", within, 0.001, 86400)
        self._lost = True  # until all have answered: a task that cannot be sent, or a break, leaves some without
        for connection, task in zip(self._connections, tasks, strict=True):
            with contextlib.suppress(OSError):  # a rank that is gone is found out below
                connection.send(task)
        return self._collect(seconds, range(self.count) if awaited is None else awaited)

    def values(self, tasks: Sequence[Task], within: float) -> list[Any]:
        """What the functions return, where no rank is expected to fail.

        Raises:
            ProcessError: a rank did; the message holds its traceback.
        """
        answers = self.call(tasks, within)
        for rank, answer in enumerate(answers):
            if answer.kind != "value":
                raise ProcessError(f"rank {rank}: got {answer.kind}, want a value within {within:g} s\n{answer.value}")
        return [answer.value for answer in answers]

    def _collect(self, seconds: float, awaited: Collection[int]) -> list[Answer]:
        found: dict[Connection, Answer] = {}
        until = time.monotonic() + seconds
        while not all(self._connections[rank] in found for rank in awaited):
            ready = wait([c for c in self._connections if c not in found], max(0.0, until - time.monotonic()))
            if not ready:
                break
            found |= {c: _received(c) for c in ready if isinstance(c, Connection)}
        answers = [found.get(connection, Answer("silent")) for connection in self._connections]
        self._lost = any(answer.kind in ("ended", "silent") for answer in answers)
        return answers

    def close(self) -> None:
        """Kill all ranks, stopped ones too."""
        for connection in self._connections:
            connection.close()
        if self._launcher and self._pids:
            with contextlib.suppress(ProcessError):  # a launcher that is gone has taken its ranks along
                self._launcher.ask(("end", set(self._pids)), [])
        if self._folder:
            self._folder.cleanup()
        self._connections, self._pids, self._folder = [], [], None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _limited(end: socket.socket) -> Connection:
    """A connection that does not wait for ever where the other end stops in the middle of a message."""
    for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
        end.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", int(STARTING), 0))
    return Connection(end.detach())


def _received(connection: Connection) -> Answer:
    try:
        good, value = connection.recv()
    except (EOFError, OSError):
        return Answer("ended")
    return Answer("value" if good else "raised", value)


class _Launcher:
    """The process that forks ranks; see `sims.allreduce_launcher`."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(STARTING)
        self._lock = threading.Lock()
        command = [sys.executable, "-m", "sims.allreduce_launcher", str(theirs.fileno())]
        root = str(Path(__file__).resolve().parents[1])
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        env = {**os.environ, **threads, "PYTHONPATH": path, "GLOO_SOCKET_IFNAME": _loopback()}
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603
                command, env=env, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: tuple[Any, ...], files: Sequence[int]) -> Any:
        """Its answer to one request.

        Raises:
            ProcessError: it is gone, or did not answer in two minutes; then it is ended, with all ranks it forked, so
                that a late answer is not taken for that to another request.
        """
        with self._lock:
            try:
                socket.send_fds(self._socket, [pickle.dumps(request)], list(files))
                answer = self._socket.recv(1 << 16)
            except OSError as error:
                self._process.kill()
                self._process.wait()
                raise ProcessError(f"launcher: got {error}, want an answer within {STARTING:g} s") from error
        if not answer:
            raise ProcessError("launcher: it ended, want a process that can import torch and sims")
        return pickle.loads(answer)  # noqa: S301  (from the process started above)

    def close(self) -> None:
        self._socket.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


_LAUNCHERS: dict[int, _Launcher] = {}
"""One for each process that asked, by its number, so that a fork does not use its parent's."""


def _launcher() -> _Launcher:
    known = _LAUNCHERS.get(os.getpid())
    if known is None or not known.alive:
        if known:
            known.close()
        known = _LAUNCHERS[os.getpid()] = _Launcher()
        atexit.register(known.close)
    return known


def _loopback() -> str:
    names = [name for _, name in socket.if_nameindex() if name in ("lo", "lo0")]
    if not names:
        raise ProcessError("network: got no interface lo or lo0, want one")
    return names[0]
