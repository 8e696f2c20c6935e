"""A log as a file: opened, decompressed, known again, and cut into whole lines, in bounded memory.

Owns bytes and their places; knows nothing of what a line says. Read first: ``log_file``, then ``lineage``.
"""
