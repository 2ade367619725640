"""Every route over real sockets: what it takes, what it gives, what the flows are asked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from nasd.domain.identity import Scope
from nasd.domain.search import Filters, Mode
from nasd.server.handlers.files import prefers_json
from tests.unit.server.conftest import Site


async def test_search_asks_the_flow_and_renders_hits(site: Site) -> None:
    wanted = {
        "query": " dishwasher ",
        "k": 3,
        "mode": "lexical",
        "filters": {
            "volumes": ["home"],
            "path": "Documents/**",
            "kinds": ["pdf"],
            "modified_after": "2024-01-01T00:00:00Z",
        },
    }
    response = await site.send("POST", "/api/v1/search", Scope.SEARCH, json=wanted)
    assert response.status == 200
    assert response.media_type == "application/json"
    after = datetime(2024, 1, 1, tzinfo=UTC)
    filters = Filters(volumes=("home",), path="Documents/**", kinds=("pdf",), modified_after=after)
    assert site.world.search.asked == [("dishwasher", 3, Mode.LEXICAL, filters)]
    found = response.json()
    assert found["hits"][0] == {
        "rank": 1,
        "score": 0.03,
        "file": {
            "id": "f_1",
            "volume": "home",
            "path": "Documents/a.txt",
            "kind": "text",
            "media_type": "text/plain",
            "size": 10,
            "modified": "2024-05-02T10:11:12.123456Z",
            "title": None,
            "volume_state": "active",
        },
        "passage": {
            "id": "p_z",
            "text": "the dishwasher warranty",
            "place": {
                "page": 3,
                "line_start": None,
                "line_end": None,
                "heading": None,
                "sheet": None,
                "slide": None,
                "time_s": None,
            },
            "char_start": 0,
            "char_end": 23,
            "hidden": False,
        },
        "highlights": [[4, 14]],
        "lanes": {"semantic": 1, "lexical": 4},
        "copies": 1,
        "also": [
            {
                "file": found["hits"][0]["file"] | {"id": "f_2", "path": "Copies/a.txt"},
                "passage": "p_z",
                "place": found["hits"][0]["passage"]["place"],
            }
        ],
    }
    assert found["coverage"]["pending"] == 1
    assert found["notes"] == ["by words alone"]


async def test_ask_gives_a_cited_answer(site: Site) -> None:
    response = await site.send("POST", "/api/v1/ask", Scope.ASK, json={"question": "how long?"})
    answer = response.json()
    assert answer["answer"] == "It runs five years [1]."
    (cited,) = answer["citations"]
    assert cited["passage"]["text"][cited["quote_start"] : cited["quote_end"]] == cited["quote"]


async def test_volumes_from_first_to_last(site: Site) -> None:
    made = await site.send("POST", "/api/v1/volumes", json={"path": "/srv/home"})
    assert made.status == 201
    assert made.headers["Location"] == "/api/v1/volumes/home"
    assert made.json()["poll_seconds"] == 300

    again = await site.send("POST", "/api/v1/volumes", json={"path": "/srv/home"})
    assert (again.status, again.json()["code"]) == (409, "conflict")

    shown = await site.send("GET", "/api/v1/volumes/home", Scope.SEARCH)
    assert shown.json()["state"] == "active"
    paused = await site.send("POST", "/api/v1/volumes/home/pause")
    assert paused.json()["state"] == "paused"
    resumed = await site.send("POST", "/api/v1/volumes/home/resume")
    assert resumed.json()["state"] == "active"
    scanned = await site.send("POST", "/api/v1/volumes/home/scan")
    assert (scanned.status, scanned.json()["scanning"]) == (202, True)

    gone = await site.send("DELETE", "/api/v1/volumes/home")
    assert (gone.status, gone.body) == (204, b"")
    missing = await site.send("GET", "/api/v1/volumes/home")
    problem = missing.json()
    assert (missing.status, problem["cure"]) == (404, "nasd volume list shows all.")


async def test_listings_are_pages_in_a_steady_order(site: Site) -> None:
    for name in ("b", "c", "a"):
        await site.send("POST", "/api/v1/volumes", json={"path": f"/srv/{name}"})
    first = (await site.send("GET", "/api/v1/volumes?limit=2")).json()
    assert [volume["name"] for volume in first["items"]] == ["a", "b"]
    rest = (await site.send("GET", f"/api/v1/volumes?limit=2&cursor={first['next_cursor']}")).json()
    assert [volume["name"] for volume in rest["items"]] == ["c"]
    assert rest["next_cursor"] is None


async def test_files_are_listed_filtered_and_paged(site: Site) -> None:
    for number in range(1, 6):
        site.world.files.put(number, f"d/{number}.txt".encode(), b"x")
    site.world.files.put(6, b"e/6.md", b"x", kind="markdown")
    seen: list[str] = []
    query = "?volume=home&path=d/*&state=indexed&kind=text&limit=2"
    cursor: str | None = ""
    while cursor is not None:
        page = (await site.send("GET", f"/api/v1/files{query}{cursor}", Scope.FILES)).json()
        assert len(page["items"]) <= 2
        seen += [file["path"] for file in page["items"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert seen == [f"d/{number}.txt" for number in range(1, 6)]


async def test_a_file_its_text_and_why(site: Site) -> None:
    site.world.files.put(71, b"caf\xe9.txt", b"text")
    site.world.files.texts[71] = "Text\nwith Ümläuts"
    detail = (await site.send("GET", "/api/v1/files/f_1z", Scope.FILES)).json()
    assert (detail["id"], detail["path"], detail["reader"]) == ("f_1z", "caf\\xe9.txt", "text/1")

    plain = await site.send("GET", "/api/v1/files/f_1z/text", Scope.FILES)
    assert plain.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert plain.text == "Text\nwith Ümläuts"
    as_json = await site.send(
        "GET", "/api/v1/files/f_1z/text", Scope.FILES, headers={"Accept": "application/json"}
    )
    assert as_json.json() == {
        "id": "f_1z",
        "text": "Text\nwith Ümläuts",
        "passages": 1,
        "reader": "text/1",
        "notes": ["3 pages have no text"],
        "digest": "00",
        "metadata": {"author": "A"},
    }
    why = (await site.send("GET", "/api/v1/files/f_1z/why", Scope.FILES)).json()
    assert why["verdict"] == "searchable"
    unknown = (await site.send("GET", "/api/v1/why?path=/a%20b", Scope.FILES)).json()
    assert (unknown["path"], unknown["verdict"]) == ("/a b", "unknown")


async def test_status_jobs_and_models(site: Site) -> None:
    site.world.files.put(1, b"a.txt", b"x")
    status = (await site.send("GET", "/api/v1/status", Scope.SEARCH)).json()
    assert status["index"] == {"state": "ready", "vectors": 7, "kind": ""}
    jobs = (await site.send("GET", "/api/v1/jobs")).json()
    assert [(job["kind"], job["subject"]) for job in jobs["items"]] == [("read", "a.txt")]
    models = (await site.send("GET", "/api/v1/models", Scope.SEARCH)).json()
    assert [model["name"] for model in models["items"]] == ["minilm", "qwen"]


async def test_the_model_is_changed_by_an_administrator(site: Site) -> None:
    asked = await site.send("POST", "/api/v1/models/use", json={"name": "other", "force": True})
    told = asked.json()
    assert (asked.status, told["role"], told["detail"]) == (202, "next", "forced")
    unknown = await site.send("POST", "/api/v1/models/use", json={"name": "nonsense"})
    assert unknown.status == 404
    refused = await site.send("POST", "/api/v1/models/use", Scope.SEARCH, json={"name": "other"})
    assert refused.status == 403


async def test_search_is_measured_on_demand_and_measurements_are_pages(site: Site) -> None:
    for _ in range(3):
        measured = (await site.send("POST", "/api/v1/evaluations")).json()
    assert measured["modes"]["hybrid"]["recall_at_10"] == 0.9
    first = (await site.send("GET", "/api/v1/evaluations?limit=2", Scope.SEARCH)).json()
    assert len(first["items"]) == 2
    cursor = first["next_cursor"]
    last = (await site.send("GET", f"/api/v1/evaluations?cursor={cursor}", Scope.SEARCH)).json()
    assert last == {"items": [measured], "next_cursor": None}
    refused = await site.send("POST", "/api/v1/evaluations", Scope.SEARCH)
    assert refused.status == 403


async def test_a_device_is_made_used_and_revoked(site: Site) -> None:
    made = await site.send("POST", "/api/v1/devices", json={"name": "phone", "scopes": ["search"]})
    assert (made.status, made.headers["Location"]) == (201, "/api/v1/devices/phone")
    token = made.json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await site.send("GET", "/api/v1/status", None, headers=headers)).status == 200
    shown = (await site.send("GET", "/api/v1/devices/phone")).json()
    assert shown["scopes"] == ["search"]
    assert "token" not in shown

    revoked = (await site.send("DELETE", "/api/v1/devices/phone")).json()
    assert revoked["revoked"] is not None
    assert (await site.send("GET", "/api/v1/status", None, headers=headers)).status == 401
    listed = (await site.send("GET", "/api/v1/devices")).json()
    assert "phone" in [device["name"] for device in listed["items"]]


async def test_health_and_readiness_need_no_token(site: Site) -> None:
    alive = await site.send("GET", "/healthz", None)
    assert alive.json() == {"status": "ok"}
    assert (await site.send("GET", "/readyz", None)).status == 200
    site.world.status.reasons = ["the model is being prepared"]
    waiting = await site.send("GET", "/readyz", None)
    assert (waiting.status, waiting.json()["reasons"]) == (503, ["the model is being prepared"])


async def test_metrics_count_requests_by_route_and_show_the_numbers(site: Site) -> None:
    await site.send("POST", "/api/v1/volumes", json={"path": "/srv/home"})
    await site.send("GET", "/api/v1/volumes/home")
    await site.send("GET", "/made/up/address", None)
    text = (await site.send("GET", "/metrics", None)).text
    assert 'nasd_files{state="searchable",volume="home"} 2.0' in text
    assert "nasd_index_vectors 7.0" in text
    assert "nasd_resident_memory_bytes 4096.0" in text
    counted = 'nasd_http_request_seconds_count{method="GET",route="/api/v1/volumes/{name}",status="200"} 1.0'
    assert counted in text
    assert "made/up" not in text


async def test_a_removed_volume_leaves_the_metrics(site: Site) -> None:
    await site.send("POST", "/api/v1/volumes", json={"path": "/srv/home"})
    assert 'volume="home"' in (await site.send("GET", "/metrics", None)).text
    await site.send("DELETE", "/api/v1/volumes/home")
    assert 'volume="home"' not in (await site.send("GET", "/metrics", None)).text


async def test_pages_come_whole_and_allow_nothing_from_elsewhere(site: Site) -> None:
    for path, media_type in (
        ("/", "text/html"),
        ("/docs", "text/html"),
        ("/web/page.css", "text/css"),
        ("/web/search.js", "text/javascript"),
        ("/web/docs.js", "text/javascript"),
    ):
        response = await site.send("GET", path, None)
        assert (response.status, response.media_type) == (200, media_type)
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]
        text = response.text
        assert "//" not in text.replace("// ", "") or "http" not in text
        for risky in ("innerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert risky not in text
    assert (await site.send("GET", "/web/search.html", None)).status == 404
    assert (await site.send("GET", "/web/..%2Fapp.py", None)).status == 404


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain", False),
        ("application/json", True),
        ("Application/JSON; q=0.9, text/plain;q=0.1", True),
        ("application/json, text/plain", False),
        ("application/json;q=0", False),
        ("application/json;q=x", False),
        (";;,,", False),
    ],
)
def test_who_prefers_json(accept: str, wanted: bool) -> None:
    assert prefers_json(accept) is wanted


async def test_head_answers_where_get_does_but_for_the_endless(site: Site) -> None:
    reply = await site.send("HEAD", "/api/v1/status")
    assert (reply.status, reply.body, reply.media_type) == (200, b"", "application/json")
    assert (await site.send("HEAD", "/api/v1/events")).status == 405
