"""The configurations that invoices were issued with, kept for ever.

So a later price change cannot keep an invoice from being recomputed.

``invoices/configurations/<sha256>.json`` holds the configuration files of a workspace, byte for byte, under the digest
that the documents of issued invoices name (``configuration_sha256``). It is written before the register entry that
names it; equal configurations share a file. There is no secret in it: the key secret is no configuration file.

Does not own what a configuration may say (``workspace`` reads it like any other).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.configuration.accounts.accounts_file import ACCOUNTS_FILE
from pipeline.configuration.exchange_files import EXCHANGE_FOLDER, is_exchange_file
from pipeline.configuration.rate_cards import RATES_FOLDER
from pipeline.configuration.settings import CONFIG_FILE
from pipeline.configuration.workspace import configuration_digest
from pipeline.objects import disk, layout
from pipeline.objects.encoded.formats import check_format
from pipeline.objects.encoded.strict_json import checked_fields, parse_object
from pipeline.objects.mounted.files import publish, refresh

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.configuration.workspace import Workspace

FORMAT = "tallybook-configuration/1"


def keep(workspace: Workspace) -> None:
    """Write the workspace's configuration, durably, where it is not there yet.

    Only for the holder of the workspace's lock.
    """
    folder = layout.configurations(workspace.root)
    path, content = configuration_path(workspace.root, workspace.digest), _render(workspace.files)
    publish(path, content)
    if path.is_file() and path.read_bytes() == content:
        return
    disk.make_folders(workspace.root, folder)
    disk.replace_durably(path, content)


def configuration_path(root: Path, sha256: str) -> Path:
    """Say where the configuration of a digest is kept."""
    return layout.configurations(root) / f"{sha256}.json"


def is_kept(root: Path, sha256: str) -> bool:
    """Say whether the configuration of a digest is kept, here or on the store of the invoices."""
    path = configuration_path(root, sha256)
    if not path.is_file():
        refresh(path)
    return path.is_file()


def kept(root: Path, sha256: str) -> dict[str, bytes]:
    """Return the configuration files of a digest, by their path below a workspace.

    Raises ``ConfigurationError`` where that configuration was never kept, or is not what its digest says, and
    ``FormatIsNewer`` where a newer version of Tallybook kept it.
    """
    path = configuration_path(root, sha256)
    advice = "restore invoices/configurations from a backup, or the configuration files as they were"
    if not is_kept(root, sha256):
        message = f"the configuration {sha256} was not kept in {path.parent}; {advice}"
        raise ConfigurationError(message)
    try:
        stated = parse_object(path.read_bytes())
        check_format(stated, FORMAT, str(path))
        document = checked_fields(stated, "the configuration", format=str, files=dict)
        files = {name: text.encode("utf-8") for name, text in document["files"].items()}
    except (ValueError, AttributeError) as wrong:
        message = f"{path} is damaged: {wrong}; {advice}"
        raise ConfigurationError(message) from wrong
    ordered = {name: files[name] for name in sorted(files, key=_digest_order)}
    if configuration_digest(ordered) != sha256 or not all(map(_is_configuration, ordered)):
        message = f"{path} does not hold the configuration it is named by; {advice}"
        raise ConfigurationError(message)
    return ordered


def unpack(files: Mapping[str, bytes], folder: Path) -> None:
    """Write configuration files into an existing, empty folder, which can then be opened as a workspace."""
    disk.make_folders(folder, folder / RATES_FOLDER)
    if any(name.startswith(f"{EXCHANGE_FOLDER}/") for name in files):
        disk.make_folders(folder, folder / EXCHANGE_FOLDER)
    for name, content in files.items():
        disk.replace_durably(folder / name, content)


def _render(files: Mapping[str, bytes]) -> bytes:
    texts = {
        name: content.decode("utf-8") for name, content in files.items()
    }  # TOML is UTF-8, and these were read as TOML
    return (json.dumps({"format": FORMAT, "files": texts}, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode(
        "utf-8"
    )


def _digest_order(name: str) -> tuple[int, str]:
    """Give the order that the digest was made in: the configuration, the accounts, rate cards, then rates of exchange.

    Each by name.
    """
    if name in (CONFIG_FILE, ACCOUNTS_FILE):
        return (CONFIG_FILE, ACCOUNTS_FILE).index(name), name
    return 3 if name.startswith(f"{EXCHANGE_FOLDER}/") else 2, name


def _is_configuration(name: str) -> bool:
    """Say whether a name is one of a configuration's; nothing else is ever written from a kept one."""
    folder, _, card = name.rpartition("/")
    return (
        name in (CONFIG_FILE, ACCOUNTS_FILE)
        or (folder == RATES_FOLDER and card.endswith(".toml") and not card.startswith("."))
        or (folder == EXCHANGE_FOLDER and is_exchange_file(card))
    )
