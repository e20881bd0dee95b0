"""A revision of a git repository as a side: its files, copied into a folder of their own.

`git worktree add` would enter the copy into the reader's repository, run its hooks, and stay behind
when this process is killed. Here git reads the revision into an index that lies outside of the
repository, and writes the files from that: nothing of the reader's is touched, and nothing stays.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
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

    def tree(self, commit: str) -> str:
        """The name of the commit's tree: two commits with the same files have the same."""
        return check(git(self.root, "rev-parse", f"{commit}^{{tree}}")).strip()

    def text(self, commit: str, path: str) -> str:
        """What a file holds there; nothing if there is none."""
        found = git(self.root, "show", f"{commit}:{path}")
        return "" if found.returncode else found.stdout

    def differing(self, commit: str, other: str | None, *only: str) -> list[str]:
        """The files below ``only`` that differ between two commits, or from the tree if None."""
        sides = [commit] if other is None else [commit, other]
        asked = ("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", *sides, "--", *only)
        return check(git(self.root, "--no-optional-locks", *asked)).split("\0")[:-1]

    def files(self) -> list[str]:
        """The files of the tree as it is, but for those that are ignored."""
        asked = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        return check(git(self.root, "--no-optional-locks", *asked)).split("\0")[:-1]

    def copy(self, commit: str, folder: Path, only: str = "") -> Path:
        """Write the commit's files, or those below ``only``, into the folder; return the folder.

        What its submodules hold comes along, if their commits are there.
        """
        write_files(self.root, (), commit, folder, only)
        return folder

    def lacking_submodules(self, folder: Path) -> tuple[str, ...]:
        """The submodules of which a copy holds nothing, since they were never checked out."""
        named = git(folder, "config", "-z", "--file", ".gitmodules", "--get-regexp", r"\.path$")
        paths = [line.partition("\n")[2] for line in named.stdout.split("\0")[:-1]]
        return tuple(path for path in paths if is_empty(folder / path))


def is_empty(folder: Path) -> bool:
    """Say whether a folder has nothing in it, or is none."""
    return not folder.is_dir() or next(folder.iterdir(), None) is None


def write_files(
    root: Path, where: tuple[str, ...], commit: str, folder: Path, only: str = ""
) -> None:
    """Write a commit's files into a folder; ``where`` are git's options that name its repository.

    Raises UserError where a submodule is there and lacks the commit that is wanted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    index = {"GIT_INDEX_FILE": str(folder.with_name(f"{folder.name}.index"))}

    def ask(*arguments: str, given: str | None = None) -> str:
        return check(git(root, *where, *arguments, environment=index, given=given))

    ask("read-tree", commit)
    wanted = [only] if only else []
    listed = ask("ls-files", "-z", "--", *wanted)
    checkout = (*without_lfs(), "checkout-index", "-z", "--stdin", f"--prefix={folder}{os.sep}")
    ask(*checkout, given=listed)
    staged = ask("ls-files", "-z", "--stage", "--", *wanted).split("\0")[:-1]
    Path(index["GIT_INDEX_FILE"]).unlink()
    for entry in staged:
        about, _, path = entry.partition("\t")
        mode, wanted_commit, _ = about.split()
        if mode == SUBMODULE and (place := submodule(root, where, folder, path)):
            below, options = place
            if git(below, *options, "cat-file", "-e", f"{wanted_commit}^{{commit}}").returncode:
                raise UserError(
                    f"the submodule {path} should be at {wanted_commit[:12]}, and that commit is"
                    f" not there: git submodule update --init {path}, or git -C {path} fetch"
                )
            write_files(below, options, wanted_commit, folder / path)


def without_lfs() -> tuple[str, ...]:
    """Where Git LFS is configured and not installed, let git write its pointers, and not fail."""
    if shutil.which("git-lfs"):
        return ()
    return ("-c", "filter.lfs.smudge=", "-c", "filter.lfs.process=", "-c", "filter.lfs.required=0")


SUBMODULE = "160000"  # the mode of its entry


def submodule(
    root: Path, where: tuple[str, ...], folder: Path, path: str
) -> tuple[Path, tuple[str, ...]] | None:
    """The repository of a submodule: in the tree, or kept by git since it was; None if neither."""
    if not where and (root / path / ".git").exists():
        return root / path, ()
    asked = ("config", "-z", "--file", str(folder / ".gitmodules"), "--get-regexp", r"\.path$")
    for line in git(root, *asked).stdout.split("\0")[:-1]:
        name, _, named_path = line.partition("\n")
        if named_path == path:
            name = name.removeprefix("submodule.").removesuffix(".path")
            common = git(root, *where, "rev-parse", "--git-common-dir").stdout.rstrip("\n")
            kept = (root / common / "modules" / name).resolve()
            if kept.is_dir():
                return kept, (f"--git-dir={kept}", f"--work-tree={folder}")
    return None


def pointers_in(folder: Path) -> Iterator[str]:
    """The files below the folder that are what Git LFS leaves in place of a large file."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size < LONGEST_POINTER:
            with path.open("rb") as file:
                if file.read(len(POINTER)) == POINTER:
                    yield path.relative_to(folder).as_posix()


POINTER = b"version https://git-lfs.github.com/spec/"
LONGEST_POINTER = 1024  # bytes, as its specification says


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
        at = next((n for n, line in enumerate(said) if line.startswith("fatal: ")), len(said) - 1)
        why = said[at].removeprefix("fatal: ")
        advice = [line.strip() for line in said[at + 1 :] if line.strip().startswith("git ")]
        raise UserError(
            f"git {command_of(ended.args)} failed and said: {why}"
            + (f"; its advice: {'; '.join(advice)}" if advice else "")
        )
    return ended.stdout


def command_of(words: Sequence[str]) -> str:
    """Which of git's commands a command line asks for."""
    rest = iter(words[1:])
    for word in rest:
        if word == "-c":
            next(rest)
        elif not word.startswith("-"):
            return word
    return "itself"
