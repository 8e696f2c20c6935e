"""An invoice as a file for people and programs: today as CSV.

Owns the columns and the spelling of what is handed out. Does not own what an invoice says (``pipeline.invoicing``) nor
where its files lie (``pipeline.register``). Read first: ``invoice_csv`` and ``csv_text``.
"""
