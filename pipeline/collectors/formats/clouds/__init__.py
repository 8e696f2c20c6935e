"""What clouds log of the calls of models that they serve: a format each, found by being here.

Owns these formats. Does not own how formats are found (``formats.found``), nor results of batches (``batches``). Read
first: ``bedrock``.
"""
