"""The web that the waiting workloads talk to: several sites in a process of their own.

    with serve(Settings(latency=0.05)) as origin:
        origin.write_manifest(path, count=200, size=65536)   # JSON lines: url, name, size, sha256
        origin.write_photo_manifest(path, count=24)          # the same, for JPEGs
        expected_records(origin.settings, origin.urls)       # {final URL: Record}
        origin.take_log().peak_in_flight

Each site serves, on a port of 127.0.0.1 of its own, all made from the seed:

- ``/`` and the pages below it, to crawl, with a ``/robots.txt``; see ``pages``. A page's record
  is its ``<title>`` and, for each ``li.item``, its ``span.name`` and ``span.price`` (€1,234.50).
  Instead of these pages it may serve a folder of HTML.
- ``/files/{n}?size={bytes}``, any number of files of any size.
- ``/photos/{n}.jpg``, a few distinct photos over and over.

All of them know GET and HEAD, Content-Length, ETag and If-None-Match, Range and If-Range.
"""

from conlab.origin.log import Log, OriginError, Served
from conlab.origin.pages import Record, dead_ends, expected_records, normal_url
from conlab.origin.process import Origin, serve
from conlab.origin.settings import Faults, Settings

__all__ = [
    "Faults",
    "Log",
    "Origin",
    "OriginError",
    "Record",
    "Served",
    "Settings",
    "dead_ends",
    "expected_records",
    "normal_url",
    "serve",
]
