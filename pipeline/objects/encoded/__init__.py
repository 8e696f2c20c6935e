"""What bytes at rest look like: tables as Parquet and Arrow, our own JSON read back strictly, versions of formats.

Owns that the same table gives the same bytes, and that what is not ours is refused. Does not own where the bytes lie
(``pipeline.objects``) nor what they mean. Read first: ``parquet_bytes``, then ``strict_json``.
"""
