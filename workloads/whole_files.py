"""Writes a file so that it is there whole or not at all."""

from pathlib import Path


def write_whole(target: Path, content: bytes) -> None:
    """Write it under a temporary name, and rename it: only a killed process leaves a ``.part``."""
    temporary = target.with_name(f"{target.name}.part")
    try:
        temporary.write_bytes(content)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
