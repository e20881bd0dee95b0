"""A revision of a git repository as a side: its files, copied into a folder of their own.

`git worktree add` would enter the copy into the reader's repository, run its hooks, and stay behind
when this process is killed. Here git reads the revision into an index that lies outside of the
repository, and writes the files from that: nothing of the reader's is touched, and nothing stays.
"""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from conlab.errors import UserError

LIMIT = 120.0  # seconds that git may take: filters of the reader's, such as LFS, may download


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository; ``root`` is the top of the reader's tree."""

    root: Path

    def commit(self, revision: str) -> str:
        """The full name of the commit; raises UserError if there is none of that name."""
        asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        found = git(self.root, *asked)
        if found.returncode:
            raise UserError(
                f"{revision!r} is no revision that git knows in {self.root}, nor a Python on the"
                " PATH or a path to one, nor a requirement such as 'httpx==0.27.*'"
                + (" (the clone is a shallow one: git fetch --unshallow)" if self.shallow() else "")
            )
        return found.stdout.strip()

    def shallow(self) -> bool:
        """Say whether its history is cut off."""
        return git(self.root, "rev-parse", "--is-shallow-repository").stdout.strip() == "true"

    def changed(self) -> bool:
        """Say whether the tree has changes that are in no commit."""
        status = git(self.root, "--no-optional-locks", "status", "--porcelain")
        return bool(status.stdout.strip())

    def short(self, commit: str) -> str:
        """The commit's name in a few letters."""
        return git(self.root, "rev-parse", "--short", commit).stdout.strip()

    def copy(self, commit: str, folder: Path, only: str = "") -> Path:
        """Write the commit's files, or those below ``only``, into the folder; return the folder."""
        folder.mkdir(parents=True)
        index = {"GIT_INDEX_FILE": str(folder.with_name(f"{folder.name}.index"))}
        check(git(self.root, "read-tree", commit, environment=index))
        listed = check(
            git(self.root, "ls-files", "-z", "--", *([only] if only else []), environment=index)
        )
        write = ("checkout-index", "-z", "--stdin", f"--prefix={folder}{os.sep}")
        check(git(self.root, *write, environment=index, given=listed))
        return folder


def repository_of(folder: Path) -> Repository | None:
    """The repository in whose tree the folder lies, if git is there and knows one."""
    try:
        found = git(folder, "rev-parse", "--show-toplevel")
    except FileNotFoundError:
        raise UserError("git is not installed, and a revision is git's to find") from None
    if found.returncode and "not a git repository" not in found.stderr:
        check(found)  # there is one, and git does not trust it, or cannot read it
    return None if found.returncode else Repository(Path(found.stdout.rstrip("\n")).resolve())


def git(
    folder: Path,
    *arguments: str,
    environment: dict[str, str] | None = None,
    given: str | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run git in a folder. What a hook that runs us set for its own git is not ours."""
    kept = {name: value for name, value in os.environ.items() if name not in OF_HOOKS}
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=kept | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"} | (environment or {}),
            input=given or "",
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"git {arguments[0]} took more than {LIMIT:g} s in {folder}") from None


OF_HOOKS = ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_PREFIX")


def check(ended: "subprocess.CompletedProcess[str]") -> str:
    """What git wrote; raises UserError with its reason if it failed."""
    if ended.returncode:
        said: Sequence[str] = ended.stderr.strip().splitlines() or ["nothing"]
        why = next((line for line in said if line.startswith("fatal: ")), said[-1])  # then advice
        raise UserError(f"git {ended.args[1]} failed and said: {why.removeprefix('fatal: ')}")
    return ended.stdout
