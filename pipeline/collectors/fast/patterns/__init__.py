"""Line patterns: learned from lines that the plain reader read, and what they capture of later lines.

Owns which patterns there are. Does not own what a line means: a pattern is learned only of fields whose use is known
(``uses``). Read first: ``line_patterns``, then ``learning``.
"""
