"""Questions that write nothing: usage, what became of a line, what made a cent, what another card would cost.

Owns each answer as a value. Does not own how it is printed (``pipeline.cli``) nor the state it is about (``state``).
Read first: ``usage``, then ``explain``.
"""
