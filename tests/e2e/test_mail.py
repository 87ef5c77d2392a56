"""Mail to a real server with STARTTLS and AUTH: greylisted, refused for good, hanging, killed in between.

Every letter arrives at least once under one Message-ID, and at most the one in flight twice.
"""

import email
import email.policy
import json
import re
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from node import Node

DEADLINE_S = 60
NAME, PASSWORD = "laybook", "s3cret of the post"


class Post:
    """What the mail server does with each letter, and what it was given."""

    def __init__(self):
        self.lock = threading.Lock()
        self.taken = []
        self.answers = {}
        self.tries = []

    def authenticate(self, server, session, envelope, mechanism, data):
        good = (data.login, data.password) == (NAME.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=False)

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert session.ssl is not None, "a letter came in the clear"
        assert session.authenticated, "a letter came from a stranger"
        to = envelope.rcpt_tos[0]
        with self.lock:
            self.tries.append((to, message["Message-ID"]))
            answers = self.answers.get(to, [])
            answer = answers.pop(0) if answers else "250 OK"
            if answer.startswith("250"):
                self.taken.append((to, message))
        return answer

    def letters(self, to):
        with self.lock:
            return [message for known, message in self.taken if known == to]


class OwnPort(Controller):
    """Asked for port 0 it knows which one it was given before it looks whether it is there."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    directory = tmp_path_factory.mktemp("authority")
    key, chain = directory / "key.pem", directory / "chain.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", key, "-out", chain, "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-addext", "basicConstraints=critical,CA:FALSE"],
        check=True, capture_output=True,
    )
    return key, chain


@pytest.fixture
def post(certificate):
    key, chain = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    post = Post()
    controller = OwnPort(
        post, hostname="127.0.0.1", port=0, tls_context=context, require_starttls=True,
        authenticator=post.authenticate, auth_required=True, auth_require_tls=True,
    )
    controller.start()
    post.port = controller.port
    yield post
    controller.stop()


class Silent:
    """A mail server in the clear that falls silent on its first connections and never closes them.

    `at` says where: "hello" before its first word, "data" behind the letter's last dot, when it has the letter and
    says nothing of it.
    """

    def __init__(self, at, hangs):
        self.at, self.hangs, self.connections = at, hangs, []
        self.taken = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            hangs = len(self.connections) < self.hangs
            self.connections.append(client)
            if not (hangs and self.at == "hello"):
                threading.Thread(target=self._speak, args=(client, hangs), daemon=True).start()

    def _speak(self, client, hangs):
        lines = client.makefile("rb")
        say = lambda text: client.sendall(text.encode() + b"\r\n")
        say("220 silent.example")
        to = None
        while line := lines.readline():
            match line.split(b":")[0].split()[0].upper():
                case b"RCPT":
                    to = re.search(rb"<(.+)>", line).group(1).decode()
                case b"DATA":
                    say("354 go on")
                    text = b"".join(iter(lines.readline, b".\r\n"))
                    message = email.message_from_bytes(text, policy=email.policy.default)
                    self.taken.append((to, message["Message-ID"]))
                    if hangs:
                        return
                case b"QUIT":
                    say("221 bye")
                    return
            say("250 OK")

    def names(self, to):
        return [name for known, name in self.taken if known == to]

    def stop(self):
        self.socket.close()
        for client in self.connections:
            client.close()


@pytest.fixture
def silent():
    made = []

    def start(at, hangs):
        made.append(Silent(at, hangs))
        return made[-1]

    yield start
    for server in made:
        server.stop()


def settings(post, certificate, directory, **more):
    (directory / "password").write_text(PASSWORD + "\n")
    return {
        "MAIL__TRANSPORT": "smtp",
        "MAIL__SERVER": f"localhost:{post.port}",
        "MAIL__AUTHORITY": str(certificate[1]),
        "MAIL__USERNAME": NAME,
        "MAIL__PASSWORD_FILE": str(directory / "password"),
        "MAIL__FROM": "Laybook <no-reply@laybook.example>",
        "MAIL__RETRY_MS": "100",
        "MAIL__TIMEOUT_MS": "2000",
        "ACCOUNTS__PUBLIC_URL": "https://bets.example",
    } | more


@pytest.fixture
def node(post, certificate, tmp_path):
    nodes = []

    def start(**more):
        made = Node(tmp_path, settings(post, certificate, tmp_path, **more))
        nodes.append(made)
        return made

    yield start
    for node in nodes:
        said = node.said()
        node.kill()
        assert "panicked" not in said, said[-4000:]
        assert PASSWORD not in said


def ask(node, path, body):
    request = urllib.request.Request(
        f"{node.http}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def sign_up(node, name):
    body = {"username": name, "email": f"{name}@mail.example", "password": "correct horse"}
    assert ask(node, "/v1/sign-up", body) == 202
    return body["email"]


def wait(what, look):
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        if seen := look():
            return seen
        time.sleep(0.05)
    raise AssertionError(f"not in {DEADLINE_S} s: {what}")


def token_of(message):
    return re.search(r"https://bets\.example/confirm#(\w+)", message.get_content()).group(1)


def test_a_letter_comes_over_tls_from_who_has_the_password_and_its_link_works(node, post):
    running = node()
    to = sign_up(running, "zoe")
    [letter] = wait("the letter", lambda: post.letters(to))
    assert letter["To"] == to and letter["From"] == "Laybook <no-reply@laybook.example>"
    assert ask(running, "/v1/sign-up/confirm", {"token": token_of(letter)}) == 201
    assert ask(running, "/v1/sign-up/confirm", {"token": token_of(letter)}) == 410


def test_a_greylisted_letter_comes_back_under_its_name_and_others_do_not_wait(node, post):
    running = node()
    post.answers["grey@mail.example"] = ["451 4.7.1 come back later"] * 2
    grey, white = sign_up(running, "grey"), sign_up(running, "white")
    wait("the other", lambda: post.letters(white))
    wait("the greylisted", lambda: post.letters(grey))
    tries = [name for to, name in post.tries if to == grey]
    assert len(tries) == 3 and len(set(tries)) == 1


def test_a_letter_that_is_refused_for_good_is_given_up(node, post):
    running = node()
    post.answers["gone@mail.example"] = ["550 5.1.1 no such mailbox"] * 9
    gone = sign_up(running, "gone")
    after = sign_up(running, "after")
    wait("the next", lambda: post.letters(after))
    assert [to for to, _ in post.tries].count(gone) == 1
    assert "refuses a letter" in wait("the record", lambda: running.said())


def test_a_server_that_is_not_there_or_has_another_certificate_gets_no_letter_in_the_clear(
    node, post
):
    running = node(MAIL__AUTHORITY="")
    to = sign_up(running, "zoe")
    wait("a try", lambda: "takes no letter now" in running.said())
    assert post.letters(to) == [] and post.tries == []


def through(silent):
    return {
        "MAIL__SERVER": f"127.0.0.1:{silent.port}", "MAIL__TLS": "off", "MAIL__USERNAME": "",
        "MAIL__PASSWORD_FILE": "", "MAIL__TIMEOUT_MS": "400",
    }


def test_a_server_that_never_says_a_word_holds_a_letter_no_longer_than_its_time(node, silent):
    server = silent("hello", hangs=3)
    running = node(**through(server))
    first, second = sign_up(running, "first"), sign_up(running, "second")
    for to in (first, second):
        wait(f"the letter to {to}", lambda to=to: server.names(to))
    assert running.said().count("does not answer") == 3
    assert len(server.connections) == 3 + 2
    assert len(server.names(first)) == len(server.names(second)) == 1


def test_a_letter_whose_answer_never_comes_goes_again_under_its_name_also_over_a_kill(node, silent):
    server = silent("data", hangs=3)
    running = node(**through(server))
    to = sign_up(running, "zoe")
    wait("the first try", lambda: server.names(to))
    # Killed while it waits for the word on the letter: the next node has to send it again.
    running.kill()
    running = node(**through(server))
    after = wait("the letter's fourth try", lambda: server.names(to) if len(server.names(to)) == 4 else [])
    assert len(set(after)) == 1, after
    # Nobody else's letter goes again, and the one that was answered goes no more.
    other = sign_up(running, "other")
    wait("another", lambda: server.names(other))
    assert len(server.names(to)) == 4 and len(server.names(other)) == 1


def test_killed_again_and_again_every_letter_comes_and_at_most_the_one_in_flight_twice(node, post):
    kills, sent = 5, []
    for round_ in range(kills):
        running = node()
        for number in range(4):
            to = f"user{round_}x{number}@mail.example"
            post.answers[to] = ["451 later"] * (number % 2)
            sent.append(sign_up(running, f"user{round_}x{number}"))
        # Killed at once: some of the letters have gone and some have not.
        running.kill()
    running = node()
    for to in sent:
        wait(f"the letter to {to}", lambda to=to: post.letters(to))
    twice = 0
    for to in sent:
        names = [letter["Message-ID"] for letter in post.letters(to)]
        assert len(set(names)) == 1, names
        twice += len(names) - 1
    assert twice <= kills
