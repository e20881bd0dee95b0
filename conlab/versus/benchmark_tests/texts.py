"""Which tests of a file use a benchmark, and whether the text of one is another than it was."""

import ast
from collections.abc import Iterator

FIXTURES = {"benchmark", "benchmark_weave"}


def functions(text: str) -> dict[str, str]:
    """The functions of a file by ``Class::name``, each as a text that ignores layout and comments.

    A text that is no Python has none.
    """
    try:
        return {name: ast.dump(node) for name, node in _named(ast.parse(text))}
    except (SyntaxError, ValueError):
        return {}


def benchmarks(text: str) -> set[str]:
    """The names of the tests of a file that ask for the benchmark themselves."""
    try:
        found = list(_named(ast.parse(text)))
    except (SyntaxError, ValueError):
        return set()
    return {
        name
        for name, node in found
        if FIXTURES & {each.arg for each in (*node.args.args, *node.args.kwonlyargs)}
        and not any("fixture" in ast.unparse(each) for each in node.decorator_list)
    }


def own_name(test: str) -> str:
    """The name of the function of a test id: without its file and its parameters."""
    return test.partition("::")[2].partition("[")[0]


def _named(
    scope: ast.AST, within: str = ""
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in ast.iter_child_nodes(scope):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield f"{within}{name}", node
            case ast.ClassDef(name=name):
                yield from _named(node, f"{within}{name}::")
            case ast.If() | ast.Try() | ast.With():
                yield from _named(node, within)
