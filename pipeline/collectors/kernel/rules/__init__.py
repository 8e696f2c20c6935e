"""The rules of shapes: what lines of one shape amount to, found out once, and what many lines amount to by it at once.

``table`` has the rules of the shapes that a program has numbered, and states them to it; ``rows`` are what the program
works out by them. The table asks ``finder`` of those that are frequent. That has ``search`` read a line, which
``samples`` and ``shapes`` write from a shape, with counts that note what they are compared with, and keeps what was
found (``rule``) for other threads and logs. The plain reader is asked through ``plain`` alone. ``variants`` are lines
of a shape in which an id decides something.

Owns what may be concluded from lines that are read so, and which shapes are worth it. Does not own any rule about
usage: those stand in the plain reader. Read first: ``rule``, then ``search``.
"""
