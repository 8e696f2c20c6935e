"""The rules of shapes: what lines of one shape amount to, found out once, and what many lines amount to by it at once.

``table`` has the rules of the shapes that a program has numbered, as arrays. It asks ``finder`` of those that are
frequent. That has ``search`` try which sums of holes the plain reader may take (``suggestion``), on samples
(``samples``) that ``shapes`` writes from a shape, and keeps what was found (``rule``) for other threads and logs. The
plain reader is asked through ``plain`` alone. ``variants`` are lines of a shape in which an id decides something.

Owns what may be concluded from samples, and which shapes are worth it. Does not own any rule about usage: those stand
in the plain reader. Read first: ``rule``, then ``search``.
"""
