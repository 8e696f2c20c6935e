"""What was logged as a response, taken apart into its JSON documents: one, many, a stream, or messages of AWS.

Owns what a body is wrapped in. Does not own what its documents state (``pipeline.collectors.families``). Read first:
``body``, then ``held_texts``.
"""
