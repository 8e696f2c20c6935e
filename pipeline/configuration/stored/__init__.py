"""Logs on object stores: which objects the globs of a source name, and how such a log is called.

Owns globs with a scheme, and the listing of what they name. Does not own globs of files
(``pipeline.configuration.source_files``), the calls to a store (``pipeline.objects.stores``) nor the reading of what is
in an object (``pipeline.collectors.logs.stored.object_bytes``). Read first: ``stored_log``, then ``key_glob``.
"""
