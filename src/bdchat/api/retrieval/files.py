"""OpenAI's /v1/files: documents, as OpenAI's SDKs upload and list them. Event loop only."""

from collections.abc import AsyncGenerator
from typing import get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.documents.contents import MEDIA, content_response
from bdchat.api.documents.parts import DocumentParts
from bdchat.api.documents.telling import delete_document
from bdchat.api.documents.uploads import body_of
from bdchat.api.http.endpoints import Endpoint, declared, path_id, read_query, reply
from bdchat.api.http.errors import UnsupportedParameter
from bdchat.api.http.parsing import validate
from bdchat.api.retrieval.account import require_account
from bdchat.api.retrieval.form import FORM_MEDIA, FileBegun, FormField, FormReader
from bdchat.api.schemas.files import NO_EXPIRY, DeletedFile, FileFields, FileList, FileObject, FileQuery, Purpose
from bdchat.settings import LimitSettings
from bdchat.store.db import Db
from bdchat.store.documents import documents
from bdchat.store.documents.listing import paging
from bdchat.store.documents.listing.paging import IdPage
from bdchat.store.sql.database import Database

FILES_PATH = "/v1/files"
ONE = f"{FILES_PATH}/{{file_id}}"
FILE_FIELD = "file"


class Files:
    def __init__(self, limits: LimitSettings, database: Database, writes: Writes, *, parts: DocumentParts) -> None:
        self._limits = limits
        self._database = database
        self._writes = writes
        self._intake = parts.intake
        self._ingestion = parts.ingestion

    def routes(self) -> list[Route]:
        return declared(
            Endpoint("GET", FILES_PATH, self.list, "Your files", query=FileQuery, response=FileList),
            Endpoint(
                "POST",
                FILES_PATH,
                self.create,
                "Upload a file; it is read at once",
                response=FileObject,
                body_media=FORM_MEDIA,
                errors=(409,),
                description="A form with `file` and `purpose` (assistants or user_data). The same bytes twice are one"
                " file.",
            ),
            Endpoint("GET", ONE, self.retrieve, "A file, and how far it is read", response=FileObject),
            Endpoint("DELETE", ONE, self.delete, "Delete a file", response=DeletedFile),
            Endpoint(
                "GET",
                f"{ONE}/content",
                self.content,
                "The file as it was uploaded",
                response_media=(MEDIA,),
                response=None,
            ),
        )

    async def list(self, request: Request) -> Response:
        user_id = require_account(request)
        query = read_query(FileQuery, request, self._limits)
        page = IdPage(query.limit, query.after, is_newest_first=query.order == "desc")
        rows, has_more = await self._database.read(lambda db: paging.own_files(db, user_id, page))
        if query.purpose not in {None, *get_args(Purpose)}:
            rows, has_more = [], False  # nothing is here for batches or fine-tuning
        data = [FileObject.of(row) for row in rows]
        return reply(
            FileList(
                data=data,
                first_id=data[0].id if data else None,
                last_id=data[-1].id if data else None,
                has_more=has_more,
            )
        )

    async def create(self, request: Request) -> Response:
        user_id = require_account(request)
        reader = FormReader(request.headers.get("content-type", ""), file_field=FILE_FIELD)
        upload = _Upload(reader, body_of(request), self._limits)
        await upload.until_the_file()
        view, _ = await self._intake.take(user_id, upload.file_name, upload.file())
        row = await self._database.read(lambda db: documents.get(db, view.document_id, user_id))
        return reply(FileObject.of(row))

    async def retrieve(self, request: Request) -> Response:
        user_id, document_id = require_account(request), path_id(request, "file_id")
        return reply(FileObject.of(await self._database.read(lambda db: documents.get(db, document_id, user_id))))

    async def delete(self, request: Request) -> Response:
        user_id, document_id = require_account(request), path_id(request, "file_id")

        def delete(db: Db, news: News) -> None:
            delete_document(db, news, documents.get_owned(db, document_id, user_id))

        await self._writes.run(delete)
        self._ingestion.stop(document_id)
        return reply(DeletedFile(id=document_id))

    async def content(self, request: Request) -> Response:
        user_id, document_id = require_account(request), path_id(request, "file_id")
        document = await self._database.read(lambda db: documents.get(db, document_id, user_id))
        return await content_response(request, self._database, document)


class _Upload:
    """A form while it comes: fields, then the file's bytes, then perhaps more fields."""

    def __init__(self, reader: FormReader, body: AsyncGenerator[bytes], limits: LimitSettings) -> None:
        self._reader = reader
        self._body = body
        self._limits = limits
        self._fields: dict[str, str] = {}
        self._early: list[bytes] = []  # of the file, in the piece of the body that holds its beginning
        self.file_name = ""

    async def until_the_file(self) -> None:
        """Raises what the form is refused with."""
        async for data in self._body:
            self._early += self._taken(data)
            if self.file_name:
                return
        self._reader.close()

    async def file(self) -> AsyncGenerator[bytes]:
        """Its bytes; in the end raises what the form is refused with."""
        early, self._early = self._early, []
        for piece in early:
            yield piece
        async for data in self._body:
            for piece in self._taken(data):
                yield piece
        self._reader.close()
        if expiry := next((name for name in self._fields if name.startswith("expires_after")), None):
            raise UnsupportedParameter(expiry, f"'expires_after' is not supported: {NO_EXPIRY}.")
        validate(FileFields, dict(self._fields), self._limits)

    def _taken(self, data: bytes) -> list[bytes]:
        pieces: list[bytes] = []
        for event in self._reader.feed(data):
            if isinstance(event, FormField):
                self._fields[event.name] = event.value
            elif isinstance(event, FileBegun):
                self.file_name = event.file_name
            else:
                pieces.append(event.data)
        return pieces
