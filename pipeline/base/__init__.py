"""What every other room stands on: errors, exact decimals, billing periods, and where packaged files lie.

Owns what has no other home. Does not own a rule of billing nor a table, and imports nothing of the project outside
itself. Read first: ``errors`` (what a
person is told, and which exit code follows) and ``money`` (why no amount is a float).
"""
