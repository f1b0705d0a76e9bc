"""Composition root of the HTTP server: the route list, the middleware list and the lifespan.

Everything is built here and handed down; tests hand in fake engines. Importing this starts nothing and loads no model.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import NoReturn

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import BaseRoute, Route, WebSocketRoute

from bdchat.api.accounts.api_keys import ApiKeys
from bdchat.api.accounts.erasure import Erasure
from bdchat.api.accounts.profile import Accounts
from bdchat.api.accounts.sign_in import SignIn
from bdchat.api.admin.access import AdminAccess
from bdchat.api.admin.capacity.limits import AdminLimits
from bdchat.api.admin.capacity.pinned_prompts import PinnedPrompts
from bdchat.api.admin.capacity.pins import AdminPins
from bdchat.api.admin.console_socket import ConsoleSocket
from bdchat.api.admin.engine import AdminEngine
from bdchat.api.admin.health import Health, watch_routes
from bdchat.api.admin.housekeeping import Housekeeping
from bdchat.api.admin.hub import AdminHub
from bdchat.api.admin.metrics import Metrics, MetricsCollector, watch_loop_lag
from bdchat.api.admin.models import AdminModels
from bdchat.api.admin.pulls import Pulls
from bdchat.api.admin.records import AdminRecords
from bdchat.api.admin.storage import AdminStorage
from bdchat.api.admin.users import AdminUsers
from bdchat.api.answering.bare_answers import BareAnswers
from bdchat.api.answering.vectors import Vectors
from bdchat.api.anthropic.error_shape import ANTHROPIC_ERRORS
from bdchat.api.anthropic.messages import AnthropicMessages
from bdchat.api.auth.authenticator import Authenticator, CredentialGuard
from bdchat.api.auth.password_check import PasswordCheck
from bdchat.api.auth.passwords import Passwords
from bdchat.api.auth.right_watch import RightGuard, RightWatch
from bdchat.api.bus.interface import Bus
from bdchat.api.bus.local_bus import LocalBus
from bdchat.api.bus.writes import Writes
from bdchat.api.chats.answer_actions import AnswerActions
from bdchat.api.chats.exports import Exports
from bdchat.api.chats.imports import IMPORT_PATH, Imports
from bdchat.api.chats.invitations import Invitations
from bdchat.api.chats.messages import Messages
from bdchat.api.chats.preview import Previews
from bdchat.api.chats.search import Search
from bdchat.api.chats.sessions import Sessions
from bdchat.api.chats.sharing import Sharing
from bdchat.api.chats.sources import Sources
from bdchat.api.chats.titles import Titles
from bdchat.api.documents.parts import DocumentParts
from bdchat.api.documents.uploads import DOCUMENTS_PATH
from bdchat.api.durable.service import DurableGenerations
from bdchat.api.generation.account_limits import AccountLimits
from bdchat.api.generation.latency import LatencyMeter
from bdchat.api.generation.service import GenerationService
from bdchat.api.generation.usage_ledger import UsageLedger
from bdchat.api.http.envelope import Envelope, Refusals
from bdchat.api.http.openapi import OpenAPI
from bdchat.api.http.page import PageServer, load_page
from bdchat.api.http.peer import Proxies
from bdchat.api.http.route_pattern import first_name
from bdchat.api.http.security import BodyLimits
from bdchat.api.live.admission import LiveParts, OpenSockets
from bdchat.api.live.chat_socket import LiveChat
from bdchat.api.live.connection import Timing
from bdchat.api.live.events_socket import LiveEvents
from bdchat.api.live.presence import Presence
from bdchat.api.live.streams import LiveStreams
from bdchat.api.llamacpp.completion import NativeCompletions
from bdchat.api.llamacpp.props import ServerProps
from bdchat.api.llamacpp.tokens import TokenTexts
from bdchat.api.mistral.fim import FimCompletions
from bdchat.api.ollama.answers import OllamaAnswers
from bdchat.api.ollama.embed import OllamaEmbeddings
from bdchat.api.ollama.error_shape import OLLAMA_ERRORS
from bdchat.api.ollama.models import OllamaModelRoutes
from bdchat.api.ollama.names import ModelNames
from bdchat.api.ollama.pulls import OllamaPulls
from bdchat.api.openai.chat import ChatCompletions
from bdchat.api.openai.completions import Completions
from bdchat.api.openai.embeddings import EmbeddingEndpoints
from bdchat.api.openai.lm_studio import LmStudioModels
from bdchat.api.openai.models import Models
from bdchat.api.openai.routes import llm_routes, openai_routes
from bdchat.api.openai.stored_chat import StoredChat
from bdchat.api.openai.stored_completions import StoredCompletions
from bdchat.api.perimeter.base_path import BasePath
from bdchat.api.perimeter.cors import CorsHeaders, OriginGuard
from bdchat.api.perimeter.host_guard import HostGuard
from bdchat.api.perimeter.origins import ListedOrigins
from bdchat.api.perimeter.tidy_path import TidyPath
from bdchat.api.responses.responses import Responses
from bdchat.api.responses.stored_responses import StoredResponses
from bdchat.api.retrieval.files import FILES_PATH, Files
from bdchat.api.retrieval.form import FORM_OVERHEAD_BYTES
from bdchat.api.retrieval.vector_stores import VectorStores
from bdchat.engine.local.local_models import LocalModels
from bdchat.engine.router import Router
from bdchat.settings import RedisSettings, Settings
from bdchat.store.search.indexing import Indexer
from bdchat.store.sql.database import Database


class App(Starlette):
    """A Starlette that says what it is made of; server.py drains `generations`."""

    def __init__(
        self,
        settings: Settings,
        engine_router: Router,
        database: Database | None = None,
        bus: Bus | None = None,
        *,
        live_timing: Timing | None = None,
    ) -> None:
        self.settings = settings
        self.database = database or Database(settings.store, settings.data_dir)
        self.bus = bus or make_bus(settings.redis)
        self.authenticator = Authenticator(settings, self.database)
        self.passwords = Passwords()
        self.engine_router = engine_router
        self.writes = Writes(self.database, self.bus, forget_rights=self.authenticator.forget)
        self.housekeeping = Housekeeping(settings, self.database)
        self.indexer = Indexer(self.database)
        self.local_models = LocalModels.of(settings)
        self.documents = DocumentParts(
            settings, self.database, self.writes, models=self.local_models, router=engine_router
        )
        ring = self.documents.ingestion.ring
        self.imports = Imports(settings, self.database, self.writes, on_documents=ring)
        self.openapi = OpenAPI(base_path=settings.server.base_path)
        self.meter = LatencyMeter()
        self.refusals = Refusals()
        self.ledger = UsageLedger(self.database, flush_s=settings.store.usage_flush_s)
        self.account_limits = AccountLimits(settings.limits, self.database)
        self.generations = GenerationService(self.meter, self.ledger, self.account_limits)
        self.pinned_prompts = PinnedPrompts(self.database, engine_router)
        self.erasure = Erasure(self.database, self.writes, self.generations, engine_router)
        path = self.database.path
        self.console_socket = ConsoleSocket(path.parent if path else None, self.writes, self.erasure)
        self.titles = Titles(settings.generations, self.database, self.writes, engine_router, self.generations)
        self.durable = DurableGenerations(
            settings,
            database=self.database,
            bus=self.bus,
            writes=self.writes,
            router=engine_router,
            service=self.generations,
            questions=self.documents.questions,
            on_end=self.titles.consider,
        )
        self.open_sockets = OpenSockets()
        self.pulls = Pulls(self.local_models.catalog, self.bus)
        self.admin_models = AdminModels(
            settings.limits,
            router=engine_router,
            models=self.local_models,
            pulls=self.pulls,
            bus=self.bus,
            database=self.database,
            authenticator=self.authenticator,
            has_hub_search=settings.models.hub_search,
        )
        self.right_watch = RightWatch(self.bus, self.authenticator, self.database)
        self._live_timing = live_timing or Timing()
        routes = self._routes(settings)
        super().__init__(
            routes=routes,
            middleware=self._middlewares(settings, routes),
            exception_handlers={HTTPException: _leave_to_envelope},
            lifespan=_lifespan,
        )
        self.openapi.describe(self.routes)
        self.router.redirect_slashes = False  # TidyPath does; a redirect would be built from Host

    def _routes(self, settings: Settings) -> list[BaseRoute]:
        stored = StoredChat(self.durable, self.database, self.engine_router)
        questions = self.documents.questions
        bare_answers = BareAnswers(self.engine_router, self.generations, settings, questions)
        chat = ChatCompletions(bare_answers, stored, settings.limits)
        stored_completions = StoredCompletions(self.durable, stored, self.database, settings.limits)
        completions = Completions(self.engine_router, self.generations, settings)
        models = Models(self.engine_router)
        health = Health(self.engine_router, self.generations)
        metrics = Metrics(MetricsCollector(self.engine_router, self.generations, self.meter, self.refusals))
        vectors = Vectors(self.engine_router, self.generations)
        stored_responses = StoredResponses(self.durable, self.database, settings.limits)
        return [
            *self._ollama_routes(settings, bare_answers, vectors),
            *AnthropicMessages(bare_answers, settings.limits).routes(),
            *Responses(bare_answers, stored_responses, settings.limits).routes(),
            *openai_routes(chat, completions, models, stored_completions),
            *FimCompletions(self.engine_router, self.generations, settings).routes(),
            *NativeCompletions(self.engine_router, self.generations, settings).routes(),
            *TokenTexts(self.engine_router, settings.limits).routes(),
            *ServerProps(self.engine_router, settings.limits).routes(),
            *LmStudioModels(self.engine_router).routes(),
            *EmbeddingEndpoints(self.engine_router, vectors, settings.limits).routes(),
            *AnswerActions(self.durable, settings.limits).routes(),
            *llm_routes(chat, models, settings.limits),
            *watch_routes(health, metrics),
            *Search(self.database, settings.limits).routes(),
            *self._account_routes(settings),
            *self._admin_routes(settings),
            *Sessions(self.database, self.writes, self.engine_router, settings.limits).routes(),
            *Messages(self.database, self.writes, settings.limits).routes(),
            *Sources(self.database).routes(),
            *Previews(self.database, self.engine_router, settings, questions).routes(),
            *Sharing(settings, self.database, self.writes, self.authenticator).routes(),
            *Invitations(self.database, self.writes).routes(),
            *Exports(self.database, settings.limits).routes(),
            *self.imports.routes(),
            *self.documents.routes(),
            *Files(settings.limits, self.database, self.writes, parts=self.documents).routes(),
            *VectorStores(settings.limits, self.database, self.writes, parts=self.documents).routes(),
            *self.openapi.routes(),
            *self._live_routes(settings),
        ]

    def _ollama_routes(self, settings: Settings, answers: BareAnswers, vectors: Vectors) -> list[Route]:
        names, limits = ModelNames(self.engine_router), settings.limits
        return [
            *OllamaAnswers(answers, names, limits).routes(),
            *OllamaModelRoutes(self.engine_router, names, limits).routes(),
            *OllamaEmbeddings(vectors, names, limits).routes(),
            *OllamaPulls(self.admin_models, limits).routes(),
        ]

    def _live_routes(self, settings: Settings) -> list[BaseRoute]:
        parts = LiveParts(
            database=self.database,
            bus=self.bus,
            authenticator=self.authenticator,
            limits=settings.limits,
            server_id=self.durable.server_id,
            timing=self._live_timing,
            open_sockets=self.open_sockets,
        )
        presence = Presence(self.bus)
        return [
            *LiveChat(parts, self.durable, presence).routes(),
            *LiveEvents(parts).routes(),
            *LiveStreams(parts, self.durable, presence).routes(),
        ]

    def _admin_routes(self, settings: Settings) -> list[Route]:
        limits, database, authenticator = settings.limits, self.database, self.authenticator
        return [
            *AdminUsers(
                settings,
                database=database,
                authenticator=authenticator,
                writes=self.writes,
                passwords=self.passwords,
                erasure=self.erasure,
                account_limits=self.account_limits,
            ).routes(),
            *AdminPins(
                limits, self.pinned_prompts, self.engine_router, database=database, authenticator=authenticator
            ).routes(),
            *AdminLimits(self.account_limits, self.generations, self.engine_router, database).routes(),
            *AdminAccess(settings, database, self.writes, authenticator).routes(),
            *AdminRecords(limits, database, authenticator).routes(),
            *AdminEngine(
                self.engine_router,
                self.generations,
                self.durable,
                database=database,
                authenticator=authenticator,
                refusals=self.refusals,
                open_sockets=self.open_sockets,
            ).routes(),
            *self.admin_models.routes(),
            *AdminHub(settings).routes(),
            *AdminStorage(
                settings, database=database, authenticator=authenticator, catalog=self.local_models.catalog
            ).routes(),
        ]

    def _account_routes(self, settings: Settings) -> list[Route]:
        check = PasswordCheck(settings.auth, self.database, self.passwords)
        parts = (settings, self.database, self.authenticator, self.passwords, check)
        sign_in, accounts = (
            SignIn(*parts, writes=self.writes),
            Accounts(*parts, writes=self.writes, erasure=self.erasure),
        )
        api_keys = ApiKeys(settings.limits, self.database, self.writes, self.authenticator)
        return [*sign_in.routes(), *accounts.routes(), *api_keys.routes()]

    def _middlewares(self, settings: Settings, routes: list[BaseRoute]) -> list[Middleware]:
        """Outermost first."""
        proxies, origins = Proxies(settings.auth.trusted_proxies), ListedOrigins(settings.server.cors_origins)
        page = load_page(base_path=settings.server.base_path)
        names = {first_name(route.path) for route in routes if isinstance(route, Route | WebSocketRoute)}
        return [
            Middleware(BasePath, base_path=settings.server.base_path, names=names | page.first_names),
            Middleware(CorsHeaders, origins=origins),
            Middleware(Envelope, refusals=self.refusals, shapes=(ANTHROPIC_ERRORS, OLLAMA_ERRORS)),
            Middleware(TidyPath),
            Middleware(HostGuard, server=settings.server, proxies=proxies),
            Middleware(OriginGuard, origins=origins, proxies=proxies),
            Middleware(PageServer, page=page, api_names=names),
            Middleware(CredentialGuard, authenticator=self.authenticator),
            Middleware(RightGuard, watch=self.right_watch),
            Middleware(BodyLimits, limits=settings.limits, large=_large_bodies(settings)),
        ]


@contextlib.asynccontextmanager
async def _lifespan(app: App) -> AsyncGenerator[None]:
    await app.database.open()
    await app.account_limits.load()
    await app.pinned_prompts.load()
    await app.bus.start()
    await app.durable.start()
    await app.documents.start()
    lag_watch = asyncio.create_task(watch_loop_lag(app.meter), name="loop lag")
    housekeeping = asyncio.create_task(app.housekeeping.run(), name="housekeeping")
    indexing = asyncio.create_task(app.indexer.run(), name="indexing")
    bookkeeping = asyncio.create_task(app.ledger.run(), name="bookkeeping")
    titles = asyncio.create_task(app.titles.run(), name="titles")
    limits = asyncio.create_task(app.account_limits.run(), name="accounts' limits")
    pins = asyncio.create_task(app.pinned_prompts.run(), name="pins")
    documents = asyncio.create_task(app.documents.run(), name="documents")
    rights = asyncio.create_task(app.right_watch.run(), name="right watch")
    try:
        async with app.console_socket.listening():
            yield
    finally:
        lag_watch.cancel()
        housekeeping.cancel()
        indexing.cancel()
        bookkeeping.cancel()
        titles.cancel()
        limits.cancel()
        pins.cancel()
        rights.cancel()
        documents.cancel()
        await asyncio.wait({documents})
        await app.documents.aclose()
        await app.imports.aclose()
        await app.generations.drain(timeout_s=0)
        await app.durable.aclose()
        await app.admin_models.aclose()
        await app.engine_router.aclose()
        await app.ledger.flush()
        await app.writes.aclose()
        await app.authenticator.aclose()
        app.passwords.close()
        await app.bus.aclose()
        await app.database.aclose()


def _large_bodies(settings: Settings) -> dict[str, int]:
    """Paths whose bodies have a bound of their own."""
    file_bytes = settings.documents.file_bytes
    return {
        IMPORT_PATH: settings.limits.import_bytes,
        DOCUMENTS_PATH: file_bytes,
        FILES_PATH: file_bytes + FORM_OVERHEAD_BYTES,
    }


async def _leave_to_envelope(request: Request, error: Exception) -> NoReturn:
    raise error


def make_bus(settings: RedisSettings) -> Bus:
    """Starts nothing."""
    if settings.url is None:
        return LocalBus()
    from bdchat.api.bus.redis_bus import RedisBus  # only a server with company needs the driver

    return RedisBus(settings.url.get_secret_value())
