"""What the jobs work on: made from a seed, or the reader's own; asked for by a parameter's name.

A workload's ``jobs(...)`` says by the names of its parameters what it needs, as a test does with
fixtures. Each is made once a run, when the first workload asks for it.
"""

import inspect
import json
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from conlab.bench.discovery import Workload
from conlab.bench.settings import Settings
from conlab.errors import UserError
from conlab.origin import Origin, serve
from conlab.origin import Settings as OriginSettings

SEED = 2026
FILE_SIZE = 64 * 1024  # bytes of a file to download
SITES = 4
PAGES = 16  # pages of a site
PHOTO_PIXELS = (2000, 1500)  # 3 megapixels, made anew from the seed
DISTINCT_PHOTOS = 6
DISTINCT_TEXTS = 8
WORDS = 40_000  # words of a text
VOCABULARY = 5_000


class Inputs:
    """Everything a run's jobs work on, and the origin; closed at the end of the run."""

    def __init__(self, settings: Settings, small: bool) -> None:
        self.settings = settings
        self.small = small
        self.closing = ExitStack()
        self.origin: Origin | None = None
        self.made: dict[str, Any] = {}

    def close(self) -> None:
        """End the origin and remove the scratch folder."""
        self.closing.close()

    def jobs(self, workload: Workload) -> Callable[[], Iterator[Any]]:
        """A function that yields the workload's jobs, the same at each call."""
        names = inspect.signature(workload.hook("jobs")).parameters
        values = {}
        for name, parameter in names.items():
            supply = getattr(self, f"supply_{name}", None)
            if supply:
                values[name] = supply(workload)
            elif parameter.default is parameter.empty:
                known = sorted(
                    attribute.removeprefix("supply_")
                    for attribute in dir(self)
                    if attribute.startswith("supply_")
                )
                raise UserError(
                    f"{workload.name}: jobs() asks for {name!r}: there is {', '.join(known)}"
                )
        make: Callable[..., Iterator[Any]] = workload.hook("jobs")
        if "count" in names or self.settings.jobs is None:
            return lambda: iter(make(**values))
        return lambda: islice(make(**values), self.settings.jobs)

    def scratch(self) -> Path:
        """A folder that is removed at the end."""
        if "scratch" not in self.made:
            self.made["scratch"] = Path(
                self.closing.enter_context(
                    tempfile.TemporaryDirectory(prefix="conlab-", ignore_cleanup_errors=True)
                )
            )
        path: Path = self.made["scratch"]
        return path

    def running_origin(self) -> Origin:
        """The origin, started when the first workload needs it."""
        if self.origin is None:
            self.origin = self.closing.enter_context(
                serve(
                    OriginSettings(
                        sites=SITES,
                        pages=4 if self.small else PAGES,
                        seed=SEED,
                        latency=self.settings.latency,
                        html=self.settings.site,
                        photos=self.images(),
                    )
                )
            )
        return self.origin

    def images(self) -> Path:
        """The folder of images: the reader's own, or photos made from the seed."""
        if self.settings.images:
            return self.settings.images
        return self.once(
            "images", lambda path: make_photos(path, 2 if self.small else DISTINCT_PHOTOS)
        )

    def once(self, name: str, make: Callable[[Path], None]) -> Path:
        """A path in the scratch folder, made at the first call."""
        path = self.scratch() / name
        if name not in self.made:
            make(path)
            self.made[name] = path
        return path

    def count_for(self, workload: Workload) -> int:
        """How many jobs the workload has."""
        return self.settings.jobs or int(workload.constants().get("JOBS", 32))

    # What jobs() may ask for.

    def supply_count(self, workload: Workload) -> int | None:
        """How many jobs there are to be; None for one a file of the reader's own."""
        own = {"resize_images": self.settings.images, "count_words": self.settings.texts}
        if own.get(workload.name) and self.settings.jobs is None:
            return None
        return self.count_for(workload)

    def supply_folder(self, workload: Workload) -> Path:
        """A folder to write results into."""
        return self.once(
            f"{workload.name}-results", lambda path: path.mkdir(parents=True, exist_ok=True)
        )

    def empty_folder(self, workload: Workload) -> None:
        """Remove what the workload's jobs have written.

        Where a file is renamed over another, ext4 starts to write it out at once (auto_da_alloc),
        and each job of the next round would wait for that.
        """
        folder = self.made.get(f"{workload.name}-results")
        for path in folder.iterdir() if folder else ():
            path.unlink()

    def supply_manifest(self, workload: Workload) -> Path:
        """A file of JSON lines, one a file to download: url, name, size, sha256."""
        if self.settings.urls:
            lines = read_urls(self.settings.urls)
            return self.once("manifest", lambda path: write_lines(path, lines))
        return self.once(
            f"{workload.name}-manifest",
            lambda path: self.running_origin().write_manifest(
                path, self.count_for(workload), FILE_SIZE
            ),
        )

    def supply_photo_manifest(self, workload: Workload) -> Path:
        """The same for photos."""
        return self.once(
            f"{workload.name}-manifest",
            lambda path: self.running_origin().write_photo_manifest(path, self.count_for(workload)),
        )

    def supply_sites(self, _workload: Workload) -> tuple[str, ...]:
        """The addresses of the sites' front pages."""
        return self.running_origin().urls

    def supply_images(self, _workload: Workload) -> Path:
        """A folder of images."""
        return self.images()

    def supply_texts(self, _workload: Workload) -> Path:
        """A folder of texts."""
        return self.settings.texts or self.once("texts", make_texts)


def make_photos(folder: Path, count: int) -> None:
    """Write JPEGs with smooth areas, edges and grain, as photos have them."""
    from PIL import Image, ImageChops, ImageDraw

    folder.mkdir()
    chance = random.Random(SEED)
    width, height = PHOTO_PIXELS
    for number in range(count):
        sky = Image.linear_gradient("L").resize((width, height))
        layers = [
            sky.point([int(value * chance.uniform(0.4, 1)) for value in range(256)]) for _ in "RGB"
        ]
        photo = Image.merge("RGB", layers)
        draw = ImageDraw.Draw(photo)
        for _ in range(60):
            x, y = chance.randrange(width), chance.randrange(height)
            reach = chance.randrange(20, 400)
            color = tuple(chance.randrange(256) for _ in "RGB")
            draw.ellipse((x - reach, y - reach // 2, x + reach, y + reach // 2), fill=color)
        grain = Image.frombytes("L", (500, 375), chance.randbytes(500 * 375)).resize(
            (width, height)
        )
        grain = grain.point([value // 8 for value in range(256)])
        photo = ImageChops.add(photo, Image.merge("RGB", [grain] * 3))
        photo.save(folder / f"photo-{number}.jpg", quality=90)


def make_texts(folder: Path) -> None:
    """Write texts whose words are as unevenly frequent as those of a language (Zipf's law)."""
    folder.mkdir()
    chance = random.Random(SEED)
    letters = "eeeeaaooiinnrrttsslldumcgphbyfvkwzxjq"
    vocabulary = [
        "".join(chance.choices(letters, k=chance.randint(2, 10))) for _ in range(VOCABULARY)
    ]
    weights = [1 / rank for rank in range(1, VOCABULARY + 1)]
    for number in range(DISTINCT_TEXTS):
        words = chance.choices(vocabulary, weights, k=WORDS)
        (folder / f"text-{number}.txt").write_text(" ".join(words), "utf-8")


def read_urls(path: Path) -> list[dict[str, Any]]:
    """The addresses in a file as lines of a manifest without sizes; raises UserError."""
    lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    urls = [line for line in lines if line and not line.startswith("#")]
    for url in urls:
        if not url.startswith(("http://", "https://")):
            raise UserError(f"--urls {path}: {url!r} should begin with http:// or https://")
    if not urls:
        raise UserError(f"--urls {path}: it holds no address; one a line would be right")
    return [
        {"url": url, "name": f"{number:06}", "size": None, "sha256": None}
        for number, url in enumerate(urls)
    ]


def write_lines(path: Path, lines: list[dict[str, Any]]) -> None:
    """Write a manifest."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
