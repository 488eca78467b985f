"""Only allowed addresses are asked: each way around the list is refused before anything is sent."""

import ipaddress
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from careloop.errors import Unavailable
from careloop.outside import AllowList, NotAllowed, fetch, fetching

HERE = AllowList(frozenset({"127.0.0.1", "localhost"}), loopback=True)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        self.server.seen.append((self.path, self.headers["Host"], self.rfile.read(length)))
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"x" * (5000 if self.path == "/large" else 2))

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    one = HTTPServer(("127.0.0.1", 0), Handler)
    one.seen = []
    threading.Thread(target=one.serve_forever, daemon=True).start()
    yield one
    one.shutdown()
    one.server_close()


def url(server, path: str, host: str = "127.0.0.1") -> str:
    return f"http://{host}:{server.server_port}{path}"


def test_an_allowed_host_gets_the_request_under_its_own_name(server):
    answer = fetch("POST", url(server, "/a", "localhost"), HERE, body=b"hello")
    assert (answer.status, answer.body) == (200, b"xx")
    assert server.seen == [("/a", f"localhost:{server.server_port}", b"hello")]


def test_a_redirect_is_an_answer_and_not_followed(server):
    assert fetch("POST", url(server, "/moved"), HERE).status == 302
    assert [path for path, *_ in server.seen] == ["/moved"]


def test_an_answer_that_is_too_large_is_cut_off(server):
    with pytest.raises(Unavailable):
        fetch("POST", url(server, "/large"), HERE, most_bytes=1000)


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/",
        "https://other.example/",
        "https://example.org:8443/",
        "https://user@example.org/",
        "https://example.org/#x",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https:///",
        "https://example.org:port/",
        "https://127.0.0.1/",
        "https://example.org.evil.example/",
    ],
)
def test_what_is_not_on_the_list_is_refused(address):
    with pytest.raises(NotAllowed):
        AllowList(frozenset({"example.org"})).check(address)


def test_a_port_is_allowed_by_name():
    assert AllowList(frozenset({"example.org:8443"})).check("https://example.org:8443/x").port == 8443


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "127.0.0.1", "0.0.0.0", "::1", "fe80::1", "fd00::1",
     "::ffff:127.0.0.1", "::ffff:10.0.0.1", "224.0.0.1", "100.64.0.1"],
)  # fmt: skip
def test_a_name_that_leads_inside_is_refused(monkeypatch, address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = [(family, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443)), (family, 1, 6, "", (address, 443))]
    monkeypatch.setattr(fetching.socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(NotAllowed):
        fetch("POST", "https://example.org/", AllowList(frozenset({"example.org"})))


def test_loopback_needs_a_list_that_says_so(server):
    with pytest.raises(NotAllowed):
        fetch("POST", url(server, "/a"), AllowList(frozenset({"127.0.0.1"})))
    assert server.seen == []
    assert ipaddress.ip_address("127.0.0.1").is_loopback


def test_nobody_there_is_unavailable():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(Unavailable):
        fetch("POST", f"http://127.0.0.1:{port}/", HERE, seconds=1)


def test_plain_http_leads_nowhere_but_here():
    allow = AllowList(frozenset({"example.org", "localhost"}), loopback=True)
    with pytest.raises(NotAllowed):
        allow.check("http://example.org/")
    assert allow.check("http://localhost:8000/").port == 8000
    assert allow.check("https://example.org/").port is None
