"""Issued invoices at rest: the register that numbers and freezes them, and the configurations they were issued with.

Owns the chain of documents, recorded payments, the kept configurations and the files under ``invoices/``. Does not own
what an invoice says (``pipeline.invoicing``) nor its CSV (``pipeline.documents``). Read first: ``entries``, then
``configurations``.
"""

from pipeline.register.entries import Readings, Rehearsal, append, read, read_as, read_one

__all__ = ["Readings", "Rehearsal", "append", "read", "read_as", "read_one"]
