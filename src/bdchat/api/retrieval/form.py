"""Reads a multipart/form-data body while it comes: short fields whole, one file as a stream. Pure.

Nothing is kept but the field that is being read: a file's bytes go out as they come in.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from bdchat.api.http.errors import MalformedBody, UnsupportedMediaType
from bdchat.engine.errors import InvalidRequest

FORM_MEDIA = "multipart/form-data"
MAX_FIELDS = 32
MAX_FIELD_BYTES = 16 * 1024
MAX_BOUNDARY_BYTES = 200  # RFC 2046 says 70
MAX_SHOWN_CHARS = 100  # of a field's name in an error
FORM_OVERHEAD_BYTES = 64 * 1024 + MAX_FIELDS * MAX_FIELD_BYTES  # of a form around its file


@dataclass(frozen=True, slots=True)
class FormField:
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class FileBegun:
    """Its name is the client's word."""

    file_name: str


@dataclass(frozen=True, slots=True)
class FileData:
    data: bytes


FormEvent = FormField | FileBegun | FileData


class FormReader:
    """`file_field`: the one that is a file, which must be there once."""

    def __init__(self, content_type: str, *, file_field: str) -> None:
        """Raises UnsupportedMediaType, MalformedBody."""
        media_type, options = parse_options_header(content_type)
        if media_type.lower() != FORM_MEDIA.encode():
            raise UnsupportedMediaType(media_type.decode("latin-1")[:100])
        boundary = options.get(b"boundary", b"")
        if not 0 < len(boundary) <= MAX_BOUNDARY_BYTES:
            raise MalformedBody("The form's content type must name its boundary.")
        self._file_field = file_field
        self._events: list[FormEvent] = []
        self._header = (bytearray(), bytearray())
        self._headers: dict[str, bytes] = {}
        self._name = ""
        self._value: bytearray | None = None  # None: in the file, or between parts
        self._num_parts = 0
        self._has_file = False
        self._is_over = False
        self._parser = MultipartParser(boundary, callbacks=self._callbacks())  # type: ignore[arg-type]

    def feed(self, data: bytes) -> list[FormEvent]:
        """What came of it. Raises MalformedBody, InvalidRequest."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise MalformedBody("The form is malformed.") from error
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """All of the body was fed. Raises MalformedBody, InvalidRequest."""
        if not self._is_over:
            raise MalformedBody("The form ends before its last boundary.")
        if not self._has_file:
            raise InvalidRequest(self._file_field, "this field is required: send the file in it.")

    def _callbacks(self) -> Mapping[str, object]:
        return {
            "on_part_begin": self._begin_part,
            "on_header_begin": self._begin_header,
            "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._take,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _begin_part(self) -> None:
        self._num_parts += 1
        if self._num_parts > MAX_FIELDS:
            raise MalformedBody(f"The form has more than {MAX_FIELDS} fields.")
        self._headers = {}

    def _begin_header(self) -> None:
        self._header = (bytearray(), bytearray())

    def _end_header(self) -> None:
        name, value = self._header
        self._headers[name.decode("latin-1").lower()] = bytes(value)

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", b""))
        self._name = _text(options.get(b"name", b""))
        file_name = options.get(b"filename")
        shown = self._name[:MAX_SHOWN_CHARS]
        if not self._name:
            raise MalformedBody("A field of the form has no name.")
        if self._name != self._file_field:
            if file_name is not None:
                raise InvalidRequest(shown, f"only '{self._file_field}' may be a file.")
            self._value = bytearray()
            return
        if not file_name:
            raise InvalidRequest(shown, "must be a file with a name.")
        if self._has_file:
            raise InvalidRequest(shown, "one file at a time.")
        self._has_file = True
        self._value = None
        self._events.append(FileBegun(_text(file_name)))

    def _take(self, data: bytes, start: int, end: int) -> None:
        if self._value is None:
            self._events.append(FileData(bytes(data[start:end])))
            return
        if len(self._value) + end - start > MAX_FIELD_BYTES:
            raise InvalidRequest(self._name[:MAX_SHOWN_CHARS], f"is longer than {MAX_FIELD_BYTES} bytes.")
        self._value += data[start:end]

    def _end_part(self) -> None:
        if self._value is not None:
            self._events.append(FormField(self._name, _text(bytes(self._value))))
            self._value = None

    def _end(self) -> None:
        self._is_over = True


def _text(value: bytes) -> str:
    """Browsers and curl send UTF-8; what is none is read as Latin-1, so that a name never refuses a file."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
