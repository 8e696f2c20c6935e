"""The jobs: the only code that joins the parts. A room for each who asks.

Owns the order of steps. Does not own any of them: a job joins the rooms below. ``night`` collects, counts and drafts;
``invoices`` changes the register; ``answers`` writes nothing; ``proofs`` say why anybody may believe it; ``upkeep``
keeps a workspace. All stand on ``state``: a workspace and a commit, counted, rated and drafted. A room imports
``state`` and what lies below, never another room; only ``proofs`` issue once more what they prove. Read first:
``night.nightly``, then ``state.aggregate``.
"""
