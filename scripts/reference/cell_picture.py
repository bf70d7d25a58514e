"""The picture of a cell with one tenant in it, drawn from their graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.reference.cell_facts import CellFacts, Database, facts
from scripts.reference.svg import Drawing

if TYPE_CHECKING:
    from rehearsal.graph import Graph

FRAME_LEFT, FRAME_RIGHT = 222.0, 1006.0
INSIDE_LEFT, INSIDE_RIGHT = 238.0, 970.0
"""Between these lie the zones; to their right a lane for the way to the database."""
LANE = 986.0
OUTSIDE_LEFT, OUTSIDE_WIDTH = 12.0, 176.0
ASIDE_LEFT, ASIDE_WIDTH = 1030.0, 178.0
ROW = 58.0
"""Height of one database's row."""


def cell_picture(cell: Graph, tenant: Graph) -> str:
    """The SVG's text."""
    return str(_Picture(facts(cell, tenant), cell.stack.partition(".")[2]).draw())


class _Picture:
    """One drawing under way: rows from top to bottom, zones from left to right."""

    def __init__(self, shown: CellFacts, name: str) -> None:
        self.facts = shown
        self.name = name
        self.zones = sorted(shown.subnets["private"])
        self.databases = [*shown.tenant_databases, *shown.databases]
        self.isolated_top = 566.0
        self.isolated_height = 34 + ROW * len(self.databases)
        self.bottom = self.isolated_top + self.isolated_height + 22
        title = f"The cell {name}: network, cluster, databases, and one tenant in it"
        self.drawing = Drawing(1220, int(self.bottom) + 14, title)

    def draw(self) -> Drawing:
        d, f = self.drawing, self.facts
        d.box(FRAME_LEFT, 12, FRAME_RIGHT - FRAME_LEFT, self.bottom - 12, "frame")
        d.text(FRAME_LEFT + 16, 40, f"Cell {self.name}", "title")
        d.text(INSIDE_RIGHT - 172, 40, f"{f.region} · VPC {f.network}", "small")
        self._tiers()
        self._ingress()
        self._namespace()
        self._nodes()
        self._people()
        self._databases()
        self._aside()
        return d

    def _columns(self) -> list[tuple[str, float, float]]:
        """Each zone with its left edge and its width."""
        gap = 12.0
        width = (INSIDE_RIGHT - INSIDE_LEFT - gap * (len(self.zones) - 1)) / len(self.zones)
        return [(zone, INSIDE_LEFT + i * (width + gap), width) for i, zone in enumerate(self.zones)]

    def _tiers(self) -> None:
        d = self.drawing
        for tier, top, height in (
            ("public", 82.0, 104.0),
            ("private", 200.0, 350.0),
            ("isolated", self.isolated_top, self.isolated_height),
        ):
            for zone, left, width in self._columns():
                d.box(left, top, width, height, tier)
                # Ways in come from above, so the private subnets say their ranges below.
                line = top + (height - 8 if tier == "private" else 18)
                d.text(left + 10, line, f"{tier} {self.facts.subnets[tier][zone]}", "small")
        for zone, left, width in self._columns():
            d.text(left + width / 2, 70, f"zone {zone}", "middle name")
            if zone in self.facts.nat_zones:
                d.text(left + width - 78, 100, "NAT gateway", "small")

    def _ingress(self) -> None:
        d, f = self.drawing, self.facts
        columns = [column for column in self._columns() if column[0] in f.balancer_zones]
        left, right = columns[0][1] + 14, columns[-1][1] + columns[-1][2] - 14
        d.labelled(
            left, 118, right - left, 54, "tenant",
            "Load balancer and firewall of the tenant",
            f"{' and '.join(f.hostnames)} · {f.firewall_rules} firewall rules",
        )  # fmt: skip
        d.labelled(
            OUTSIDE_LEFT, 118, OUTSIDE_WIDTH, 54, "tenant",
            "Users and systems", f"{f.allowed_networks} networks allowed",
        )  # fmt: skip
        d.arrow((OUTSIDE_LEFT + OUTSIDE_WIDTH, 145), (left, 145))

    def _namespace(self) -> None:
        d, f = self.drawing, self.facts
        top, left, width = 212.0, INSIDE_LEFT + 14, INSIDE_RIGHT - INSIDE_LEFT - 28
        d.box(left, top, width, 92, "tenant")
        d.text(left + 12, top + 79, f"Namespace {f.namespace}", "name")
        # Services that are reached from outside stand first, and the pooler last.
        services = sorted(f.services, key=lambda name: name not in f.public_services)
        step = (width - 24) / (len(services) + 1)
        for number, service in enumerate(services):
            x = left + 12 + number * step
            d.labelled(x, top + 18, step - 10, 40, "part", service)
            if service in f.public_services:
                d.arrow((x + step / 2 - 5, 172), (x + step / 2 - 5, top + 18))
        x = left + 12 + len(services) * step
        d.labelled(x, top + 18, step, 40, "part", "pooler", "PgBouncer")
        end = self.isolated_top + 26 + ROW / 2 - 3
        d.arrow((x + step, top + 38), (LANE, top + 38), (LANE, end), (INSIDE_RIGHT - 14, end))

    def _nodes(self) -> None:
        d, f = self.drawing, self.facts
        for zone, left, width in self._columns():
            if zone in f.system_nodes:
                d.labelled(
                    left + 14, 316, width - 28, 48, "part", "System nodes", f.system_nodes[zone]
                )
        d.labelled(
            INSIDE_LEFT + 14, 376, INSIDE_RIGHT - INSIDE_LEFT - 28, 30, "part",
            f"Nodes for tenants, as needed: pools {' and '.join(f.node_pools)} (Karpenter)",
        )  # fmt: skip

    def _people(self) -> None:
        d, f = self.drawing, self.facts
        left, width = INSIDE_LEFT + 14, 300.0
        api = left + width + 44
        d.labelled(left, 418, width, 46, "part", "Client VPN", f"clients {f.vpn_clients}")
        d.labelled(left, 474, width, 46, "part", "CI runners", f.runners)
        d.labelled(
            api, 418, INSIDE_RIGHT - 14 - api, 102, "part",
            f"Kubernetes {f.kubernetes}",
            "API reached from this network only" if f.api_is_private else "API open to the world",
        )  # fmt: skip
        d.labelled(OUTSIDE_LEFT, 418, OUTSIDE_WIDTH, 46, "part", "People", ", ".join(f.vpn_groups))
        d.labelled(OUTSIDE_LEFT, 474, OUTSIDE_WIDTH, 46, "part", "GitHub", "jobs that deploy")
        for y in (441.0, 497.0):
            d.arrow((OUTSIDE_LEFT + OUTSIDE_WIDTH, y), (left, y))
            d.arrow((left + width, y), (api, y))

    def _databases(self) -> None:
        for number, database in enumerate(self.databases):
            top = self.isolated_top + 26 + number * ROW
            self._database(database, top, number < len(self.facts.tenant_databases))

    def _database(self, database: Database, top: float, owned: bool) -> None:
        d = self.drawing
        left, width = INSIDE_LEFT + 14, INSIDE_RIGHT - INSIDE_LEFT - 28
        d.box(left, top, width, ROW - 6, "tenant" if owned else "part")
        about = f"PostgreSQL {database.engine_version} · {database.size}"
        d.text(left + 10, top + 17, f"{database.name} · {about}", "name")
        for zone, column, room in self._columns():
            roles = database.roles.get(zone, [])
            for number, role in enumerate(roles):
                x = column + room / 2 - 33 * len(roles) + 66 * number + 3
                look = "writer" if role == "writer" else "part"
                d.box(x, top + 25, 60, 22, look)
                d.text(x + 30, top + 40, role, f"middle on-{look}")

    def _aside(self) -> None:
        d, f = self.drawing, self.facts
        middle = ASIDE_LEFT + ASIDE_WIDTH / 2
        d.labelled(
            ASIDE_LEFT, 118, ASIDE_WIDTH, 86, "tenant",
            "Of the tenant alone", "key, bucket, secret,", f"{f.roles} roles, certificate,",
            "DNS records",
        )  # fmt: skip
        d.labelled(
            ASIDE_LEFT, 300, ASIDE_WIDTH, 54, "part",
            f"{f.endpoints} VPC endpoints", "AWS without the internet",
        )  # fmt: skip
        top = self.isolated_top
        d.labelled(ASIDE_LEFT, top, ASIDE_WIDTH, 46, "part", "Backups", f"vault {f.vault}")
        d.labelled(
            ASIDE_LEFT, top + 86, ASIDE_WIDTH, 62, "part",
            "Copies", f"vault {f.copies}", f"in {f.copies_region}",
        )  # fmt: skip
        d.arrow((FRAME_RIGHT, 327), (ASIDE_LEFT, 327))
        d.arrow((middle, top + 46), (middle, top + 86))
        d.arrow((FRAME_RIGHT, top + 23), (ASIDE_LEFT, top + 23))
