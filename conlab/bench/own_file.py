"""A reader's own file: imported as what it is, refused in a sentence where it is no workload."""

import ast
import difflib
import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from conlab.bench import own_lines
from conlab.bench.layout import import_folders, project_root
from conlab.bench.words import join
from conlab.errors import UserError
from conlab.explorer.programs.project import INSTALLED, folder_of_package, relative_levels

NEEDED = "a workload has jobs() and work(job)"


def imported(path: Path) -> ModuleType:
    """The module of the file, by the name by which worker processes find it.

    A file inside a package is imported as part of it. Raises UserError where it cannot be.
    """
    if not path.is_file() or path.suffix != ".py":
        near = difflib.get_close_matches(path.name, names_beside(path), n=1)
        asked = f"; did you mean {near[0]}?" if near else ""
        raise UserError(f"{path}: it should be a Python file, and there is none there{asked}")
    path = path.absolute()
    root = folder_of_package(path)
    name = ".".join(path.relative_to(root).with_suffix("").parts)
    refuse_name(path, name)
    if root == path.parent and relative_levels_of(path):
        raise UserError(
            f"{path}: it imports by a dot from the package around it, and its folder is no package:"
            " put an __init__.py there, or write the import without the dot"
        )
    if sys.path[:1] != [str(root)]:  # whence worker processes inherit it
        sys.path.insert(0, str(root))
    if str(path.parent) not in sys.path:  # last: a package may have a queue.py of its own
        sys.path.append(str(path.parent))
    if project := project_root(path):  # last as well: what is installed by those names goes first
        sys.path += [str(each) for each in import_folders(project) if str(each) not in sys.path]
    try:
        return importlib.import_module(name)
    except SyntaxError as error:
        beside = f" ({Path(error.filename).name}:{error.lineno})" if error.filename else ""
        raise UserError(f"{path}: importing it raised SyntaxError: {error.msg}{beside}") from error
    except (Exception, SystemExit) as error:
        found = own_lines.where(error, str(path)).partition(",")[0]
        advice = ""
        if isinstance(error, SystemExit):
            advice = "; what is to run as a script belongs under if __name__ == '__main__'"
        raise UserError(
            f"{path}: importing it raised {own_lines.said(error)}"
            + (f" ({found})" if found else "")
            + advice
        ) from error


def names_beside(path: Path) -> list[str]:
    """The Python files in the folder where that one is not."""
    try:
        return sorted(other.name for other in path.absolute().parent.glob("*.py"))
    except OSError:
        return []


def relative_levels_of(path: Path) -> int:
    """How many folders up its relative imports reach; 0 of a file that is no Python."""
    try:
        return relative_levels(str(path))
    except (SyntaxError, ValueError, OSError):  # which importing it says better
        return 0


def refuse_name(path: Path, name: str) -> None:
    """Raise UserError for a name that is not the file's alone."""
    top, _, rest = name.partition(".")
    known = sys.modules.get(name)
    if getattr(known, "__file__", None) == str(path):
        known = None  # this very file, named twice
    if rest and not known:
        package = sys.modules.get(top)
        folder = path.parents[rest.count(".")]
        known = package if package and str(folder) not in getattr(package, "__path__", ()) else None
    right = all(part.isidentifier() for part in name.split("."))
    if not right or top in sys.stdlib_module_names or known or is_installed(top, path):
        raise UserError(
            f"{path}: worker processes import it by its name, and {name!r} is"
            " no name for it or another module's; rename the file, my_job.py for instance"
        )


def is_installed(name: str, path: Path) -> bool:
    """Say whether a library of that name is there, which the reader's file would hide."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    origin = Path(spec.origin) if spec and spec.origin else path
    return origin != path and not INSTALLED.isdisjoint(origin.parts)


def refuse_shape(path: Path, module: ModuleType) -> None:
    """Raise UserError where the file's functions are not what the models call."""
    jobs, works = getattr(module, "jobs", None), working(module)
    if jobs is not None and not callable(jobs):
        raise UserError(
            f"{path}: jobs is {described(jobs)}, which only one run could use up; it should be a"
            " function that gives the jobs anew at each call: def jobs(): return [...]"
        )
    for function, found in (("jobs", jobs), ("work", works)):
        if not found:
            raise UserError(f"{path}: it has no {function}(); {NEEDED}{hint(path, function)}")
    if inspect.iscoroutinefunction(jobs) or inspect.isasyncgenfunction(jobs):
        raise UserError(
            f"{path}: jobs() is written with async, and most models have no event loop to call it"
            " on; write def jobs(), without async"
        )
    if inspect.iscoroutinefunction(getattr(module, "work", None)):
        raise UserError(
            f"{path}: work() is a coroutine function; call it work_async(),"
            " and let work() do the same with blocking calls"
        )
    for name in works:
        refuse_function(path, module, name)


def working(module: ModuleType) -> list[str]:
    """Which of the functions that do a job the file has."""
    return [name for name in ("work", "work_async") if callable(getattr(module, name, None))]


def hint(path: Path, name: str) -> str:
    """Where the function may be that the file seems to lack."""
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except (OSError, ValueError, SyntaxError):
        return ""
    for node in tree.body:
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
            inside = {one.name for one in ast.walk(node) if isinstance(one, ast.FunctionDef)}
            if name in inside:
                return f"; {name}() under `if {ast.unparse(node.test)}` is there in a script alone"
    functions = [one.name for one in tree.body if isinstance(one, ast.FunctionDef)]
    near = [one for one in difflib.get_close_matches(name, functions) if one[:1] != "_"]
    near = [one for one in near if one not in ("jobs", "work", "client")]
    return f"; is {near[0]}() meant to be it?" if near else ""


def refuse_function(path: Path, module: ModuleType, name: str) -> None:
    """Raise UserError where work() or work_async() cannot be called as the models call it."""
    function: Any = getattr(module, name)
    awaited = name == "work_async"
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise UserError(
            f"{path}: {name}() has a yield, so a call of it does nothing yet; let it return all"
            " that it yields, as a list"
        )
    if awaited and not inspect.iscoroutinefunction(function):
        raise UserError(
            f"{path}: work_async() is no coroutine function; write async def work_async"
        )
    client = "client_async" if awaited else "client"
    gives = getattr(module, client, None)
    refuse_client(path, client, gives)
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # in C, and it does not tell
    parameters = list(signature.parameters.values())
    called = f"{name}({', '.join(map(str, (one.name for one in parameters)))})"
    try:
        signature.bind("job", *(["client"] if gives else []))
    except TypeError:
        pass
    else:
        return
    alone = [one for one in parameters if one.kind is one.KEYWORD_ONLY]
    places = [
        one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    if required := [one.name for one in alone if one.default is one.empty]:
        raise UserError(
            f"{path}: {name}() wants {join(required)} by keyword, and gets a job and nothing else;"
            f" write {name}(job), and let each job carry what it needs"
        )
    if not places:
        raise UserError(f"{path}: {called} takes no job; write {name}(job)")
    if gives:
        right = f"{name}({places[0].name}, client)"
        raise UserError(
            f"{path}: {called} is given a job and what {client}() gives; write {right}, or leave"
            f" {client}() out"
        )
    raise UserError(
        f"{path}: {called} takes {len(places)} arguments, and each job is one: if"
        f" {places[-1].name} is what all jobs share, write {client}(), a context manager that gives"
        " it; if not, let each job be a tuple, and take it apart in there"
    )


def refuse_client(path: Path, name: str, client: Any) -> None:
    """Raise UserError where the client can be seen to be no context manager."""
    manager = "asynccontextmanager" if name == "client_async" else "contextmanager"
    if client is not None and not callable(client):
        raise UserError(
            f"{path}: {name} is {described(client)}; it should be a function, a context manager"
            f" that gives the client: @{manager}"
        )
    if inspect.isgeneratorfunction(client) or inspect.isasyncgenfunction(client):
        raise UserError(f"{path}: {name}() lacks its decorator: put @{manager} above it")


def described(value: Any) -> str:
    """The value's type with its article: ``a list``."""
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
