"""The claims about issued documents, each by itself and beside its neighbours.

What each says of its origin: configuration, instant, rules, number.

Seals and the chain show that no document was changed by itself. Whoever seals all of them again leaves both whole, and
what a document says of its origin is then what has to fit. Does not own the commit that it names
(``pipeline.jobs.state.history``) nor the amounts (``invoice_checks``, ``recompute``).
"""

from __future__ import annotations

import tomllib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import ConfigurationError
from pipeline.base.periods import parse_date, parse_instant, time_zone, usage_date
from pipeline.configuration.settings import CONFIG_FILE, Settings
from pipeline.invoicing.invoice import id_of
from pipeline.invoicing.rules import Rules
from pipeline.jobs.check import check_that_none
from pipeline.jobs.wording import counted
from pipeline.register.configurations import configuration_path, kept

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.check import Check

    Document = Mapping[str, Any]

_LISTED = 3


def document_checks(workspace: Workspace, documents: Sequence[Document]) -> Iterator[Check]:
    """Check what every issued document says of its origin; nothing is raised for one that says nonsense."""
    configurations, lost, older = _configurations(workspace, documents)
    number = counted(len(documents), "document")
    from_before = (
        f"; {counted(len(older), 'document')} from before configurations were kept: {', '.join(older[:_LISTED])}"
        if older
        else ""
    )
    yield check_that_none(
        lost,
        name="configurations_of_documents_are_kept",
        fine=f"{counted(len(configurations), 'configuration')}, each what its digest says{from_before}",
        found="not so",
    )
    yield check_that_none(
        list(_backwards(documents)),
        name="documents_are_issued_in_the_order_of_their_numbers",
        fine=f"{number}, none issued before the one before it",
        found="not so",
    )
    dated = sum("issue_date" in document for document in documents)
    yield check_that_none(
        list(_misdated(documents)),
        name="issue_dates_are_the_days_of_issue",
        fine=f"{counted(dated, 'issue date')}, each in the time zone of its document",
        found="not so",
    )
    yield check_that_none(
        list(_unknown_rules(documents)),
        name="rules_of_documents_are_known",
        fine=f"{number}, by rules up to {int(max(Rules))}",
        found="not so",
    )
    yield check_that_none(
        list(_misnamed(documents, configurations)),
        name="ids_are_their_prefix_and_their_number",
        fine="each with the prefix of the configuration that it was issued with",
        found="not so",
    )


def _configurations(
    workspace: Workspace, documents: Sequence[Document]
) -> tuple[dict[str, Mapping[str, bytes]], list[str], list[str]]:
    """Return the kept configurations by digest, who names one that is not there or is another, and who is too old.

    Documents of the first rules may be older than the keeping. Theirs may be missing, and can be the present one.
    """
    found: dict[str, Mapping[str, bytes]] = {}
    lost: dict[str, str] = {}
    older: list[str] = []
    for document in documents:
        sha256 = str(document.get("configuration_sha256"))
        if sha256 in found or sha256 in lost:
            continue
        try:
            found[sha256] = kept(workspace.root, sha256)
        except ConfigurationError as wrong:
            if "rules" in document or configuration_path(workspace.root, sha256).exists():
                lost[sha256] = f"{document['invoice_id']}: {wrong}"
            elif sha256 != workspace.digest:
                older.append(document["invoice_id"])
    return found, list(lost.values()), older


def _backwards(documents: Sequence[Document]) -> Iterator[str]:
    for document in documents:
        try:
            parse_instant(str(document.get("issued_at")))
        except ConfigurationError:
            yield f"{document['invoice_id']} was issued at {document.get('issued_at')!r}, which is no instant"
            return
    for earlier, later in pairwise(documents):
        # What was issued by the rules before could be issued as of any day, and stands.
        is_before = parse_instant(later["issued_at"]) < parse_instant(earlier["issued_at"])
        if is_before and _follows_dates(later):
            yield (
                f"{later['invoice_id']} was issued at {later['issued_at']}, before {earlier['invoice_id']} at "
                f"{earlier['issued_at']}"
            )


def _misdated(documents: Sequence[Document]) -> Iterator[str]:
    for document in documents:
        stated = document.get("issue_date")
        if stated is None and _follows_dates(document):
            yield f"{document['invoice_id']} has no issue date, and its rules are {document['rules']}"
        if stated is None:
            continue
        try:
            day = usage_date(parse_instant(str(document.get("issued_at"))), time_zone(document["timezone"]))
            is_right = parse_date(stated) == day
        except ConfigurationError as wrong:
            yield f"{document['invoice_id']}: {wrong}"
            continue
        if not is_right:
            yield (
                f"{document['invoice_id']} is dated {stated}, and was issued at {document['issued_at']}, which is "
                f"{day} in {document['timezone']}"
            )


def _follows_dates(document: Document) -> bool:
    """Say whether a document was issued by rules that put issue dates on documents, and in order."""
    rules = document.get("rules")
    return isinstance(rules, int) and rules >= Rules.THIRD


def _unknown_rules(documents: Sequence[Document]) -> Iterator[str]:
    for document in documents:
        stated = document.get("rules")
        if isinstance(stated, bool):
            yield f"{document['invoice_id']} was issued by rules {stated!r}, which is no version"
            continue
        try:
            Rules.of(stated)
        except ConfigurationError as wrong:
            yield f"{document['invoice_id']}: {wrong}"


def _misnamed(documents: Sequence[Document], configurations: Mapping[str, Mapping[str, bytes]]) -> Iterator[str]:
    """Yield ids that are not made of prefix and number; where the configuration is lost, another claim says so."""
    for document in documents:
        files = configurations.get(str(document.get("configuration_sha256")))
        if files is None:
            continue
        expected = id_of(_prefix(files), document["number"])
        if document["invoice_id"] != expected:
            yield f"{document['invoice_id']} has the number {document['number']}, and would be {expected}"


def _prefix(files: Mapping[str, bytes]) -> str:
    settings = tomllib.loads(files[CONFIG_FILE].decode("utf-8"))
    return str(settings.get("invoices", {}).get("prefix", Settings().invoice_prefix))
