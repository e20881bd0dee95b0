"""The exceptions whose message a person is to read."""

from conlab.terminal import plain


class SaidError(Exception):
    """A message that may quote names and messages from elsewhere: none of them steers a terminal.

    Whoever prints it, pytest for instance, prints it plain.
    """

    def __str__(self) -> str:
        """The message."""
        return plain(super().__str__())


class UserError(SaidError):
    """A user's mistake, said in one sentence: what was wrong, with which value, what is right."""
