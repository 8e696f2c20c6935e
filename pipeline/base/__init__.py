"""What every other room stands on: errors, exact decimals, billing periods, and where packaged files lie.

Owns no rule of billing and no table. Imports nothing of the project outside itself. Read first: ``errors`` (what a
person is told, and which exit code follows) and ``money`` (why no amount is a float).
"""
