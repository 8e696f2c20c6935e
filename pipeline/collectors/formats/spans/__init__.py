"""Formats of spans that are not written as OTLP: exports of what keeps traces, and of tools whose spans are their own.

Owns how each is written. Does not own OTLP, nor what a span of OpenTelemetry says (``tools.otel``). Read first:
``written_spans``, then ``mlflow``.
"""
