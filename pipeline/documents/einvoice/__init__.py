"""An issued invoice or credit note as an e-invoice of EN 16931: UBL 2.1, CII, and Factur-X, a PDF that holds the CII.

Owns what each business term (BT) and group of terms (BG) of EN 16931 is of an invoice, and what an invoice must say for
that. Does not own the two syntaxes (the library ``factur-x`` writes them from the terms) nor how a page looks
(``pipeline.documents.pages``). Read first: ``terms``, then ``lines``.

Invariants: amounts are the printed ones; a document adds up by the rules of EN 16931 (BR-CO-10 to BR-CO-17) or is
refused; there is no e-invoice of a draft.
"""
