"""Tallybook turns the logged responses of an LLM chat-completion API into invoices that anyone can recompute.

The distribution and the command are called ``tallybook``; this import package is called ``pipeline``.
"""

__version__ = "0.1.0"
