"""The report of a period: what was spent, what moved, what is at risk and what is billed, gathered from other jobs.

Owns which numbers a report has, and of which days. Does not own any count or price: everything is asked of the jobs
that commands ask (``answers.grouped``, ``state.drafts``, ``night.night_warnings``, ``invoices.issue``), once each and
of one state of the books. Nor how a report looks (``pipeline.documents.report``). Read first: ``report``, then
``spend``.
"""
