"""The reader of documents sees what a document gets wrong."""

from pathlib import Path

import pytest

from tests.docs.console import Command, File, do, read, shows

DOCUMENT = """
Some text.

```python
# shop/stock.py
n = 1
```

```console
$ python3 -c "import shop.stock as s; print(s.n)"
1
$ python3 -c "print('a'); print('7 executions, 1,234 a second'); print('b')"
...
7 executions, 99 a second
b
```
"""


def test_a_document_is_files_and_commands(tmp_path: Path) -> None:
    steps = list(read(DOCUMENT))
    assert [type(each) for each in steps] == [File, Command, Command]
    for step in steps:
        printed = do(step, tmp_path)
        assert isinstance(step, File) or shows(step, printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("1\n", "2\n"),
        ("1\n", "1\n2\n"),
        ("1\n...\n3\n", "1\n2\n"),
        ("", "1\n"),
        ("8 runs", "7"),
    ],
)
def test_what_is_not_printed_is_seen(shown: str, printed: str) -> None:
    assert not shows(Command("", shown), printed)
