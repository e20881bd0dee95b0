"""The errors of a request, in words that are the same in every run and under every client.

The libraries name ports and addresses and word one failure in many ways. Failures that can be
compared need one kind and one sentence for each.
"""

from typing import Self


class RequestError(Exception):
    """A request that failed; asking again would not help."""

    words = "the request failed"

    @classmethod
    def at(cls, url: str) -> Self:
        """The error of this kind that befell ``url``."""
        return cls(f"{url}: {cls.words}")


class AddressError(RequestError):
    """The address, or one that it redirects to, is none."""

    words = "leads to no address that HTTP could ask"


class RedirectError(RequestError):
    """Redirects without an end."""

    words = "redirected too often"


class StatusError(RequestError):
    """The answer is final, and it is no: 404, say."""


class EncodingError(RequestError):
    """The body is compressed in a way that is not unpacked here, or cannot be unpacked at all."""

    words = "compressed in a way that cannot be unpacked"


class TotalTimeError(RequestError):
    """``TOTAL_TIMEOUT`` is over."""

    words = "not done within the total time limit"


class TransientError(RequestError):
    """A request that failed in a way that another attempt may mend."""

    retry_after = 0.0  # seconds that the server asks to be left alone


class UnavailableError(TransientError):
    """429 or 5xx: the server would rather be asked later."""


class UnreachableError(TransientError):
    """There is no connection to be had."""

    words = "no connection could be made"


class BrokenOffError(TransientError):
    """The answer stopped before its end, or was none."""

    words = "the answer broke off before it was whole, or was not HTTP"


class SilenceError(TransientError):
    """No byte came for ``READ_TIMEOUT``."""

    words = "nothing came within the read time limit"
