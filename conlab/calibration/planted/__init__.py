"""Jobs of which a known share can be added: UNITS of the same work, waiting, computing, or both.

``conlab calibrate`` compares them with copies that have more UNITS. They are workloads like those
of a reader's own, run from their files.
"""
