"""Programs that end with the test: each in a process group of its own, which is ended as a whole."""

import contextlib
import ctypes
import errno
import os
import pathlib
import pty
import signal
import subprocess
import sys
import time

# What ends the test.
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

# Seconds that a group has to end by itself.
GRACE = 10

_started = []

# Linux: whose parent has ended becomes a child of this program, which asks for its status at the end. Else it might stay as a zombie.
SET_CHILD_SUBREAPER = 36
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Failed(Exception):
    """A program ended with another status than 0."""


def start(command, **options):
    """Starts a program in a group of its own."""
    # In one piece: a signal between the start and the list would leave the group behind.
    masked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        # The child is not to inherit the mask.
        process = subprocess.Popen(
            command, start_new_session=True, preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, masked), **options
        )
        _started.append(process)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, masked)
    return process


def run(command, env, **options):
    """Runs a program without a terminal and returns what it wrote to stdout. Its stderr is shown, unless the options say otherwise."""
    process = start(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, **options)
    written, _ = process.communicate()
    if process.returncode:
        print(written)
        raise Failed(f"{' '.join(map(str, command))} ended with {process.returncode}")
    return written


def run_at_terminal(command, env, answer):
    """Runs a program at a terminal of its own and returns all that it wrote. answer(line) is what to type after this unfinished line, or None."""
    ours, its = pty.openpty()
    process = start(command, env=env, stdin=its, stdout=its, stderr=its)
    os.close(its)
    written = ""
    try:
        while chunk := _read(ours):
            written += chunk
            typed = answer(written.rpartition("\n")[2])
            if typed is not None:
                os.write(ours, typed.encode() + b"\n")
    finally:
        os.close(ours)
    if process.wait():
        print(written)
        raise Failed(f"{' '.join(map(str, command))} ended with {process.returncode}")
    return written.replace("\r\n", "\n")


def _read(terminal):
    """What the program writes next; "" at its end."""
    try:
        return os.read(terminal, 65536).decode(errors="replace")
    except OSError as e:
        # Linux says this when nobody has the other side open any more.
        if e.errno != errno.EIO:
            raise
        return ""


def stop_all():
    """Ends every group that is still there, the newest first. Returns the groups that did not go, which there must be none of."""
    for process in reversed(_started):
        # First the program alone, so that it can end those that it has started and ask for their status.
        for signalled, how in ((os.kill, signal.SIGTERM), (os.killpg, signal.SIGTERM), (os.killpg, signal.SIGKILL)):
            if not alive(process.pid):
                break
            _signal(signalled, process.pid, how)
            until = time.monotonic() + GRACE
            while alive(process.pid) and time.monotonic() < until:
                process.poll()
                time.sleep(0.05)
        process.poll()
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return [process.args for process in _started if alive(process.pid)]


def _signal(signalled, number, how):
    try:
        signalled(number, how)
    except ProcessLookupError:
        pass


def alive(group):
    """Whether a process of the group runs. Those that have ended and that nobody has asked for yet don't."""
    proc = pathlib.Path("/proc")
    if not (proc / "self/stat").exists():
        try:
            os.killpg(group, 0)
        except OSError:
            return False
        return True
    for stat in proc.glob("[0-9]*/stat"):
        try:
            # The name in parentheses may have anything in it; after it come the state, the parent and the group.
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state != "Z":
            return True
    return False
