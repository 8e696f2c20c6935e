"""What the log of the lake says: its entries as bytes and back, and what counts after them.

Owns the form of an entry and each of its parts, snapshots, and checkpoints, which say the same in one file. Does not
own entries as files (``pipeline.objects.append_log``) nor the one way to add one (``pipeline.lake.commits``). Read
first: ``commit``, then ``delta``.
"""
