"""What ``verify`` claims of the lake, the logs, the register, and their files, each with what breaks it.

Owns the claims about files and documents. Does not own those about counts (``sql/checks``), in which order claims are
asked (``pipeline.jobs.proofs.verify``), nor the form of one (``pipeline.jobs.check``). Read first: ``lake_checks``,
then ``invoice_checks``.
"""
