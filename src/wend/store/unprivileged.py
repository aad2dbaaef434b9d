"""Run PostgreSQL as somebody: it refuses to run as root, and containers and small servers run everything as root.

Rules of the room:
1. Nobody is asked to make a user, and nothing changes for people who are not root.
2. The server runs as the owner of the data folder. If that is root, it runs as root seen from outside, but in a user
   namespace of its own, where the same user has another number: no file changes hands, folders under /root work.
3. Where the kernel or a container forbids namespaces, the folder is given to an ordinary account.

Run as a script (`python -I -S unprivileged.py program arguments…`) this file enters the namespace, then becomes the
program, under the same process id. It is a program and not a `preexec_fn` because that is unsafe beside threads.
"""

import ctypes
import os
import pwd
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

# Tried in this order; `nobody` is the last because other programs may share it.
ACCOUNTS = ("wend", "postgres", "nobody")

_CLONE_NEWUSER = 0x10000000
# Any number but 0 will do: it is what the program sees as its own.
_INNER_ID = 1000


class CannotRun(Exception):
    """The server cannot run as anybody; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Runner:
    """Who runs the server: `uid`/`gid` own its files; `namespace` says that root does, under another number."""

    uid: int
    gid: int
    namespace: bool = False

    def command(self, *words: str | Path) -> list[str]:
        """The command line that runs `words` as this runner."""
        line = [str(word) for word in words]
        return [sys.executable, "-I", "-S", __file__, *line] if self.namespace else line

    def become(self) -> tuple[int | None, int | None, tuple[()] | None]:
        """`user`, `group` and `extra_groups` for `subprocess`; three times None when the child may stay who we are."""
        return (None, None, None) if self.uid == os.geteuid() else (self.uid, self.gid, ())

    def own(self, folder: Path, *, deep: bool = False) -> None:
        """Give `folder` to this runner, with all that is in it when `deep`; does nothing where it is so already."""
        if folder.lstat().st_uid != self.uid:
            os.chown(folder, self.uid, self.gid, follow_symlinks=False)
        if deep:
            for place in folder.rglob("*"):
                if place.lstat().st_uid != self.uid:
                    os.chown(place, self.uid, self.gid, follow_symlinks=False)


def runner_for(data: Path, program: Path) -> Runner:
    """Who shall run `program` on the existing folder `data`; CannotRun when there is nobody who could."""
    if os.geteuid() != 0:
        return Runner(os.geteuid(), os.getegid())
    owner = data.stat()
    if owner.st_uid != 0:
        runner = Runner(owner.st_uid, owner.st_gid)
        _must_reach(runner, data, program)
        return runner
    if _namespaces_work(program):
        return Runner(0, 0, namespace=True)
    runner = _account()
    _must_reach(runner, data, program)
    return runner


def _namespaces_work(program: Path) -> bool:
    trial = Runner(0, 0, namespace=True).command(program, "--version")
    return subprocess.run(trial, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def _account() -> Runner:
    for name in ACCOUNTS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid != 0:
            return Runner(found.pw_uid, found.pw_gid)
    raise CannotRun(
        "PostgreSQL does not run as root, and this machine has none of the accounts "
        f"{', '.join(ACCOUNTS)}. Make one (useradd --system wend), or start Wend as an ordinary user."
    )


def _must_reach(runner: Runner, data: Path, program: Path) -> None:
    """Check that the runner may walk down to its data and its program; the data folder itself will be its own."""
    for target in (data, program):
        for folder in target.resolve().parents:
            if not _may_enter(runner, folder.stat()):
                name = pwd.getpwuid(runner.uid).pw_name if _known(runner.uid) else str(runner.uid)
                raise CannotRun(
                    f"PostgreSQL does not run as root; as {name} it cannot enter {folder}, which leads to {target}. "
                    f"Allow it (chmod o+x {folder}), or choose a folder elsewhere, such as /var/lib/wend."
                )


def _may_enter(runner: Runner, folder: os.stat_result) -> bool:
    if folder.st_uid == runner.uid:
        return bool(folder.st_mode & stat.S_IXUSR)
    if folder.st_gid == runner.gid:
        return bool(folder.st_mode & stat.S_IXGRP)
    return bool(folder.st_mode & stat.S_IXOTH)


def _known(uid: int) -> bool:
    return any(entry.pw_uid == uid for entry in pwd.getpwall())


def _become(words: list[str]) -> NoReturn:
    """Enter a user namespace in which this user is an ordinary one, then become the program `words`."""
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER) != 0:
        sys.exit(f"no user namespace: {os.strerror(ctypes.get_errno())}")
    here = Path("/proc/self")
    # Order matters: the kernel takes a group map only after setgroups was given up.
    (here / "setgroups").write_text("deny")
    (here / "uid_map").write_text(f"{_INNER_ID} {uid} 1")
    (here / "gid_map").write_text(f"{_INNER_ID} {gid} 1")
    os.execv(words[0], words)


if __name__ == "__main__":
    _become(sys.argv[1:])
