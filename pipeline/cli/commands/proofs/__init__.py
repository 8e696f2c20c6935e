"""Commands that prove: what must hold, an invoice decided once more, and signatures over what was issued.

Owns their options and how an answer is worded. Does not own the proofs (``pipeline.jobs.proofs``). Read first:
``verify``, then ``recompute``.
"""
