"""Search of the Hugging Face hub for models that can be pulled. On the caller's thread; asks the network at each call.

It tells the hub the words that were searched for and our name, nothing else. What can be pulled of a repository are
its .gguf files, of a split model the first part; never the projectors and parts beside them.
"""

from dataclasses import dataclass

from huggingface_hub import HfApi, ModelInfo, errors
from huggingface_hub.utils import get_session, hf_raise_for_status  # type: ignore[attr-defined]  # public, exported lazily

from bdchat import __version__
from bdchat.engine.gguf.parts import PART_NAME
from bdchat.engine.models.downloads import PullFailed
from bdchat.engine.models.hub_source import HUB_ERRORS, hub_headers

MAX_REPOSITORIES = 10
MAX_FILES = 60
TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class HubRepository:
    repo: str  # OWNER/NAME
    num_downloads: int
    licence: str | None
    is_gated: bool  # it asks for an agreement first


@dataclass(frozen=True, slots=True)
class HubFile:
    spec: str  # what a pull takes
    file: str
    num_bytes: int | None  # of all parts; None: the hub does not tell


class HubSearch:
    def __init__(self, endpoint: str | None = None) -> None:
        """endpoint: None = HF_ENDPOINT, else the public hub."""
        self._api = HfApi(endpoint=endpoint, user_agent=f"bdchat/{__version__}")

    def repositories(self, words: str) -> tuple[HubRepository, ...]:
        """Those with GGUF files, the most downloaded first. Raises PullFailed."""
        asked: dict[str, str | int] = {
            "search": words,
            "filter": "gguf",
            "sort": "downloads",
            "limit": MAX_REPOSITORIES,
        }
        try:  # not HfApi.list_models: it tries a hub that is not there for 23 s
            response = get_session().get(
                f"{self._api.endpoint}/api/models", params=asked, headers=hub_headers(), timeout=TIMEOUT_S
            )
            hf_raise_for_status(response)
            found = [
                ModelInfo(**each)  # type: ignore[no-untyped-call]
                for each in response.json()[:MAX_REPOSITORIES]
            ]
        except HUB_ERRORS as error:
            raise _failed(words, error) from error
        except (TypeError, KeyError, AttributeError) as error:
            raise PullFailed(words, "it does not answer like a Hugging Face hub", "source_trouble") from error
        return tuple(_repository(info) for info in found)

    def files(self, repo: str) -> tuple[HubFile, ...]:
        """The smallest first, at the commit that is the newest now. Raises PullFailed."""
        try:
            info = self._api.model_info(repo, files_metadata=True, timeout=TIMEOUT_S)
        except HUB_ERRORS as error:
            raise _failed(repo, error) from error
        sizes: dict[str, int | None] = {}
        for sibling in info.siblings or ():
            name = sibling.rfilename
            if not name.lower().endswith(".gguf") or "mmproj" in name.lower():
                continue
            part = PART_NAME.fullmatch(name.rsplit("/", 1)[-1])
            if part is not None and int(part["number"]) != 1:
                continue
            sizes[name] = None if part is not None and int(part["count"]) > 1 else sibling.size
        at = f"@{info.sha}" if info.sha else ""
        files = [HubFile(f"hf:{repo}/{name}{at}", name, size) for name, size in sizes.items()]
        return tuple(
            sorted(files, key=lambda file: (file.num_bytes is None, file.num_bytes or 0, file.file))[:MAX_FILES]
        )


def _repository(info: ModelInfo) -> HubRepository:
    licence = next((tag.removeprefix("license:") for tag in info.tags or () if tag.startswith("license:")), None)
    return HubRepository(info.id, info.downloads or 0, licence, bool(info.gated))


def _failed(asked: str, error: Exception) -> PullFailed:
    if isinstance(error, errors.OfflineModeIsEnabled):
        return PullFailed(asked, "HF_HUB_OFFLINE is set", "offline_mode")
    if isinstance(error, errors.RepositoryNotFoundError):
        return PullFailed(asked, "there is no such repository, or it is private", "not_found")
    if isinstance(error, errors.HfHubHTTPError):
        return PullFailed(asked, f"the hub answered with status {error.response.status_code}", "source_trouble")
    line = str(error).splitlines()[0] if str(error) else type(error).__name__
    return PullFailed(asked, f"the hub cannot be reached ({line[:200]})", "offline")
