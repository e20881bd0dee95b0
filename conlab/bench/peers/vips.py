"""vipsthumbnail, which makes thumbnails with libvips: what resize_images is compared with."""

import math
import shlex
from collections.abc import Sequence
from pathlib import Path

from conlab.bench.peers import Peer, Round, programs, timed


def candidates(
    photos: Sequence[Path], folder: Path, box: int, quality: int, cores: int
) -> list[Peer]:
    """vipsthumbnail over ``photos`` into ``folder``: by its own threads, and a process a core.

    A thumbnail's longer side is ``box`` pixels. A round's result is [path of a thumbnail], in the
    order of the photos. Raises PeerAbsent.
    """
    programs.found("vipsthumbnail", "libvips-tools")
    programs.found("xargs", "findutils")
    version = programs.version_of("vipsthumbnail", "--vips-version")
    thumbnails = [folder / f"{photo.stem}.jpg" for photo in photos]
    share = math.ceil(len(photos) / cores)
    divided = ["xargs", "-0", "-P", str(cores), "-n", str(share)]
    output = f"{folder}/%s.jpg[Q={quality},strip]"
    plain = ["vipsthumbnail", "--size", f"{box}x{box}", "--output", output]

    def peer(command: list[str], tuning: str, *, listed: bool) -> Peer:
        stdin = "\0".join(map(str, photos)) if listed else ""
        arguments = [] if listed else list(map(str, photos))

        def run() -> Round:
            for thumbnail in thumbnails:
                thumbnail.unlink(missing_ok=True)
            seconds = timed(lambda: programs.run([*command, *arguments], stdin)).seconds
            return Round(seconds, thumbnails)

        shown = shlex.join(command).replace(str(folder), "FOLDER") + " PHOTO..." * (not listed)
        tuning = f"{tuning}; it does not sharpen, we do; its process start counts"
        return Peer("vipsthumbnail", version, shown, tuning, run)

    return [
        peer(plain, "one process, libvips' own threads", listed=False),
        peer([*divided, *plain], "a process a core, libvips' own threads in each", listed=True),
        peer(
            [*divided, *plain, "--vips-concurrency=1"],
            "a process a core, one libvips thread in each",
            listed=True,
        ),
    ]
