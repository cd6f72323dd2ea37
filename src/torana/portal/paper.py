"""Invoices to print and to reckon with."""

import csv
import io
from html import escape

from torana.services.portal.billing import Invoice

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 3rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin: 2rem 0 }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #888 }
.n { text-align: right; font-variant-numeric: tabular-nums }
tfoot td { font-weight: 700; border-bottom: 0 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.5rem }
dt { opacity: .75 } dd { margin: 0 }
@media print { body { margin: 0 } }
"""
COLUMNS = ("application", "product", "plan", "calls", "included", "fee", "charge", "amount")


def as_csv(invoice: Invoice) -> str:
    """A row a line; what a spreadsheet would take for a formula is text."""
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(["number", "month", "currency", *COLUMNS])
    for line in invoice.lines:
        own = [_text(getattr(line, name)) for name in COLUMNS]
        writer.writerow([invoice.number, invoice.month, invoice.currency, *own])
    return made.getvalue()


def as_html(invoice: Invoice, seller: str, nonce: str) -> str:
    """A page to print; `seller` is the portal's name."""
    heads = "".join(
        f'<th scope="col"{_side(name)}>{escape(name.capitalize())}</th>' for name in COLUMNS
    )
    rows = "".join(
        "<tr>"
        + "".join(f"<td{_side(name)}>{escape(str(getattr(line, name)))}</td>" for name in COLUMNS)
        + "</tr>"
        for line in invoice.lines
    )
    facts = {
        "Number": invoice.number,
        "Month": invoice.month,
        "For": invoice.email,
        "From": seller,
        "State": "Final" if invoice.final else "So far: the month is not over",
    }
    listed = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    sum_up = (
        f'<tr><td colspan="{len(COLUMNS) - 1}">Total</td>'
        f'<td class="n">{escape(invoice.total)} {escape(invoice.currency)}</td></tr>'
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>Invoice {escape(invoice.number)}</title>"
        f'<style nonce="{nonce}">{_STYLE}</style></head><body><main>'
        f"<h1>Invoice {escape(invoice.number)}</h1><dl>{listed}</dl>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody><tfoot>{sum_up}</tfoot>"
        "</table></main></body></html>"
    )


def _side(name: str) -> str:
    return "" if name in COLUMNS[:3] else ' class="n"'


def _text(value: object) -> str:
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
