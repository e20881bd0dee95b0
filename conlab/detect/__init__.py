"""The scoreboard: which tool would have caught each pitfall, found by running them all.

A tool *finds* a pitfall when it says something of the broken side that it does not say of the fixed
one, at the place of the mistake. What it says of the fixed side there is a *false alarm*. That it
can find anything at all is shown by its *control*: a case that it surely finds.

The flow: `tools.py` is the table of the tools, `linting.py` and `running.py` ask them,
`places.py` and `messages.py` say what of their words counts, `scoreboard.py` goes through every
pitfall and every tool, `saved.py` keeps what came of it, and `words.py` makes tables and sentences
of that.
"""
