"""The words of an invoice in each language that it can be written in.

Owns the words alone. Does not own how a language writes numbers and dates (``spelling``, by CLDR), which description is
which phrase (``descriptions``), nor texts that people write themselves (names of items, notes, reasons of a tax), which
are printed as they are. A language is one more value in ``LANGUAGES``; it has every word, or it is no ``Words``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """The descriptions of lines that are about no tokens.

    In English they are what is frozen with a line, to the letter: by them a description is known again.
    """

    monthly_fee: str
    seat: str
    seats: str
    part_of_days: str
    """What follows a fee or seats of a part of a period."""
    minimum: str
    """Of an entry of a rate card."""
    maximum: str
    above: str
    """Which prompts an entry is of."""
    commitment: str
    yearly_commitment: str
    days_of_amount: str
    """A part of a commitment, one of those in ``{parts}``."""
    overage: str
    overage_of_year: str
    item: str
    coupon: str
    coupon_in_percent: str
    part_taxed_as: str
    """What follows a part of a coupon."""
    credit: str
    reduction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """All words of one language. ``{…}`` are filled in, and are the same in every language."""

    invoice: str
    draft: str
    credit_note: str
    draft_warning: str
    credit_note_in_part: str
    credit_note_explained: str
    credit_note_of_rest_explained: str
    """Of an invoice that was credited in part before."""
    credit_note_in_part_explained: str
    seller: str
    buyer: str
    number: str
    issue_date: str
    due_date: str
    billing_period: str
    days_of: str
    """The period's days, and the time zone in which they begin."""
    account: str
    subtotal_of_account: str
    all_accounts: str
    """What credits of the invoiced account pay for, where it has child accounts."""
    purchase_order: str
    buyer_reference: str
    tax_id: str
    registration_id: str
    amount_due: str
    amount_owed_to_buyer: str
    """Of an invoice below zero, as an amount above it."""
    amount_credited: str
    amount_of_draft: str
    description: str
    quantity: str
    price: str
    """Per million, where a row says nothing else."""
    amount: str
    line: str
    tier: str
    per_request: str
    per_package: str
    per_package_of_requests: str
    list_price: str
    exchanged: str
    """The price in another currency, the rate by which it was converted, and the date of the rate."""
    exchange_explained: str
    net_total: str
    tax_of: str
    tax_not_charged: str
    """Of a reversed charge, of what is exempt or outside the tax: it has no rate that could be printed."""
    total: str
    correction_of: str
    reduction_of: str
    """A line of an invoice, a part of which a credit note takes back."""
    payment: str
    payable_by: str
    payable_within: str
    account_holder: str
    bank: str
    reference: str
    """What to name when paying."""
    notes: str
    usage_by_model: str
    further_models: str
    details: str
    details_explained: str
    by_meter: str
    by_key: str
    without_key: str
    continued_in_details: str
    rounding_explained: str
    page: str
    kinds: Mapping[str, str]
    """The heading of each kind of lines (``pipeline.invoicing.lines.LineKind``), by its value."""
    meters: Mapping[Meter, str]
    reverse_charge: str
    """What is printed of a reversed charge for which nothing was written (``REVERSE_CHARGE_TEXT``)."""
    items: Mapping[str, str]
    """What a correction of fees or commitments names: ``seats`` and ``year``."""
    flat: str
    """Of a line of tiers with a flat amount."""
    phrases: Phrases


ENGLISH = Words(
    invoice="Invoice",
    draft="Draft invoice",
    credit_note="Credit note",
    credit_note_in_part="Credit note",
    draft_warning="This is a draft. It asks for no payment, and what it says may change until it is issued.",
    credit_note_explained="This credit note takes back invoice {invoice} in full.",
    credit_note_of_rest_explained="This credit note takes back all that was left of invoice {invoice}.",
    credit_note_in_part_explained="This credit note takes back a part of invoice {invoice}: {reason}",
    seller="From",
    buyer="Bill to",
    number="Number",
    issue_date="Issue date",
    due_date="Due date",
    billing_period="Billing period",
    days_of="{first} to {last} ({zone})",
    account="Customer account",
    subtotal_of_account="subtotal of account {account}",
    all_accounts="All accounts",
    purchase_order="Purchase order",
    buyer_reference="Your reference",
    tax_id="Tax ID",
    registration_id="Registration",
    amount_due="Amount due",
    amount_owed_to_buyer="Amount in your favour",
    amount_credited="Amount credited",
    amount_of_draft="Amount so far",
    description="Description",
    quantity="Quantity",
    price="Price per million",
    amount="Amount",
    line="Line",
    tier="{tier} tier",
    per_request="{price} per request",
    per_package="{price} per {tokens} tokens begun",
    per_package_of_requests="{price} per {tokens} requests begun",
    list_price="list price {price}",
    exchanged="{price} {currency} at {rate} of {date}",
    exchange_explained="Prices in {currencies} are charged in {currency} at the rates of exchange in the details.",
    net_total="Total before tax",
    tax_of="{label} {rate}% on {base}",
    tax_not_charged="{label} on {base}, not charged",
    total="Total",
    correction_of="Correction of {period}",
    reduction_of="Line {line} of {invoice}",
    payment="Payment",
    payable_by="Please pay {amount} by {date}.",
    payable_within="Payable within {days} days.",
    account_holder="Account holder",
    bank="Bank",
    reference="Reference",
    notes="Notes",
    usage_by_model="Usage by model, in {currency}",
    further_models="{count} more models",
    details="Details",
    details_explained="Every line of this document. The lines add up to the amounts on the first page.",
    by_meter="By model and kind",
    by_key="By API key",
    without_key="Without an API key",
    continued_in_details="Usage by kind, API key and price stands in the details.",
    rounding_explained="Each line is rounded once, to {unit} {currency}; amounts are sums of rounded lines.",
    page="Page {page} of {pages}",
    kinds={
        "usage": "Usage",
        "included": "Included in your plan",
        "fee": "Fees",
        "commitment": "Minimum commitment",
        "overage": "Usage beyond the commitment",
        "correction": "Corrections of other periods",
        "credit": "Prepaid credit",
        "limit": "Minimums and maximums",
        "item": "One-off items",
        "coupon": "Coupons",
        "reduction": "Credited",
        "tax": "Tax",
    },
    meters={
        Meter.PROMPT: "Input tokens",
        Meter.PROMPT_CACHED: "Cached input tokens",
        Meter.PROMPT_CACHE_WRITE: "Input tokens written to cache",
        Meter.PROMPT_CACHE_WRITE_1H: "Input tokens written to cache for an hour",
        Meter.PROMPT_AUDIO: "Audio input tokens",
        Meter.COMPLETION: "Output tokens",
        Meter.COMPLETION_AUDIO: "Audio output tokens",
        Meter.REASONING: "Reasoning tokens",
        Meter.REQUEST: "Requests",
    },
    reverse_charge="Reverse charge: the recipient is liable for the tax.",
    items={"seats": "Seats", "year": "By the year"},
    flat="{price} flat for each tier that was reached",
    phrases=Phrases(
        monthly_fee="monthly fee for {period}",
        seat="{seats} seat at {money} for {period}",
        seats="{seats} seats at {money} for {period}",
        part_of_days=", {days} of {of_days} days",
        minimum="minimum of {money} for {entry}, instead of {amount}",
        maximum="maximum of {money} for {entry}, instead of {amount}",
        above="prompts above {tokens} tokens",
        commitment="minimum commitment of {money}{parts}, less {amount} of usage and fees",
        yearly_commitment="yearly commitment of {money}{parts}, less {amount} of usage and fees of {period} to {last}",
        days_of_amount="{days} of {of_days} days of {amount}",
        overage="{money} of usage beyond the minimum commitment of {agreed}, at {percent}% of its price",
        overage_of_year="{money} of usage beyond the yearly commitment of {agreed}, at {percent}% of its price",
        item="{text} ({date})",
        coupon="coupon {id}",
        coupon_in_percent="coupon {id}: {percent}% of {money}",
        part_taxed_as=", part taxed as {kind}",
        credit="prepaid credit {id}",
        reduction="credit on line {line} of {invoice} ({text}): {reason}",
    ),
)

GERMAN = Words(
    invoice="Rechnung",
    draft="Rechnungsentwurf",
    credit_note="Stornorechnung",
    credit_note_in_part="Rechnungskorrektur",
    draft_warning="Dies ist ein Entwurf. Er ist nicht zu bezahlen und kann sich bis zur Ausstellung noch ändern.",
    credit_note_explained="Diese Stornorechnung hebt die Rechnung {invoice} vollständig auf.",
    credit_note_of_rest_explained=(
        "Diese Stornorechnung nimmt zurück, was von der Rechnung {invoice} noch nicht gutgeschrieben war."
    ),
    credit_note_in_part_explained="Diese Rechnungskorrektur nimmt einen Teil der Rechnung {invoice} zurück: {reason}",
    seller="Von",
    buyer="Rechnung an",
    number="Nummer",
    issue_date="Rechnungsdatum",
    due_date="Fällig am",
    billing_period="Leistungszeitraum",
    days_of="{first} bis {last} ({zone})",
    account="Kundenkonto",
    subtotal_of_account="Zwischensumme Konto {account}",
    all_accounts="Alle Konten",
    purchase_order="Bestellnummer",
    buyer_reference="Ihr Zeichen",
    tax_id="USt-IdNr./Steuernr.",
    registration_id="Registernummer",
    amount_due="Zu zahlender Betrag",
    amount_owed_to_buyer="Betrag zu Ihren Gunsten",
    amount_credited="Gutgeschriebener Betrag",
    amount_of_draft="Bisheriger Betrag",
    description="Beschreibung",
    quantity="Menge",
    price="Preis je Million",
    amount="Betrag",
    line="Zeile",
    tier="Stufe {tier}",
    per_request="{price} je Anfrage",
    per_package="{price} je angefangene {tokens} Token",
    per_package_of_requests="{price} je angefangene {tokens} Anfragen",
    list_price="Listenpreis {price}",
    exchanged="{price} {currency} zu {rate} vom {date}",
    exchange_explained="Preise in {currencies} sind in {currency} zu den Wechselkursen des Einzelnachweises berechnet.",
    net_total="Nettobetrag",
    tax_of="{label} {rate} % auf {base}",
    tax_not_charged="{label} auf {base}, nicht berechnet",
    total="Gesamtbetrag",
    correction_of="Korrektur für {period}",
    reduction_of="Zeile {line} von {invoice}",
    payment="Zahlung",
    payable_by="Bitte zahlen Sie {amount} bis zum {date}.",
    payable_within="Zahlbar innerhalb von {days} Tagen.",
    account_holder="Kontoinhaber",
    bank="Bank",
    reference="Verwendungszweck",
    notes="Hinweise",
    usage_by_model="Nutzung nach Modell, in {currency}",
    further_models="{count} weitere Modelle",
    details="Einzelnachweis",
    details_explained="Alle Zeilen dieses Belegs. Zusammen ergeben sie die Beträge der ersten Seite.",
    by_meter="Nach Modell und Art",
    by_key="Nach API-Schlüssel",
    without_key="Ohne API-Schlüssel",
    continued_in_details="Die Nutzung nach Art, API-Schlüssel und Preis steht im Einzelnachweis.",
    rounding_explained=(
        "Jede Zeile ist einmal gerundet, auf {unit} {currency}; Beträge sind Summen gerundeter Zeilen."
    ),
    page="Seite {page} von {pages}",
    kinds={
        "usage": "Nutzung",
        "included": "Im Tarif enthalten",
        "fee": "Gebühren",
        "commitment": "Mindestabnahme",
        "overage": "Nutzung über die Mindestabnahme hinaus",
        "correction": "Korrekturen anderer Zeiträume",
        "credit": "Guthaben",
        "limit": "Mindest- und Höchstbeträge",
        "item": "Einmalige Posten",
        "coupon": "Rabatte",
        "reduction": "Gutgeschrieben",
        "tax": "Steuer",
    },
    meters={
        Meter.PROMPT: "Eingabe-Token",
        Meter.PROMPT_CACHED: "Eingabe-Token aus dem Cache",
        Meter.PROMPT_CACHE_WRITE: "In den Cache geschriebene Eingabe-Token",
        Meter.PROMPT_CACHE_WRITE_1H: "Für eine Stunde in den Cache geschriebene Eingabe-Token",
        Meter.PROMPT_AUDIO: "Audio-Eingabe-Token",
        Meter.COMPLETION: "Ausgabe-Token",
        Meter.COMPLETION_AUDIO: "Audio-Ausgabe-Token",
        Meter.REASONING: "Reasoning-Token",
        Meter.REQUEST: "Anfragen",
    },
    reverse_charge="Steuerschuldnerschaft des Leistungsempfängers.",
    items={"seats": "Plätze", "year": "Jährlich"},
    flat="{price} pauschal je erreichter Stufe",
    phrases=Phrases(
        monthly_fee="Monatsgebühr für {period}",
        seat="{seats} Platz zu {money} für {period}",
        seats="{seats} Plätze zu {money} für {period}",
        part_of_days=", {days} von {of_days} Tagen",
        minimum="Mindestbetrag von {money} für {entry}, statt {amount}",
        maximum="Höchstbetrag von {money} für {entry}, statt {amount}",
        above="Eingaben über {tokens} Token",
        commitment="Mindestabnahme von {money}{parts}, abzüglich {amount} an Nutzung und Gebühren",
        yearly_commitment=(
            "Jährliche Mindestabnahme von {money}{parts}, abzüglich {amount} an Nutzung und Gebühren von {period} bis "
            "{last}"
        ),
        days_of_amount="{days} von {of_days} Tagen von {amount}",
        overage="{money} Nutzung über die Mindestabnahme von {agreed} hinaus, zu {percent} % ihres Preises",
        overage_of_year=(
            "{money} Nutzung über die jährliche Mindestabnahme von {agreed} hinaus, zu {percent} % ihres Preises"
        ),
        item="{text} ({date})",
        coupon="Rabatt {id}",
        coupon_in_percent="Rabatt {id}: {percent} % von {money}",
        part_taxed_as=", Anteil besteuert wie {kind}",
        credit="Guthaben {id}",
        reduction="Gutschrift auf Zeile {line} von {invoice} ({text}): {reason}",
    ),
)

FRENCH = Words(
    invoice="Facture",
    draft="Projet de facture",
    credit_note="Avoir",
    credit_note_in_part="Avoir partiel",
    draft_warning="Ceci est un projet. Aucun paiement n’est dû et le contenu peut changer jusqu’à l’émission.",
    credit_note_explained="Cet avoir annule intégralement la facture {invoice}.",
    credit_note_of_rest_explained="Cet avoir annule tout ce qui restait de la facture {invoice}.",
    credit_note_in_part_explained="Cet avoir annule une partie de la facture {invoice} : {reason}",
    seller="De",
    buyer="Facturé à",
    number="Numéro",
    issue_date="Date d’émission",
    due_date="Date d’échéance",
    billing_period="Période de facturation",
    days_of="du {first} au {last} ({zone})",
    account="Compte client",
    subtotal_of_account="sous-total du compte {account}",
    all_accounts="Tous les comptes",
    purchase_order="Bon de commande",
    buyer_reference="Votre référence",
    tax_id="N° de TVA/fiscal",
    registration_id="Immatriculation",
    amount_due="Montant à payer",
    amount_owed_to_buyer="Montant en votre faveur",
    amount_credited="Montant crédité",
    amount_of_draft="Montant provisoire",
    description="Description",
    quantity="Quantité",
    price="Prix par million",
    amount="Montant",
    line="Ligne",
    tier="niveau {tier}",
    per_request="{price} par requête",
    per_package="{price} par tranche entamée de {tokens} jetons",
    per_package_of_requests="{price} par tranche entamée de {tokens} requêtes",
    list_price="prix catalogue {price}",
    exchanged="{price} {currency} à {rate} du {date}",
    exchange_explained="Les prix en {currencies} sont facturés en {currency} aux taux de change du détail.",
    net_total="Total hors taxes",
    tax_of="{label} {rate} % sur {base}",
    tax_not_charged="{label} sur {base}, non facturée",
    total="Total",
    correction_of="Correction de {period}",
    reduction_of="Ligne {line} de {invoice}",
    payment="Paiement",
    payable_by="Merci de régler {amount} au plus tard le {date}.",
    payable_within="Payable sous {days} jours.",
    account_holder="Titulaire du compte",
    bank="Banque",
    reference="Référence",
    notes="Remarques",
    usage_by_model="Utilisation par modèle, en {currency}",
    further_models="{count} autres modèles",
    details="Détail",
    details_explained="Toutes les lignes de ce document. Leur somme est égale aux montants de la première page.",
    by_meter="Par modèle et type",
    by_key="Par clé d’API",
    without_key="Sans clé d’API",
    continued_in_details="L’utilisation par type, clé d’API et prix figure dans le détail.",
    rounding_explained=(
        "Chaque ligne est arrondie une seule fois, à {unit} {currency} ; les montants sont des sommes de lignes "
        "arrondies."
    ),
    page="Page {page} sur {pages}",
    kinds={
        "usage": "Utilisation",
        "included": "Compris dans votre forfait",
        "fee": "Frais",
        "commitment": "Engagement minimum",
        "overage": "Consommation au-delà de l’engagement",
        "correction": "Corrections d’autres périodes",
        "credit": "Crédit prépayé",
        "limit": "Minimums et plafonds",
        "item": "Postes uniques",
        "coupon": "Remises",
        "reduction": "Crédité",
        "tax": "Taxe",
    },
    meters={
        Meter.PROMPT: "Jetons d’entrée",
        Meter.PROMPT_CACHED: "Jetons d’entrée en cache",
        Meter.PROMPT_CACHE_WRITE: "Jetons d’entrée écrits en cache",
        Meter.PROMPT_CACHE_WRITE_1H: "Jetons d’entrée écrits en cache pour une heure",
        Meter.PROMPT_AUDIO: "Jetons audio d’entrée",
        Meter.COMPLETION: "Jetons de sortie",
        Meter.COMPLETION_AUDIO: "Jetons audio de sortie",
        Meter.REASONING: "Jetons de raisonnement",
        Meter.REQUEST: "Requêtes",
    },
    reverse_charge="Autoliquidation : la taxe est due par le preneur.",
    items={"seats": "Sièges", "year": "Annuel"},
    flat="{price} forfaitaires par palier atteint",
    phrases=Phrases(
        monthly_fee="Frais mensuels pour {period}",
        seat="{seats} siège à {money} pour {period}",
        seats="{seats} sièges à {money} pour {period}",
        part_of_days=", {days} jours sur {of_days}",
        minimum="Minimum de {money} pour {entry}, au lieu de {amount}",
        maximum="Plafond de {money} pour {entry}, au lieu de {amount}",
        above="entrées de plus de {tokens} jetons",
        commitment="Engagement minimum de {money}{parts}, moins {amount} d’utilisation et de frais",
        yearly_commitment=(
            "Engagement annuel de {money}{parts}, moins {amount} d’utilisation et de frais de {period} à {last}"
        ),
        days_of_amount="{days} jours sur {of_days} de {amount}",
        overage="{money} d’utilisation au-delà de l’engagement minimum de {agreed}, à {percent} % de son prix",
        overage_of_year="{money} d’utilisation au-delà de l’engagement annuel de {agreed}, à {percent} % de son prix",
        item="{text} ({date})",
        coupon="Remise {id}",
        coupon_in_percent="Remise {id} : {percent} % de {money}",
        part_taxed_as=", part imposée comme {kind}",
        credit="Crédit prépayé {id}",
        reduction="Avoir sur la ligne {line} de {invoice} ({text}) : {reason}",
    ),
)

LANGUAGES: Mapping[str, Words] = {"en": ENGLISH, "de": GERMAN, "fr": FRENCH}
"""By their primary subtag (BCP 47)."""


def words_of(language: str) -> Words:
    """Return the words of a language tag: ``de-AT`` has those of ``de``. Raises ``KeyError`` for another language."""
    return LANGUAGES[language.replace("_", "-").partition("-")[0].lower()]
