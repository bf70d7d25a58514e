"""The real moto server process: started once, shared, recognized and cleaned up after."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from rehearsal.servers import process
from rehearsal.servers.moto import MotoNotRunning, MotoServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MotoServer]:
    server = MotoServer(tmp_path / "moto")
    yield server
    server.stop()


def test_a_second_start_adopts_the_server_and_what_is_in_it(server: MotoServer) -> None:
    first = server.start()
    server.client("sqs", "111122223333", "eu-west-1").create_queue(QueueName="kept")
    another = MotoServer(server._directory)
    assert another.start() == first
    queues = another.client("sqs", "111122223333", "eu-west-1").list_queues()["QueueUrls"]
    assert len(queues) == 1


def test_starts_at_the_same_time_end_in_one_server(server: MotoServer) -> None:
    with ThreadPoolExecutor(4) as pool:
        starts = [pool.submit(MotoServer(server._directory).start) for _ in range(4)]
    assert len({start.result() for start in starts}) == 1


def test_a_killed_server_leaves_nothing_and_its_successor_is_another_generation(
    server: MotoServer,
) -> None:
    first = server.start()
    os.kill(first.pid, signal.SIGKILL)
    while process.find(server._directory / "moto.pid"):
        time.sleep(0.01)
    assert server.status() is None
    assert server.generation is None
    with pytest.raises(MotoNotRunning, match="patchworks local start"):
        server.client("sqs", "111122223333", "eu-west-1")
    assert server.start().generation != first.generation
    assert "QueueUrls" not in server.client("sqs", "111122223333", "eu-west-1").list_queues()


def test_a_stopped_server_is_gone_and_stopping_again_is_fine(server: MotoServer) -> None:
    assert server.stop() is False
    pid = server.start().pid
    assert server.stop() is True
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert server.stop() is False


def test_a_process_that_only_has_the_server_s_id_is_left_alone(server: MotoServer) -> None:
    running = server.start()
    pidfile = server._directory / "moto.pid"
    boot, pid, rest = pidfile.read_text().split(" ", 2)
    pidfile.write_text(f"{boot} {os.getpid()} {rest}")
    assert server.status() is None
    assert server.stop() is False
    pidfile.write_text(f"{boot} {pid} {rest}")
    assert server._address.exists() is False
    process.stop(pidfile)
    assert running.port > 0


def test_the_account_of_a_client_is_the_one_that_was_asked_for(server: MotoServer) -> None:
    server.start()
    for account in ("111122223333", "444455556666"):
        identity = server.client("sts", account, "eu-west-1").get_caller_identity()
        assert identity["Account"] == account


def test_the_user_s_own_aws_settings_lead_nowhere_else(
    server: MotoServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[profile real]\nregion = us-west-2\nendpoint_url = https://example.invalid\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "real")
    monkeypatch.setenv("AWS_ACCOUNT_ID", "999999999999")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server.start()
    identity = server.client("sts", "111122223333", "eu-west-1").get_caller_identity()
    assert identity["Account"] == "111122223333"


def test_an_api_that_moto_lacks_is_refused_at_once(server: MotoServer) -> None:
    server.start()
    ec2 = server.client("ec2", "111122223333", "eu-west-1")
    with pytest.raises(ClientError, match="501"):
        ec2.create_client_vpn_endpoint(
            ClientCidrBlock="10.0.0.0/16",
            ServerCertificateArn="arn:aws:acm:eu-west-1:111122223333:certificate/a",
            AuthenticationOptions=[],
            ConnectionLogOptions={"Enabled": False},
        )


def test_a_bucket_that_denies_plain_http_takes_objects_all_the_same(server: MotoServer) -> None:
    server.start()
    s3 = server.client("s3", "111122223333", "eu-west-1")
    s3.create_bucket(Bucket="closed", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    denial = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::closed/*",
    }
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    policy = {"Version": "2012-10-17", "Statement": [denial | {"Condition": condition}]}
    s3.put_bucket_policy(Bucket="closed", Policy=json.dumps(policy))
    s3.put_object(Bucket="closed", Key="a", Body=b"1")

    s3.put_bucket_policy(Bucket="closed", Policy=json.dumps(policy | {"Statement": [denial]}))
    with pytest.raises(ClientError, match="Forbidden"):
        s3.put_object(Bucket="closed", Key="a", Body=b"2")
