"""The one exception that speaks to the person who made the mistake."""


class UserError(Exception):
    """A user's mistake, said in one sentence: what was wrong, with which value, what is right."""
