"""Who is let in, with what, and how often."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from nasd.clock import SystemClock
from nasd.domain.identity import Scope
from nasd.errors import ConfigError
from nasd.server.access import Rates
from nasd.server.allowance import REMEMBERED, Allowance, Rate
from nasd.server.app import ROUTES
from nasd.server.hosts import host_allowed
from nasd.server.routes import Route
from nasd.server.sites import serve
from tests.fakes.flows import World
from tests.unit.server.conftest import Site

OTHERS = {scope: next(other for other in (Scope.SEARCH, Scope.ASK) if other != scope) for scope in Scope}


def address(route: Route) -> str:
    return route.url.replace("{name}", "home").replace("{id}", "f_1")


@pytest.mark.parametrize("route", [route for route in ROUTES if route.scope], ids=lambda route: route.name)
async def test_every_closed_route_wants_a_token_of_its_scope(site: Site, route: Route) -> None:
    assert route.scope is not None
    nobody = await site.send(route.method, address(route), None)
    assert (nobody.status, nobody.headers["WWW-Authenticate"]) == (401, 'Bearer realm="nasd"')
    other = await site.send(route.method, address(route), OTHERS[route.scope])
    assert other.status == 403
    assert f"'{route.scope.value}'" in other.json()["detail"]


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer  ", "Basic abc", "Bearer wrong", "token-of-device-admin"]
)
async def test_what_is_no_good_token(site: Site, header: str) -> None:
    response = await site.send("GET", "/api/v1/status", None, headers={"Authorization": header})
    assert response.status == 401


async def test_the_open_routes_are_these_alone() -> None:
    assert {route.url for route in ROUTES if route.scope is None} == {
        "/healthz",
        "/readyz",
        "/metrics",
        "/",
        "/docs",
        "/web/{name}",
        "/openapi.json",
    }


async def test_the_socket_admits_its_owner_without_a_token(site: Site) -> None:
    async with site.local.get("http://localhost/api/v1/devices") as response:
        assert response.status == 200


async def test_the_socket_refuses_other_users(tmp_path: Path, short_path: Path) -> None:
    running = await serve(
        World(tmp_path).flows, host=None, socket_path=short_path / "s", admins=frozenset({4242424})
    )
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(short_path / "s"))) as session,
        session.get("http://localhost/api/v1/status") as response,
    ):
        assert response.status == 401
    await running.stop()


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost", True),
        ("LOCALHOST:8477", True),
        ("localhost.", True),
        ("127.0.0.1", True),
        ("192.168.1.7:8477", True),
        ("[::1]:8477", True),
        ("[fe80::1]", True),
        ("nas.home:1", True),
        ("evil.example", False),
        ("evil.example:8477", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("[evil]", False),
        ("[::1]x", False),
        ("localhost:x", False),
        ("::1", False),
        ("", False),
        (None, False),
    ],
)
def test_which_host_names_are_ours(host: str | None, allowed: bool) -> None:
    assert host_allowed(host, frozenset({"localhost", "nas.home"})) is allowed


async def test_a_foreign_host_name_is_refused(site: Site) -> None:
    response = await site.send("GET", "/", None, headers={"Host": "evil.example"})
    assert response.status == 421
    assert response.json()["code"] == "misdirected"


async def test_security_headers_are_on_every_reply(site: Site) -> None:
    for path in ("/", "/healthz", "/nowhere", "/api/v1/status", "/openapi.json"):
        response = await site.send("GET", path, None)
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["Server"] == "nasd"
        assert "Access-Control-Allow-Origin" not in response.headers


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.at = 100.0
        self.now = SystemClock().now

    def monotonic(self) -> float:
        return self.at


def test_an_allowance_runs_out_and_fills_up() -> None:
    clock = Hand()
    allowance = Allowance(Rate(burst=2, per_s=0.5), clock)
    assert [allowance.take("a") for _ in range(3)] == [0, 0, 2.0]
    assert allowance.take("b") == 0
    clock.at += 1
    assert allowance.wait_s("a") == 1.0
    clock.at += 1
    assert allowance.take("a") == 0
    clock.at += 1000
    assert [allowance.take("a") for _ in range(3)] == [0, 0, 2.0]


def test_a_cost_above_the_burst_is_the_whole_burst() -> None:
    allowance = Allowance(Rate(burst=2, per_s=1), Hand())
    assert allowance.take("a", 10) == 0
    assert allowance.take("a", 10) == 2.0


def test_an_allowance_remembers_a_bounded_number() -> None:
    allowance = Allowance(Rate(burst=1, per_s=1), Hand())
    for number in range(REMEMBERED + 1):
        allowance.take(str(number))
    assert allowance.take("0") == 0
    assert allowance.take(str(REMEMBERED)) > 0


async def test_guessing_tokens_is_slowed_and_good_tokens_are_not(tmp_path: Path) -> None:
    world, clock = World(tmp_path), Hand()
    rates = Rates(wrong_tokens=Rate(burst=3, per_s=0.1))
    running = await serve(world.flows, clock=clock, rates=rates)
    good = {"Authorization": f"Bearer {await world.token(Scope.SEARCH)}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{running.port}") as session:

        async def ask(headers: dict[str, str]) -> tuple[int, str | None]:
            async with session.get("/api/v1/status", headers=headers) as response:
                return response.status, response.headers.get("Retry-After")

        assert (await ask(good))[0] == 200
        guesses = [await ask({"Authorization": f"Bearer guess{n}"}) for n in range(4)]
        assert guesses == [(401, None), (401, None), (401, None), (429, "10")]
        assert (await ask(good))[0] == 200
        clock.at += 10
        assert (await ask({"Authorization": "Bearer guess"}))[0] == 401
    await running.stop()


async def test_work_is_rationed_for_devices_and_not_for_the_owner(tmp_path: Path, short_path: Path) -> None:
    world = World(tmp_path)
    rates = Rates(work=Rate(burst=2, per_s=0.5))
    running = await serve(world.flows, socket_path=short_path / "s", clock=Hand(), rates=rates)
    headers = {"Authorization": f"Bearer {await world.token(Scope.SEARCH)}"}
    connector = aiohttp.UnixConnector(str(short_path / "s"))
    async with aiohttp.ClientSession() as http, aiohttp.ClientSession(connector=connector) as local:
        url = f"http://127.0.0.1:{running.port}/api/v1/search"
        answers = []
        for _ in range(3):
            async with http.post(url, json={"query": "x"}, headers=headers) as response:
                answers.append((response.status, response.headers.get("Retry-After")))
        assert answers == [(200, None), (200, None), (429, "2")]
        for _ in range(5):
            async with local.post("http://localhost/api/v1/search", json={"query": "x"}) as response:
                assert response.status == 200
    await running.stop()


async def test_metrics_want_a_token_from_behind_a_proxy(site: Site) -> None:
    through = {"X-Forwarded-For": "192.0.2.1"}
    assert (await site.send("GET", "/metrics", None, headers=through)).status == 401
    assert (await site.send("GET", "/metrics", Scope.ASK, headers=through)).status == 403
    assert (await site.send("GET", "/metrics", Scope.SEARCH, headers=through)).status == 200
    async with site.local.get("http://localhost/metrics") as response:
        assert response.status == 200


async def test_beyond_loopback_only_with_tls_or_by_express_wish(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Without TLS"):
        await serve(World(tmp_path).flows, host="0.0.0.0")
    running = await serve(World(tmp_path).flows, host="0.0.0.0", allow_plain=True)
    assert running.port
    await running.stop()
