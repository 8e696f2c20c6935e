"""Names of environment variables that messages tell of. Does not read any: ``pipeline.cli`` does."""

from __future__ import annotations

ENGINE_VARIABLE = "TALLYBOOK_ENGINE"
"""Names the engine, also where the address of a server holds a token."""
LAKE_VARIABLE = "TALLYBOOK_LAKE"
"""The address of the object store that the lake is on, instead of the configured one."""
INVOICES_VARIABLE = "TALLYBOOK_INVOICES"
"""The address of the object store that the register of invoices is on, instead of the configured one."""
