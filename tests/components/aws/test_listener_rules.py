"""The arithmetic of listener rules."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.aws.listener_rules import HOSTS_PER_RULE, Route, patterns, rules

SEGMENT = st.text(alphabet="abc1-", min_size=1, max_size=4)
PATHS = st.lists(
    st.lists(SEGMENT, max_size=4).map(lambda parts: "/" + "/".join(parts)),
    min_size=1,
    max_size=20,
    unique=True,
)
HOSTS = st.integers(1, 20).map(lambda n: [f"h{i}.acme.example" for i in range(n)])


def routes(paths):
    return [
        Route(service=f"s{i}", path=path, port=8080, health_path="/healthz")
        for i, path in enumerate(paths)
    ]


def served_by(found, hostname, path):
    """The service of the first rule that matches, as the load balancer chooses it."""
    for rule in sorted(found, key=lambda rule: rule.priority):
        if hostname in rule.hostnames and any(fnmatchcase(path, p) for p in rule.paths):
            return rule.service
    return None


@given(PATHS, HOSTS)
def test_priorities_are_distinct_and_within_what_a_listener_has(paths, hostnames):
    priorities = [rule.priority for rule in rules(routes(paths), hostnames)]
    assert len(set(priorities)) == len(priorities)
    assert all(1 <= priority <= 50_000 for priority in priorities)


@given(PATHS, HOSTS)
def test_no_rule_holds_more_values_than_aws_takes(paths, hostnames):
    found = rules(routes(paths), hostnames)
    assert all(len(rule.hostnames) + len(rule.paths) <= 5 for rule in found)
    assert all(len(rule.hostnames) <= HOSTS_PER_RULE for rule in found)


@given(PATHS, HOSTS, st.data())
def test_a_request_goes_to_the_deepest_route_whatever_its_hostname(paths, hostnames, data):
    all_routes = routes(paths)
    wanted = data.draw(st.sampled_from(all_routes))
    hostname = data.draw(st.sampled_from(hostnames))
    request = f"{wanted.path.rstrip('/')}/zzzzz"
    assert served_by(rules(all_routes, hostnames), hostname, request) == wanted.service


def test_a_route_matches_whole_segments_only():
    assert patterns("/api") == ("/api", "/api/*")
    found = rules(routes(["/api"]), ["h"])
    assert served_by(found, "h", "/api") == "s0"
    assert served_by(found, "h", "/apis") is None


def test_the_root_matches_everything():
    assert patterns("/") == ("/*",)


def test_a_new_route_does_not_move_the_others():
    before = {rule.service: rule.priority for rule in rules(routes(["/", "/api"]), ["h"])}
    after = {rule.service: rule.priority for rule in rules(routes(["/", "/api", "/b"]), ["h"])}
    assert before.items() <= after.items()


def test_routes_that_collide_are_refused_all_at_once():
    colliding = [
        Route(service="a", path="/x", port=1024, health_path="/"),
        Route(service="b", path="/x/", port=1024, health_path="/"),
        Route(service="b", path="/y", port=1024, health_path="/"),
    ]
    with pytest.raises(ValueError, match="path /x has 2 routes; service b has 2 routes"):
        rules(colliding, ["h"])
