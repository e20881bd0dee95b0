"""What lies in the reader's folders beside plain files costs the origin nothing but a 404."""

import gc
import os
import re
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from html import unescape
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from conlab.errors import UserError
from conlab.origin import Origin, Settings, serve
from conlab.origin.folder import folder_redirect, folder_resource
from conlab.origin.photos import load_photos
from conlab.origin.regular_files import is_readable, opened
from conlab.origin.resources import PIECE, Gone, stored
from conlab.origin.settings import photo_files
from tests.patience import patience

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")

NO_FILES = ("fifo", "socket", "device", "to a fifo", "loop", "outside", "nowhere")


def fill_with_what_is_no_file(folder: Path, suffix: str) -> None:
    """Put one of each kind there; none of them can be read, and some would never let go."""
    os.mkfifo(folder / f"fifo{suffix}")
    (folder / f"device{suffix}").symlink_to("/dev/zero")
    (folder / f"to a fifo{suffix}").symlink_to(f"fifo{suffix}")
    (folder / f"loop{suffix}").symlink_to(f"loop{suffix}")
    (folder / f"nowhere{suffix}").symlink_to("absent")
    with socket.socket(socket.AF_UNIX) as listener, short_name(folder) as near:
        listener.bind(str(near / f"socket{suffix}"))


@contextmanager
def short_name(folder: Path) -> Iterator[Path]:
    """The folder by a name so short that a socket's address can hold it."""
    with tempfile.TemporaryDirectory() as scratch:
        link = Path(scratch, "x")
        link.symlink_to(folder)
        yield link


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user who may not read everything, even where the tests run as root."""
    before = os.geteuid()
    if before == 0:
        gc.disable()  # what other tests left could not be cleaned up by nobody
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)
        gc.enable()


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that anybody may look into."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        yield folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.html").write_text("secret")
    (outside / "secrets").mkdir()
    folder = outside / "site"
    (folder / "odd").mkdir(parents=True)
    fill_with_what_is_no_file(folder / "odd", ".html")
    (folder / "odd" / "outside.html").symlink_to(outside / "secret.html")
    (folder / "odd" / "out").symlink_to(outside / "secrets")
    (folder / "odd" / "plain.html").write_text("<title>Plain</title>")
    (folder / "odd" / "within.html").symlink_to("plain.html")
    (folder / "stolen").mkdir()
    (folder / "stolen" / "index.html").symlink_to(outside / "secret.html")
    (folder / "stuck").mkdir()
    os.mkfifo(folder / "stuck" / "index.html")
    return folder


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[Origin]:
    with serve(Settings(sites=1, html=folder)) as served:
        yield served


def links(listing: str) -> list[str]:
    return [unescape(link) for link in re.findall(r'href="([^"]*)"', listing)]


def asked(url: str, target: bytes) -> bytes:
    """The answer to a request line that a library would not send."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=patience(20)) as line:
        line.sendall(b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % target)
        return b"".join(iter(lambda: line.recv(65536), b""))


@pytest.mark.parametrize("name", NO_FILES)
def test_what_is_no_regular_file_of_the_folder_is_not_there(
    site: Origin, client: httpx.Client, name: str
) -> None:
    assert client.get(f"{site.urls[0]}odd/{name}.html").status_code == 404
    assert client.head(f"{site.urls[0]}odd/{name}.html").status_code == 404
    assert site.take_log().peak_in_flight == 1  # and its own code did not fail


def test_a_listing_leaves_out_what_cannot_be_served_and_says_how_much(
    site: Origin, client: httpx.Client
) -> None:
    listing = client.get(f"{site.urls[0]}odd/").text
    assert links(listing) == ["plain.html", "within.html"]
    assert f"Left out: {len(NO_FILES) + 1} that are no files or folders" in listing


@pytest.mark.parametrize("name", ["stolen", "stuck"])
def test_an_index_that_is_no_file_of_the_folder_is_none(
    site: Origin, client: httpx.Client, name: str
) -> None:
    listing = client.get(f"{site.urls[0]}{name}/").text
    assert (links(listing), "Left out: 1 " in listing) == ([], True)


HOSTILE_NAMES = [
    b"caf\xe9.html",
    b"\xff\xfe",
    b"new\nline.html",
    b"\"quotes' & <b>.html",
    b"100%.html",
    b"%2e%2e%2fsecret.html",
    b"a?b#c.html",
    b"\x1b[2Jred.html",
    b"javascript:alert(1)",
    b"data:text,x",
    b" ",
    b"x" * 255,
    "日本語 \u202egpj.html".encode(),
]


def test_every_link_of_a_listing_leads_to_the_file_of_that_name(
    client: httpx.Client, tmp_path: Path
) -> None:
    for name in HOSTILE_NAMES:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"in " + name)
    with serve(Settings(sites=1, html=tmp_path)) as origin:
        url = origin.urls[0]
        found = links(client.get(url).text)
        assert sorted(client.get(urljoin(url, link)).content for link in found) == sorted(
            b"in " + name for name in HOSTILE_NAMES
        )
        origin.take_log()


def test_a_folder_of_ten_thousand_files_is_listed(tmp_path: Path) -> None:
    for number in range(10_000):
        (tmp_path / f"{number}.html").touch()
    listing = folder_resource(tmp_path, "/")
    assert listing is not None
    assert len(links(b"".join(listing.read(0, listing.size)).decode())) == 10_000


@pytest.mark.parametrize("parser", ["", "1"], ids=["in C", "in Python"])
def test_no_bytes_of_an_address_make_the_origins_code_fail(
    folder: Path, monkeypatch: pytest.MonkeyPatch, parser: str
) -> None:
    monkeypatch.setenv("AIOHTTP_NO_EXTENSIONS", parser)  # it lets through what the other refuses
    with serve(Settings(sites=1, html=folder)) as origin:
        for target in (b"/\xff\xfe", b"/caf\xc3\xa9", b"/%ff%00", b"?x", b"*", b"//odd", b"x:/odd"):
            assert asked(origin.urls[0], target)[8:12] in (b" 200", b" 301", b" 400", b" 404")
        origin.take_log()


def test_the_slash_that_is_added_to_a_folder_leads_to_no_other_host(folder: Path) -> None:
    assert folder_redirect(folder, "//odd") == "/odd/"
    assert folder_redirect(folder, "") == "//"


def test_a_file_that_may_not_be_read_is_not_there(public: Path) -> None:
    (public / "secret.html").write_text("secret")
    (public / "secret.html").chmod(0)
    (public / "open.html").write_text("open")
    with nobody():
        assert folder_resource(public, "/secret.html") is None
        assert folder_resource(public, "/open.html") is not None


def test_a_file_that_is_gone_or_another_by_now_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_bytes(b"first")
    resource = stored(path, "text/html")
    assert b"".join(resource.read(0, 5)) == b"first"
    path.rename(tmp_path / "kept")  # or its number might be given to the next file
    with pytest.raises(Gone, match="No such file"):
        list(resource.read(0, 5))
    path.write_bytes(b"other")
    with pytest.raises(Gone, match="another file"):
        list(resource.read(0, 5))
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(Gone, match="no regular file"):
        list(resource.read(0, 5))


def test_a_device_is_not_even_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "open", lambda name, _flags: pytest.fail(f"{name} was opened"))
    with pytest.raises(OSError, match="no regular file"):
        opened(Path("/dev/null"))


def test_what_becomes_a_fifo_while_it_is_opened_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.html"
    path.write_bytes(b"plain")
    really_open = os.open

    def swap_and_open(name: Path, flags: int) -> int:
        name.unlink()
        os.mkfifo(name)
        return really_open(name, flags)

    before = len([*Path("/dev/fd").iterdir()])
    monkeypatch.setattr(os, "open", swap_and_open)
    with pytest.raises(OSError, match="no regular file"):
        opened(path)
    assert (
        len([*Path("/dev/fd").iterdir()]) <= before
    )  # of which some that others left may be closed meanwhile


def test_a_file_that_shrinks_while_it_is_read_ends_in_a_word(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_bytes(b"x" * (3 * PIECE))
    pieces = stored(path, "text/html").read(0, 3 * PIECE)
    assert next(pieces) == b"x" * PIECE
    os.truncate(path, PIECE + 7)
    with pytest.raises(Gone, match="ends at byte"):
        list(pieces)


# Photos


def test_of_images_only_files_that_can_be_read_are_taken(public: Path) -> None:
    fill_with_what_is_no_file(public, ".jpg")
    (public / "dir.jpg").mkdir()
    for name in ("a.jpg", "dir.jpg/b.png", "secret.jpg"):
        (public / name).write_bytes(b"x")
    (public / "secret.jpg").chmod(0)
    with nobody():
        assert photo_files(public) == [public / "a.jpg", public / "dir.jpg" / "b.png"]
        assert not is_readable(public / "x\0")


def test_a_photo_that_fails_when_it_is_read_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to("/proc/self/mem")
    if not is_readable(tmp_path / "a.jpg"):
        pytest.skip("this system has no file whose first byte is an error")
    with pytest.raises(UserError, match=r"no image in .* can be read"):
        load_photos(Settings(photos=tmp_path))
    (tmp_path / "b.jpg").write_bytes(b"x")
    assert [photo.sha256 for photo in load_photos(Settings(photos=tmp_path))] == [
        sha256(b"x").hexdigest()
    ]


def test_a_photo_that_is_lost_meanwhile_is_not_there_and_one_that_shrinks_breaks_off(
    client: httpx.Client, tmp_path: Path
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    for name in ("a", "b", "c", "d"):
        (folder / f"{name}.jpg").write_bytes(name.encode() * 900_000)
    with serve(Settings(sites=1, photos=folder)) as origin:
        origin.write_photo_manifest(tmp_path / "manifest", 4)
        (folder / "a.jpg").unlink()
        os.truncate(folder / "b.jpg", 0)
        os.truncate(folder / "c.jpg", 500_000)
        statuses = [client.get(f"{origin.urls[0]}photos/{n}.jpg").status_code for n in (0, 1, 3)]
        assert statuses == [404, 404, 200]
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(f"{origin.urls[0]}photos/2.jpg")
        log = origin.take_log()
    assert [entry.status for entry in log.served] == [404, 404, 200, 200]
    assert log.served[-1].size == 500_000
