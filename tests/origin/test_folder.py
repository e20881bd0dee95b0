"""The reader's own folder of HTML, served as it is, and nothing from outside of it."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from conlab.origin import Origin, Settings, serve
from conlab.origin.folder import folder_resource
from tests.patience import patience


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.html").write_text("secret")
    folder = outside / "site"
    (folder / "library" / "os & path").mkdir(parents=True)
    (folder / "index.html").write_text("<title>Home</title>")
    (folder / "library" / "os & path" / "a b.html").write_text("<title>A b</title>")
    (folder / "library" / "index.html.txt").write_text("no index")
    (folder / "large.html").write_bytes(b"<p>" * 300_000)
    return folder


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[Origin]:
    with serve(Settings(sites=2, html=folder)) as served:
        yield served


def test_each_site_serves_the_folder(site: Origin, client: httpx.Client) -> None:
    for url in site.urls:
        answer = client.get(url)
        assert (answer.text, answer.headers["Content-Type"]) == ("<title>Home</title>", "text/html")


def test_a_name_with_spaces_and_signs_is_found(site: Origin, client: httpx.Client) -> None:
    assert client.get(f"{site.urls[0]}library/os%20%26%20path/a%20b.html").text[7:10] == "A b"


def test_a_large_file_comes_whole_or_by_the_piece(site: Origin, client: httpx.Client) -> None:
    url = f"{site.urls[0]}large.html"
    assert client.get(url).content == b"<p>" * 300_000
    assert client.get(url, headers={"Range": "bytes=899999-"}).content == b">"


def test_what_the_client_has_of_a_folder_is_not_sent_again(
    site: Origin, client: httpx.Client
) -> None:
    etag = client.head(site.urls[0]).headers["ETag"]
    assert client.get(site.urls[0], headers={"If-None-Match": etag}).status_code == 304


def test_a_directory_without_an_index_is_listed_with_links_that_lead_on(
    site: Origin, client: httpx.Client
) -> None:
    listing = client.get(f"{site.urls[0]}library", follow_redirects=True)
    assert str(listing.url) == f"{site.urls[0]}library/"
    assert '<a href="os%20%26%20path/">os &amp; path/</a>' in listing.text


def test_nothing_is_served_under_the_addresses_of_made_pages(
    site: Origin, client: httpx.Client
) -> None:
    for target in ("robots.txt", "shelf/1.html", "endless.html", "loop/a", "private/orders.html"):
        assert client.get(site.urls[0] + target).status_code == 404, target


@pytest.mark.parametrize(
    "path",
    ["/../secret.html", "/%2e%2e/secret.html", "/library/../../secret.html", "/..%2fsecret.html"],
)
def test_nothing_outside_the_folder_is_served(site: Origin, path: str) -> None:
    address = urlsplit(site.urls[0])
    with socket.create_connection((address.hostname, address.port), timeout=patience(20)) as line:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"secret</" not in answer


def test_a_link_that_leads_outside_is_not_followed(folder: Path) -> None:
    link = folder / "link.html"
    link.symlink_to(folder.parent / "secret.html")
    try:
        assert folder_resource(folder, "/link.html") is None
    finally:
        link.unlink()


@pytest.mark.parametrize("path", ["/%00", "/" + "x" * 5000, "/absent", "/index.html/x"])
def test_an_impossible_path_is_not_there(folder: Path, path: str) -> None:
    assert folder_resource(folder, path) is None
