"""Folders of a workspace whose truth is on an object store, and of which this machine holds a verified copy.

Owns which folders those are (``mounts``), how entries of a log (``entries``), files by their digest and files that are
replaced (``files``) come from the store and go there, and the store's lock (``lease``). Readers read the local folders
all the same. Where no store is named, nothing here does anything. Does not own the calls to a store
(``pipeline.objects.stores``), nor what the files say. Read first: ``mounts``, then ``entries``.
"""
