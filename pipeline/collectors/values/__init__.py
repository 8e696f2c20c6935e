"""What a value may be at all: JSON with exact numbers, names without room for a prompt, and how a line is refused.

Owns the rules of one value. Does not own which values a line has (``pipeline.collectors.formats``) nor what they amount
to. Read first: ``strict_json``, then ``fields``.
"""
