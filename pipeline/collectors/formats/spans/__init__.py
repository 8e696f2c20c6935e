"""Spans of calls: OTLP itself (``otel``), what writes the same spans otherwise, and tools whose spans are their own.

Owns what each is and how it is written. What a span's attributes mean is said in ``otel`` alone. Does not own what
counts mean once they are said in a way that is known (``pipeline.collectors.families``). Read first:
``otel/conventions``, then ``written_spans``.
"""
