"""An invoice as pages for people: HTML and PDF, in several languages.

Owns how lines are grouped, which words and spellings a language has, and how a page looks. Does not own what an invoice
says (``pipeline.invoicing``) nor which formats there are (``pipeline.documents.formats``). Read first:
``view``, then ``printed``.

Invariants: every line is in one group, groups add up to the subtotal and so does the appendix, to the last digit; no
text of an invoice is ever taken for markup; a page asks for nothing beyond itself.
"""
