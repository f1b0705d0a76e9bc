"""Search of the hub, by admins, where the setting allows it; against a hub on the loopback."""

from collections.abc import Iterator

import huggingface_hub
import pytest

from bdchat.api.admin.hub import AdminHub
from bdchat.settings import ModelSettings, Settings
from tests.api.serving import app_of, error_of, fresh_data_dir, in_process, signed_in
from tests.engine.loopback_hub import COMMIT, Hub, running_hub
from tests.engine.pulling import SMALL

pytestmark = pytest.mark.anyio
FILES = ("tiny.gguf", "mmproj-tiny.gguf", "big-00001-of-00002.gguf", "big-00002-of-00002.gguf", "README.md")


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub({f"owner/tiny-GGUF/{name}": SMALL for name in FILES} | {"other/cat/cat.gguf": SMALL}) as hub:
        yield hub
        huggingface_hub.close_session()


def allowing() -> Settings:
    return Settings(data_dir=fresh_data_dir(), models=ModelSettings(hub_search=True))


async def test_a_repository_is_found_and_its_files_can_be_pulled(hub: Hub) -> None:
    settings = allowing()
    async with in_process(settings=settings) as client:
        app_of(client).router.routes[:0] = AdminHub(settings, endpoint=hub.url).routes()
        boss = await signed_in(client, "root", admin=True)
        found = await client.get("/api/admin/hub", params={"search": "tiny"}, headers=boss)
        assert found.json()["data"] == [
            {"repo": "owner/tiny-GGUF", "num_downloads": 7, "licence": "mit", "is_gated": False}
        ]
        files = await client.get("/api/admin/hub/files", params={"repo": "owner/tiny-GGUF"}, headers=boss)
        assert files.json()["data"] == [
            {"spec": f"hf:owner/tiny-GGUF/tiny.gguf@{COMMIT}", "file": "tiny.gguf", "num_bytes": len(SMALL)},
            {
                "spec": f"hf:owner/tiny-GGUF/big-00001-of-00002.gguf@{COMMIT}",
                "file": "big-00001-of-00002.gguf",
                "num_bytes": None,
            },
        ]
        assert (await client.get("/api/admin/models", headers=boss)).json()["hub_search"] is True
        gone = await client.get("/api/admin/hub/files", params={"repo": "no/body"}, headers=boss)
        assert error_of(gone, 409)["code"] == "hub_unreachable"
        for repo in ("../x", "a/b/c", "owner"):
            error_of(await client.get("/api/admin/hub/files", params={"repo": repo}, headers=boss), 400)
    assert all("bdchat/" in request.user_agent for request in hub.seen)


async def test_it_is_off_unless_the_setting_says_so_and_admins_alone_may(hub: Hub) -> None:
    async with in_process() as client:
        boss = await signed_in(client, "root", admin=True)
        refused = await client.get("/api/admin/hub", params={"search": "tiny"}, headers=boss)
        assert error_of(refused, 409)["code"] == "hub_search_off"
        assert (await client.get("/api/admin/models", headers=boss)).json()["hub_search"] is False
        ann = await signed_in(client, "ann")
        assert (await client.get("/api/admin/hub", params={"search": "tiny"}, headers=ann)).status_code == 403
    assert hub.seen == []


async def test_a_hub_that_cannot_be_reached_is_told_as_that(hub: Hub) -> None:
    settings = allowing()
    async with in_process(settings=settings) as client:
        app_of(client).router.routes[:0] = AdminHub(settings, endpoint="http://127.0.0.1:9").routes()
        boss = await signed_in(client, "root", admin=True)
        error = error_of(await client.get("/api/admin/hub", params={"search": "tiny"}, headers=boss), 409)
        assert (error["code"], "cannot be reached" in error["message"]) == ("hub_unreachable", True)
