"""What every other room stands on: errors, exact decimals, billing periods, and where packaged files lie.

Owns what has no other home. Does not own a rule of billing nor a table, and imports nothing of the project outside
itself. Read first: ``errors`` (what people are shown, and which exit code follows), then ``money`` (why no amount is a
float).
"""
