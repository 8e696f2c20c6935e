"""A log as a file: opened, decompressed, known again, and cut into whole lines, in bounded memory.

Owns bytes and their places. Does not own what a line says (``pipeline.collectors.formats``). Read first: ``log_file``,
then ``lineage``.
"""
