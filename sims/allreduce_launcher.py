"""Forks ranks on demand, so that torch is imported once, not by every rank: ``python -m sims.allreduce_launcher FD``.

It has one thread when it forks. It ends, with all ranks it forked, when the process that started it ends or closes the
socket FD. A rank ends with its connection, and on Linux the kernel kills it with the launcher, even when it is stopped.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection

import torch.distributed as dist

import sims.allreduce_programs  # noqa: F401  (so that no rank has to import it)

__all__ = ["main"]

LONGEST = 1 << 16
"""Bytes of a request."""
PR_SET_PDEATHSIG = 1


def main(control: socket.socket) -> None:
    """Serve requests until the socket is closed: ("start", store, seconds) with a file for each rank, ("end", pids)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one decides when it ends
    children: set[int] = set()
    try:
        while True:
            request, files, _, _ = socket.recv_fds(control, LONGEST, LONGEST // 64)
            if not request:
                return
            word, *details = pickle.loads(request)  # noqa: S301  (from the process that started this one)
            if word == "start":
                pids = [_fork(control, files, rank, *details) for rank in range(len(files))]
                children |= set(pids)
                for file in files:
                    os.close(file)
                control.sendall(pickle.dumps(pids))
            else:
                _end(details[0])
                children -= set(details[0])
                control.sendall(pickle.dumps("ended"))
    finally:
        _end(children)


def _end(pids: set[int]) -> None:
    """Kill children and collect them; until then their numbers cannot be given to others."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for pid in pids:
        os.waitpid(pid, 0)


def _fork(control: socket.socket, files: list[int], rank: int, store: str, seconds: float) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        control.close()
        for other, file in enumerate(files):
            if other != rank:
                os.close(file)
        if os.getppid() == parent:
            _serve(Connection(files[rank]), rank, len(files), store, seconds)
    except BaseException:  # the fork must not go on as a launcher
        traceback.print_exc()
    finally:
        os._exit(0)  # without the destructors of torch, which may wait for peers


def _serve(connection: Connection, rank: int, ranks: int, store: str, seconds: float) -> None:
    files = dist.FileStore(store, ranks)  # type: ignore[attr-defined]  # needs no host name and no port
    files.set_timeout(timedelta(seconds=seconds))
    dist.init_process_group("gloo", store=files, rank=rank, world_size=ranks, timeout=timedelta(seconds=seconds))
    connection.send((True, "ready"))
    while True:
        try:
            function, arguments = connection.recv()
        except EOFError:
            return
        connection.send(_answer(function, arguments))


def _answer(function: Callable[..., object], arguments: tuple[object, ...]) -> tuple[bool, object]:
    try:
        return True, function(*arguments)
    except Exception:  # told to whoever asked
        return False, traceback.format_exc()


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
