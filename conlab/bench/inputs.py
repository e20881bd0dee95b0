"""What the jobs work on: made from a seed, or the reader's own; asked for by a parameter's name.

A workload's ``jobs(...)`` says by the names of its parameters what it needs, as a test does with
fixtures. Each is made once a run, when the first workload asks for it.
"""

import importlib.util
import inspect
import json
import math
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conlab.bench.discovery import Workload
from conlab.bench.own_file import described
from conlab.bench.settings import Settings
from conlab.errors import UserError
from conlab.origin import Origin, serve
from conlab.origin import Settings as OriginSettings
from conlab.origin.settings import IMAGE_SUFFIXES, photo_files
from conlab.scratch import scratch_folder

SEED = 2026
FILE_SIZE = 64 * 1024  # bytes of a file to download
SITES = 4
PAGES = 10  # pages of a site
PHOTO_PIXELS = (2000, 1500)  # 3 megapixels, made anew from the seed
DISTINCT_PHOTOS = 6
DISTINCT_TEXTS = 8
WORDS = 24_000  # words of a text
VOCABULARY = 5_000


OWN = {  # an option for input of the reader's own, and the parameters that it feeds
    "images": {"images", "photo_manifest"},
    "texts": {"texts"},
    "site": {"sites"},
    "urls": {"manifest"},
}


class Inputs:
    """Everything a run's jobs work on, and the origin; closed at the end of the run.

    Raises UserError where a workload asks for what there is not, or none for what was given.
    """

    def __init__(self, settings: Settings, small: bool) -> None:
        self.settings = settings
        self.small = small
        self.asked = {
            workload.name: asked_by(workload) for workload in settings.workloads if workload.module
        }
        if len(self.asked) == len(settings.workloads):  # or the one that cannot be here may
            refuse_unused(settings, set().union(*self.asked.values()))
        fetched = any("photo_manifest" in asked for asked in self.asked.values())
        if settings.images and fetched and not any(photo_files(settings.images)):
            raise UserError(
                f"--images {settings.images}: it holds no image;"
                f" it should hold files that end in {', '.join(sorted(IMAGE_SUFFIXES))}"
            )
        self.addresses = read_urls(settings.urls) if settings.urls else []
        self.closing = ExitStack()
        self.origin: Origin | None = None
        self.made: dict[str, Any] = {}

    def close(self) -> None:
        """End the origin and remove the scratch folder."""
        self.closing.close()

    def jobs(self, workload: Workload) -> Callable[[], Iterator[Any]]:
        """A function that yields the workload's jobs, the same at each call."""
        asked = self.asked[workload.name]
        values = self.values(workload)
        make: Callable[..., Iterator[Any]] = workload.hook("jobs")
        if asked & {"count", "sites"} or self.settings.jobs is None:
            return lambda: iterated(workload, make(**values))
        return lambda: islice(iterated(workload, make(**values)), self.settings.jobs)

    def values(self, workload: Workload) -> dict[str, Any]:
        """What ``jobs()`` of the workload asks for, by name."""
        asked = self.asked[workload.name]
        return {name: getattr(self, f"supply_{name}")(workload) for name in asked}

    def lacking(self, workload: Workload) -> str | None:
        """Why what the workload's jobs ask for cannot be made here, or None."""
        asked = self.asked.get(workload.name, set())
        served = asked & {"sites", "photo_manifest"} or ("manifest" in asked and not self.addresses)
        if served and importlib.util.find_spec("aiohttp") is None:
            return "the origin needs aiohttp, and it is not installed"
        made = asked & {"images", "photo_manifest"} and not self.settings.images
        if made and importlib.util.find_spec("PIL") is None:
            return "its photos are made with Pillow, and it is not installed"
        return None

    def scratch(self) -> Path:
        """A folder that is removed at the end."""
        if "scratch" not in self.made:
            self.made["scratch"] = self.closing.enter_context(scratch_folder())
        path: Path = self.made["scratch"]
        return path

    def running_origin(self) -> Origin:
        """The origin, started when the first workload needs it."""
        if self.origin is None:
            photos = any("photo_manifest" in asked for asked in self.asked.values())
            self.origin = self.closing.enter_context(
                serve(
                    OriginSettings(
                        sites=1 if self.settings.site else SITES,
                        pages=self.pages(),
                        seed=SEED,
                        latency=self.settings.latency,
                        html=self.settings.site,
                        photos=self.images() if photos else None,
                    )
                )
            )
        return self.origin

    @property
    def origin_pid(self) -> int | None:
        """The process of the origin, if it runs."""
        return self.origin.pid if self.origin else None

    def pages(self) -> int:
        """How many pages each site has: in all, as many as jobs were asked for, or a few more."""
        if self.settings.jobs is None:
            return PAGES
        return math.ceil(self.settings.jobs / SITES)

    def sizes(self, workload: Workload) -> dict[str, Any]:
        """How large is what the workload's jobs work on, or where the reader's own lies."""
        made: dict[str, dict[str, Any]] = {
            "images": {"photo_pixels": PHOTO_PIXELS},
            "photo_manifest": {"photo_pixels": PHOTO_PIXELS},
            "texts": {"words_of_a_text": WORDS},
            "manifest": {"bytes_of_a_file": FILE_SIZE},
            "sites": {"sites": SITES, "pages_of_a_site": self.pages()},
        }
        sizes: dict[str, Any] = {}
        for option, fed in OWN.items():
            for name in sorted(fed & self.asked[workload.name]):
                own = getattr(self.settings, option)
                sizes |= {option: str(own)} if own else made[name]
        return sizes

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
        own = (self.settings.images, "images"), (self.settings.texts, "texts")
        asked = self.asked[workload.name]
        if self.settings.jobs is None and any(path and name in asked for path, name in own):
            return None
        return self.count_for(workload)

    def supply_folder(self, workload: Workload) -> Path:
        """A folder to write results into."""
        return self.once(
            f"{workload.name}-results", lambda path: path.mkdir(parents=True, exist_ok=True)
        )

    def empty_folder(self, workload: Workload) -> None:
        """Remove what the workload's jobs have written."""
        if folder := self.made.get(f"{workload.name}-results"):
            empty(folder)

    def supply_manifest(self, workload: Workload) -> Path:
        """A file of JSON lines, one a file to download: url, name, size, sha256."""
        if self.addresses:
            return self.once("manifest", lambda path: write_manifest(path, self.addresses))
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


def empty(folder: Path) -> None:
    """Remove what is in the folder.

    Where a file is renamed over another, ext4 starts to write it out at once (auto_da_alloc),
    and each job of the next round would wait for that.
    """
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def make_photos(folder: Path, count: int, pixels: tuple[int, int] = PHOTO_PIXELS) -> None:
    """Write JPEGs with smooth areas, edges and grain, as photos have them."""
    from PIL import Image, ImageChops, ImageDraw

    folder.mkdir()
    chance = random.Random(SEED)
    width, height = pixels
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


def asked_by(workload: Workload) -> set[str]:
    """The names that the workload's ``jobs()`` asks for; raises UserError where one is unknown."""
    known = {name.removeprefix("supply_") for name in vars(Inputs) if name.startswith("supply_")}
    parameters = inspect.signature(workload.hook("jobs")).parameters.values()
    for parameter in parameters:
        if parameter.name not in known and parameter.default is parameter.empty:
            raise UserError(
                f"{workload.name}: jobs() asks for {parameter.name!r}:"
                f" it should be one of {', '.join(sorted(known))}, or have a default"
            )
    return {parameter.name for parameter in parameters} & known


def iterated(workload: Workload, made: Any) -> Iterator[Any]:
    """What jobs() gave, to be gone through; raises UserError where it holds no jobs."""
    if isinstance(made, str | bytes):
        what = "text, whose letters would be the jobs"
    else:
        with suppress(TypeError):
            return iter(made)
        what = described(made)
    if inspect.iscoroutine(made):
        made.close()
    raise UserError(
        f"{workload.name}: jobs() gives {what}; it should yield the jobs, or return a list of them"
    )


def refuse_unused(settings: Settings, asked: set[str]) -> None:
    """Raise UserError for input of the reader's own that no job would read."""
    for option, fed in OWN.items():
        if getattr(settings, option) and not fed & asked:
            names = ", ".join(workload.name for workload in settings.workloads)
            raise UserError(
                f"--{option} {getattr(settings, option)}: of {names} none reads it;"
                f" a workload whose jobs() asks for {' or '.join(sorted(fed))} would"
            )


def read_urls(path: Path) -> list[str]:
    """The addresses in a file, one a line, but for comments; raises UserError."""
    try:
        lines = [line.strip() for line in path.read_text("utf-8-sig").splitlines()]
    except UnicodeDecodeError:
        raise UserError(f"--urls {path}: it should be text in UTF-8, one address a line") from None
    urls = [line for line in lines if line and not line.startswith("#")]
    for url in urls:
        if not is_web_address(url):
            raise UserError(f"--urls {path}: {url!r} should be http:// or https:// and a host")
    if not urls:
        raise UserError(f"--urls {path}: it holds no address; one a line would be right")
    return urls


def is_web_address(url: str) -> bool:
    """Say whether this is an absolute address that HTTP can fetch."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def write_manifest(path: Path, urls: list[str]) -> None:
    """Write a manifest of files of which nothing but the address is known."""
    unknown = {"size": None, "sha256": None}
    lines = [{"url": url, "name": f"{n:06}", **unknown} for n, url in enumerate(urls)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
