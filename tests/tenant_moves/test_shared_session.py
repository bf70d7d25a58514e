"""A client of a shared role serves for longer than one session of that role lasts."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer
from moto.sts.exceptions import STSClientError
from moto.sts.models import STSBackend

from catalog.load import find_root, load
from components.aws.shared_role import shared_role_arn
from tenant_moves import ambient, route, shared_session
from tenant_moves.slices import Slice

if TYPE_CHECKING:
    from collections.abc import Iterator

ORGANIZATION = load(find_root()).organization
MANAGEMENT = ORGANIZATION.accounts.management
HOSTNAME = "brightwater.example.com"
BALANCERS = ("lb-one.elb.amazonaws.com", "lb-two.elb.amazonaws.com")
LASTS = 10
"""Seconds for which a session lasts."""


class Sessions:
    """A moto whose sessions soon end, which says when each of them was given and used."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ends: dict[str, datetime] = {}
        self.roles: list[str] = []
        self.used: list[tuple[str, datetime]] = []
        self._assume_role = STSBackend.assume_role
        monkeypatch.setattr(STSBackend, "assume_role", lambda *by, **asked: self.give(*by, **asked))

    def give(self, backend: STSBackend, **asked: Any) -> Any:
        given = self._assume_role(backend, **asked)
        ends = datetime.now(UTC) + timedelta(seconds=LASTS)
        given.expiration = ends.replace(tzinfo=None)
        self.ends[given.access_key_id] = ends
        self.roles.append(asked["role_arn"])
        return given

    def note(self, request: Any, **_: Any) -> None:
        signature = request.headers["Authorization"]
        text = signature.decode() if isinstance(signature, bytes) else signature
        key = text.partition("Credential=")[2].partition("/")[0]
        self.used.append((key, datetime.now(UTC)))


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sessions]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setattr(ambient, "_clients", {})
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    yield Sessions(monkeypatch)
    server.stop()


def test_a_route_is_changed_after_the_first_session_of_the_shared_role_has_ended(
    sessions: Sessions,
) -> None:
    client = ambient.AmbientAws(ORGANIZATION).client("route53", MANAGEMENT, "eu-west-1")
    client.meta.events.register("before-send.route53", sessions.note)
    zone = client.create_hosted_zone(Name="example.com", CallerReference="z")["HostedZone"]["Id"]
    (first, _), *_ = sessions.used
    for balancer in BALANCERS:
        while datetime.now(UTC) <= sessions.ends[sessions.used[-1][0]]:
            time.sleep(0.1)
        at = Slice("cell", "bucket", "secret", "key", balancer, "Z32O12XQLNTSW2")
        route.point(client, zone, [HOSTNAME], at)
        assert route.points_at(client, zone, HOSTNAME) == balancer
    assert set(sessions.roles) == {shared_role_arn(ORGANIZATION, "dns")}
    assert sessions.used[-1][0] != first
    for key, when in sessions.used:
        assert when < sessions.ends[key]


def test_a_role_that_lets_nobody_in_is_told_at_once(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise STSClientError("AccessDenied", "not you")

    monkeypatch.setattr(STSBackend, "assume_role", refuse)
    own = boto3.session.Session(region_name="eu-west-1")
    config = Config(retries={"total_max_attempts": 1})
    with pytest.raises(ClientError, match="not you"):
        shared_session.of(own, shared_role_arn(ORGANIZATION, "dns"), "test", "eu-west-1", config)
    assert sessions.roles == []
