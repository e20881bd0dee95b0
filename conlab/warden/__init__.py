"""What the judge runs in processes of their own: the warden of a tree, and the side it watches.

Two such processes start for each judgement, so that what they import is kept to the little that
they need: nothing of `conlab.judge`, no dataclasses.
"""
