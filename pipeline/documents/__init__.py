"""An invoice as a file for people and programs: CSV, JSON lines, and the documents of ``invoice render``.

Owns the columns and the spelling of what is handed out. Does not own what an invoice says (``pipeline.invoicing``) nor
where its files lie (``pipeline.register``). Read first: ``rendering`` and ``csv_text``.
"""
