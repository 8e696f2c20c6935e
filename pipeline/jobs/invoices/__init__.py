"""What changes the register: issuing drafts, and crediting what was issued.

Owns when that is refused. Does not own drafts (``state.drafts``) nor the register itself (``pipeline.register``). Read
first: ``issue``, then ``freezing``.
"""
