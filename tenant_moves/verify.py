"""Whether ledger, stack, route, poolers, secrets, buckets and databases of a tenant agree.

The databases decide who serves: a database that lets the application's role in serves. All else
must say the same; each thing that does not is a finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import make_conninfo

from database_moves.database import Database
from database_moves.errors import MoveError
from tenant_moves import cloud_faults, credentials, entries, route, sealing
from tenant_moves.absent import address
from tenant_moves.plan import under_way
from tenant_moves.slices import key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from catalog.tenant import Placement
    from stacks.ledger_table import Entry
    from tenant_moves.platform import Platform
    from tenant_moves.slices import Exports, Slice


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    part: str
    """`ledger`, `stack`, `route`, `pooler`, `secret`, `bucket` or `database`."""
    agrees: bool
    text: str
    """What there is, and what it should be where it does not agree; no credential."""


def verify(platform: Platform, tenant: str) -> list[Finding]:
    """Look at everything of a tenant and say of each part whether it agrees with the ledger.

    Nothing is changed. Raises `MoveError` where the tenant has never been brought up.
    """
    exports = platform.exports(tenant)
    entry = entries.table(platform.catalog.organization, platform.aws).entry(tenant)
    if entry is None:
        return [
            Finding("ledger", False, f"has no entry; its stack serves it from {exports.serving}")
        ]
    return list(_Look(platform, tenant, exports, entry).all())


class _Look:
    def __init__(self, platform: Platform, tenant: str, exports: Exports, entry: Entry) -> None:
        self._platform = platform
        self._catalog = platform.catalog
        self._tenant = tenant
        self._exports = exports
        self._entry = entry
        self._serving = entry.placement
        kept = [place for place in (entry.keeps,) if place is not None]
        # A move that has just begun keeps a placement that the stack does not have yet.
        known = [place for place in kept if key(place) in exports.databases]
        # Of a side that is given up nothing is asked.
        self._others = [place for place in known if place != entry.gone]

    def all(self) -> Iterator[Finding]:
        yield from self._each("ledger", self._ledger)
        yield from self._each("stack", self._stack)
        yield from self._each("route", self._route)
        yield from self._each("pooler", self._poolers)
        yield from self._each("secret", self._secrets)
        yield from self._each("bucket", self._buckets)
        yield from self._each("database", self._databases)

    def _each(self, part: str, look: Callable[[], Iterator[tuple[bool, str]]]) -> Iterator[Finding]:
        try:
            with cloud_faults.explained():
                for agrees, text in look():
                    yield Finding(part, agrees, text)
        except (MoveError, psycopg.Error, LookupError) as error:
            said = (str(error).strip().splitlines() or [type(error).__name__])[0]
            yield Finding(part, False, f"can't be looked at: {said}")

    def _ledger(self) -> Iterator[tuple[bool, str]]:
        text = f"says {key(self._serving)} serves, since revision {self._entry.revision}"
        if self._entry.move is not None:
            plan = under_way(self._entry)
            text += f", in the move {plan.move} from {key(plan.source)} to {key(plan.target)}"
        if self._entry.gone is not None:
            text += f"; {key(self._entry.gone)} is given up, and not looked at"
        yield True, text

    def _stack(self) -> Iterator[tuple[bool, str]]:
        wanted = {key(place) for place in (self._serving, self._entry.keeps) if place is not None}
        declared = self._catalog.tenants[self._tenant].placement
        missing = wanted - set(self._exports.databases)
        extra = set(self._exports.databases) - wanted - {key(declared)}
        has = ", ".join(sorted(self._exports.databases))
        if missing:
            yield False, f"has {has}, and lacks {', '.join(sorted(missing))}"
        elif extra:
            yield False, f"still has {', '.join(sorted(extra))}; bring it up again"
        else:
            protects = self._exports.serving
            text = f"has {has}, and protects {protects}"
            # The guard of a move lets a side serve before the next update protects it.
            agrees = protects == key(self._serving) or self._entry.move is not None
            yield agrees, text if agrees else f"{text}; bring it up again"

    def _route(self) -> Iterator[tuple[bool, str]]:
        organization = self._catalog.organization
        route53 = self._platform.aws.client(
            "route53", organization.accounts.management, organization.home_region
        )
        wanted = self._exports.slice(self._serving).load_balancer
        for hostname in self._exports.hostnames:
            found = route.points_at(route53, self._exports.zone_id, hostname)
            agrees = found is not None and found.lower() == wanted.lower()
            yield agrees, f"{hostname} leads to {found}" + ("" if agrees else f", not to {wanted}")

    def _poolers(self) -> Iterator[tuple[bool, str]]:
        source = self._database(self._serving)
        target = self._address(self._others[0]) if self._others else source
        gone = self._entry.gone
        for cell in self._exports.slices:
            if gone is not None and cell == gone.cell != self._serving.cell:
                continue
            try:
                for pooler in self._platform.poolers(self._tenant, source, target, [cell]):
                    state = pooler.state()
                    leads = state.points_at == "source" or target is source
                    said = f"leads to {'what serves' if leads else 'the other side'}"
                    text = f"{pooler.described} {said}" + (", and is paused" * state.paused)
                    yield leads and not state.paused, text
            except MoveError as error:
                yield False, f"the pooler in {cell} can't be asked: {error.message}"

    def _secrets(self) -> Iterator[tuple[bool, str]]:
        database = self._exports.database(self._serving)
        for at in self._slices():
            cell = self._catalog.cells[at.cell]
            client = self._platform.aws.client("secretsmanager", cell.account, cell.region)
            yield credentials.leads_to(client, at, database), f"{at.secret} in {at.cell}"
            used = credentials.key_of(client, at)
            agrees = used == at.key_arn
            yield (
                agrees,
                f"{at.secret} is encrypted with {used}"
                + ("" if agrees else f", not with its slice's {at.key_arn}"),
            )

    def _buckets(self) -> Iterator[tuple[bool, str]]:
        for at in self._slices():
            cell = self._catalog.cells[at.cell]
            client = self._platform.aws.client("s3", cell.account, cell.region)
            client.head_bucket(Bucket=at.bucket)
            sealed = sealing.is_sealed(client, at.bucket)
            serves = at.cell == self._serving.cell
            text = f"{at.bucket} is {'read-only' if sealed else 'open to writers'}"
            yield not (sealed and serves), text

    def _databases(self) -> Iterator[tuple[bool, str]]:
        for place in (self._serving, *self._others):
            serves = place is self._serving
            try:
                refusal = self._refusal(place)
            except MoveError as error:
                yield False, f"{key(place)} can't be asked: {error.message}"
                continue
            agrees = (refusal is None) == serves
            yield (
                agrees,
                f"{key(place)} "
                + ("lets the application in" if refusal is None else f"lets nobody in: {refusal}"),
            )

    def _refusal(self, place: Placement) -> str | None:
        """Why a database refuses the application's own login, or None."""
        serving = self._exports.slice(self._serving)
        cell = self._catalog.cells[serving.cell]
        client = self._platform.aws.client("secretsmanager", cell.account, cell.region)
        content = credentials.read(client, serving)
        dsn = make_conninfo(
            self._platform.mover_dsn(self._exports.database(place)),
            user=content["username"],
            password=content["password"],
            connect_timeout=30,
        )
        try:
            psycopg.connect(dsn).close()
        except psycopg.OperationalError as error:
            said = str(error).strip()
            if "FATAL:" not in said:
                raise MoveError(f"its server does not answer: {said.splitlines()[0]}") from error
            return said.rpartition("FATAL:")[2].strip().splitlines()[0]
        return None

    def _slices(self) -> list[Slice]:
        places = (self._serving, *self._others)
        return [self._exports.slices[cell] for cell in dict.fromkeys(p.cell for p in places)]

    def _address(self, place: Placement) -> Database:
        """Where the other side's database is, also where it does not answer."""
        return Database(address(self._exports.database(place)), "source")

    def _database(self, place: Placement) -> Database:
        return Database(self._platform.mover_dsn(self._exports.database(place)), "source")
