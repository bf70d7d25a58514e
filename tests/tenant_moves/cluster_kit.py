"""A cluster's API as far as movers use it: pods, a Secret, and commands that really run.

There is no kubelet here to run pods, so an API server of Kubernetes' own could run no command in
one. This one speaks HTTP and the WebSocket protocol of the real one, over TLS. Who asks it learns
from AWS STS by the signed request in the token, as EKS does.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import ipaddress
import json
import os
import selectors
import socket
import ssl
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from requests.adapters import HTTPAdapter
from urllib3 import Retry
from websockets.exceptions import InvalidState
from websockets.frames import Opcode
from websockets.server import ServerProtocol

from components.kubernetes.pooler_config import DIRECTORY

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from pods_kit import PoolerPod

PREFIX = "k8s-aws-v1."


@dataclass
class ClusterApi:
    """One cluster with one tenant's pooler in it."""

    name: str
    directory: Path
    namespace: str
    secret: dict[str, str]
    pods: dict[str, PoolerPod]
    lets_in: str = ""
    """How the ARN of whoever may ask goes on after the account, or nothing for anybody."""
    asked: list[str] = field(default_factory=list)
    callers: set[str] = field(default_factory=set)
    image_has_psql: bool = True
    runs_commands: bool = True
    """Else it takes the request and says nothing."""
    settle: Callable[[], None] = lambda: None
    """Does what the cluster's controllers would have done before pods are asked for."""

    def __post_init__(self) -> None:
        self.authority = certificate(self.directory)
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(self.directory / "cluster.pem")
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        # Whoever waits for a connection is told; a closed socket alone would leave it waiting.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for pod in self.pods.values():
            pod.stop()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(plain,), daemon=True).start()

    def _answer(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError), self._tls.wrap_socket(plain, server_side=True) as wire:
            while self._request(wire):
                pass

    def _request(self, wire: ssl.SSLSocket) -> bool:
        raw = b""
        while b"\r\n\r\n" not in raw:
            piece = wire.recv(65536)
            if not piece:
                return False
            raw += piece
        head, _, body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            piece = wire.recv(65536)
            if not piece:
                return False
            body += piece
        parts = urlsplit(target)
        path = unquote(parts.path)
        self.asked.append(f"{method} {path}")
        try:
            refusal = self._refusal(headers.get("authorization", ""))
        except requests.RequestException as error:
            say(wire, 500, {"kind": "Status", "message": f"STS does not answer: {error!r}"})
            return True
        if refusal:
            say(wire, 403, {"kind": "Status", "message": refusal})
        elif headers.get("upgrade") == "websocket":
            name = path.removesuffix("/exec").rpartition("/")[2]
            if name not in self.pods or self.pods[name].process is None:
                say(wire, 404, {"kind": "Status", "message": f'pods "{name}" not found'})
                return True
            if not self.runs_commands:
                wire.recv(1)
                return False
            Exec(wire, self.pods[name], parse_qs(parts.query)["command"], self).run(raw)
            return False
        else:
            self._object(wire, method, path, parse_qs(parts.query), body)
        return True

    def _object(
        self, wire: ssl.SSLSocket, method: str, path: str, query: dict[str, list[str]], body: bytes
    ) -> None:
        inside = f"/api/v1/namespaces/{self.namespace}"
        if (method, path) == ("GET", f"{inside}/pods"):
            assert query["labelSelector"] == ["app.kubernetes.io/name=pooler"]
            self.settle()
            items = [
                {"metadata": {"name": pod.name}, "status": {"phase": "Running"}}
                for pod in self.pods.values()
            ]
            say(wire, 200, {"kind": "PodList", "items": items})
        elif (method, path) == ("PATCH", f"{inside}/secrets/pooler"):
            changed = json.loads(body)["data"]
            self.secret |= {key: base64.b64decode(text).decode() for key, text in changed.items()}
            say(wire, 200, {"kind": "Secret"})
        else:
            say(wire, 404, {"kind": "Status", "message": f"{path} not found"})

    def _refusal(self, authorization: str) -> str:
        token = authorization.removeprefix("Bearer ")
        if not token.startswith(PREFIX):
            return "no token"
        encoded = token.removeprefix(PREFIX)
        url = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
        assert "Action=GetCallerIdentity" in url
        assert "x-k8s-aws-id" in url.partition("X-Amz-SignedHeaders=")[2].partition("&")[0]
        parts = urlsplit(url)
        signed = parse_qs(parts.query)
        session = {key: signed[key][0] for key in ("X-Amz-Security-Token",) if key in signed}
        # moto takes a signed address for one of S3, so that it is asked in the other form.
        with requests.Session() as asking:
            # As clusters do where AWS drops a connection.
            retries = Retry(total=5, allowed_methods=None, backoff_factor=0.1)
            asking.mount("http://", HTTPAdapter(max_retries=retries))
            answer = asking.post(
                f"{parts.scheme}://{parts.netloc}/",
                data={name: signed[name] for name in ("Action", "Version")},
                headers=session
                | {
                    "Authorization": "AWS4-HMAC-SHA256 "
                    f"Credential={signed['X-Amz-Credential'][0]}, SignedHeaders=host, Signature=0"
                },
                timeout=300,
            )
        arn = answer.text.partition("<Arn>")[2].partition("</Arn>")[0]
        self.callers.add(arn)
        return "" if self.lets_in in arn else f"{arn} is not let in"


class Exec:
    """A command in a pod, its streams on the channels of one WebSocket.

    One thread reads and writes: two at once on one TLS session bring down the whole process.
    """

    def __init__(
        self, wire: ssl.SSLSocket, pod: PoolerPod, command: list[str], api: ClusterApi
    ) -> None:
        self._wire, self._pod = wire, pod
        self._command = command if api.image_has_psql else ["no-such-program"]
        self._protocol = ServerProtocol(
            subprotocols=["v5.channel.k8s.io", "v4.channel.k8s.io"]  # type: ignore[list-item]
        )

    def run(self, head: bytes) -> None:
        self._protocol.receive_data(head)
        (request,) = self._protocol.events_received()
        self._protocol.send_response(self._protocol.accept(request))  # type: ignore[arg-type]
        self._flush()
        try:
            process = self._pod.run(self._command)
        except FileNotFoundError:
            said = f'exec: "{self._command[0]}": executable file not found in $PATH'
            self._end({"status": "Failure", "message": said})
            return
        with process, contextlib.suppress(OSError, InvalidState):
            try:
                self._serve(process)
            finally:
                process.kill()

    def _serve(self, process: subprocess.Popen[bytes]) -> None:
        """Pass on what either side says, until the client leaves."""
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._wire, selectors.EVENT_READ, 0)
            for channel, stream in ((1, process.stdout), (2, process.stderr)):
                assert stream is not None
                waiting.register(stream, selectors.EVENT_READ, channel)
            while True:
                for key, _ in waiting.select():
                    if key.data == 0:
                        if not self._take(process):
                            return
                    elif piece := os.read(key.fd, 65536):
                        self._send(key.data, piece)
                    else:
                        waiting.unregister(key.fileobj)
                        if len(waiting.get_map()) == 1:
                            self._end(status_of(process.wait()))

    def _take(self, process: subprocess.Popen[bytes]) -> bool:
        """Take in what the client has sent; whether it is there still."""
        assert process.stdin is not None
        data = self._wire.recv(65536)
        while self._wire.pending():
            data += self._wire.recv(65536)
        if not data:
            return False
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if event.opcode is Opcode.BINARY and event.data[:1] == b"\0":  # type: ignore[union-attr]
                text = event.data[1:]  # type: ignore[union-attr]
                mount = str(self._pod.directory).encode()
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.write(text.replace(DIRECTORY.encode(), mount))
                    process.stdin.flush()
        self._flush()
        return self._protocol.close_rcvd is None

    def _send(self, channel: int, content: bytes) -> None:
        self._protocol.send_binary(bytes([channel]) + content)
        self._flush()

    def _end(self, status: dict[str, str]) -> None:
        self._send(3, json.dumps(status).encode())
        self._protocol.send_close(1000)
        self._flush()

    def _flush(self) -> None:
        for piece in self._protocol.data_to_send():
            if piece:
                self._wire.sendall(piece)


def status_of(code: int) -> dict[str, str]:
    return {"status": "Success"} if code == 0 else {"status": "Failure", "message": str(code)}


def say(wire: ssl.SSLSocket, status: int, body: dict[str, Any]) -> None:
    content = json.dumps(body).encode()
    wire.sendall(
        f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content
    )


def certificate(directory: Path) -> str:
    """An authority of its own for 127.0.0.1; its certificate as text."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kubernetes")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    text = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (directory / "cluster.pem").write_bytes(private + text)
    return text.decode()
