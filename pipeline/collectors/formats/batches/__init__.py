"""What APIs write of the batches that they worked off: a format each, found by being here.

Owns these formats, and what is known of a batch from other files (``batch``). Does not own how formats are found
(``formats.found``), nor which batch is a log's (``pipeline.collectors.batch_files``). Read first: ``batch``, then
``openai_batch``, then ``bedrock_batch``.
"""
