"""What tools record or export of requests that others served: a format each, found by being here.

Owns these formats. Does not own how formats are found (``formats.found``), nor documents that lie in documents
(``formats.held``). Read first: ``litellm``, then ``har``.
"""
