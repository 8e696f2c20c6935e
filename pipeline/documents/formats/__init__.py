"""Formats of documents, one module each, found by being there: ``invoice render --format`` takes their names.

Owns ``FORMAT``, ``SUFFIX`` and ``rendered(invoice, language=…)`` of each (``pipeline.documents.rendering`` says what
these are). Does not own what stands on a page (``pipeline.documents.pages``). Read first: ``html``.
"""
