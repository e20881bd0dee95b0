"""A pytest plugin that has the gate of docs/gate.md be sure of little, and so be quick."""

from conlab.versus import options, rule
from conlab.versus.pairs import measuring

rule.SPARE = 0
options.ALPHA = 0.9
measuring.SHARE = 0.02
