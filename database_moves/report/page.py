"""Shows the report of a move as one HTML page that needs nothing else, not even a script."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from database_moves.report import sections, wording
from database_moves.report.svg import element, text

if TYPE_CHECKING:
    from database_moves.report.document import MoveReport

# Should a name ever get through unescaped, no browser runs or fetches it.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

_BADGES = {"finished": "good", "soak": "good", "aborted": "bad", "rolled-back": "warn"}


def page(report: MoveReport) -> str:
    """The whole page."""
    style = (files("database_moves.report") / "page.css").read_text(encoding="utf-8")
    head = (
        '<meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="color-scheme" content="light dark">'
        + element("title", text(f"Move {report.move}"))
        + element("style", style)
    )
    body = element("header", _heading(report)) + element("main", _main(report)) + _footer(report)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _heading(report: MoveReport) -> str:
    look = _BADGES.get(report.phase, "plain")
    badge = element("span", text(report.phase), class_=f"badge {look}")
    way = " → ".join(
        f"{server.address} ({wording.server(server.server_version)})"
        for server in (report.source, report.target)
    )
    return (
        element("p", "Move of a database", class_="eyebrow")
        + element("h1", text(report.move) + " " + badge)
        + element("p", text(way), class_="way")
        + element("p", text(report.headline), class_="headline")
        + (
            element("p", text(f"The last try failed: {report.error}"), class_="bad error")
            if report.error
            else ""
        )
    )


def _main(report: MoveReport) -> str:
    return (
        sections.summary(report)
        + sections.remains(report)
        + sections.swaps(report)
        + sections.time_line(report)
        + sections.measurements(report)
        + sections.verification(report)
        + sections.details(report)
    )


def _footer(report: MoveReport) -> str:
    said = f"Written by patchworks on {report.generated:%Y-%m-%d %H:%M:%S} UTC."
    return element("footer", element("p", text(said)))
