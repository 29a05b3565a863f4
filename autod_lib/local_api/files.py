"""Files that were sent: in a request's own body, or uploaded before.

Decided here: how a file's bytes and hash are had (once, and only if someone asks), and the form of uploads. Uploaded
files live in memory and end with the server; an expired one is gone. Called by server.py.
"""

import binascii
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from functools import cached_property

from .wire import ApiError, JsonObject

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
LEAST_EXPIRY_S, MOST_EXPIRY_S = 3600, 2_592_000


@dataclass(frozen=True)
class Upload:
    """A file kept until it expires or is deleted."""

    file_id: str
    filename: str
    purpose: str
    content: bytes
    created_at: int
    expires_at: int | None

    def as_object(self) -> JsonObject:
        """The file object of the API."""
        answer: JsonObject = {
            "id": self.file_id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created_at,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
        }
        if self.expires_at is not None:
            answer["expires_at"] = self.expires_at
        return answer


@dataclass
class SentFile:
    """A file of one request. Its bytes and its hash are worked out when first asked for."""

    name: str
    data_url: str = ""
    upload: Upload | None = None
    where: str = "input"

    @cached_property
    def content(self) -> bytes:
        """The bytes. Raises: ApiError 400 if the base64 is not valid."""
        if self.upload is not None:
            return self.upload.content
        try:
            return binascii.a2b_base64(self.data_url[self.data_url.index(",") + 1 :], strict_mode=True)
        except ValueError as problem:
            message = f"Invalid '{self.where}': expected base64-encoded data, but {str(problem)[:80]}."
            raise ApiError(400, message, param=self.where, code="invalid_base64") from problem

    def decode(self) -> None:
        """Have the bytes now, so that bad base64 is the request's error. Raises: ApiError 400."""
        _ = self.content

    @cached_property
    def sha256(self) -> str:
        """Hash of the bytes, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def size(self) -> int:
        """Bytes, without decoding them."""
        return len(self.upload.content) if self.upload else (len(self.data_url) - 28) * 3 // 4


@dataclass
class Uploads:
    """The files of all keys; one key's files are not seen by another."""

    _kept: dict[str, dict[str, Upload]] = field(default_factory=dict)

    def of(self, key: str) -> dict[str, Upload]:
        """The files of a key that have not expired, by id, oldest first."""
        mine = self._kept.setdefault(key, {})
        now = time.time()
        for file_id in [each.file_id for each in mine.values() if each.expires_at is not None and each.expires_at <= now]:
            del mine[file_id]
        return mine

    def one(self, key: str, file_id: str) -> Upload:
        """A file by its id. Raises: ApiError 404."""
        found = self.of(key).get(file_id)
        if found is None:
            raise ApiError(404, f"No such File object: {file_id}", param="id", code="file_not_found")
        return found

    def add(self, key: str, content_type: str, body: bytes) -> Upload:
        """Keep the file of an upload's body. Raises: ApiError 400 naming the field that is wrong."""
        fields = form_fields(content_type, body)
        for name in fields.keys() - {"file", "purpose", "expires_after[anchor]", "expires_after[seconds]"}:
            raise ApiError(400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
        for name in ("file", "purpose"):
            if name not in fields:
                message = f"Missing required parameter: '{name}'."
                raise ApiError(400, message, param=name, code="missing_required_parameter")
        purpose = fields["purpose"][1].decode("utf-8", "replace")
        if purpose not in PURPOSES:
            raise ApiError(400, f"'{purpose}' is not one of {list(PURPOSES)} - 'purpose'", param="purpose", code="invalid_value")
        filename, content = fields["file"]
        return self.keep(key, filename or "upload", purpose, content, _expiry(fields))

    def keep(self, key: str, filename: str, purpose: str, content: bytes, expiry_s: int | None) -> Upload:
        """Keep these bytes, for so many seconds or until they are deleted."""
        created_at = int(time.time())
        expires_at = None if expiry_s is None else created_at + expiry_s
        upload = Upload(f"file-{secrets.token_hex(12)}", filename, purpose, content, created_at, expires_at)
        self.of(key)[upload.file_id] = upload
        return upload

    def remove(self, key: str, file_id: str) -> JsonObject:
        """Delete a file. Raises: ApiError 404."""
        self.one(key, file_id)
        del self.of(key)[file_id]
        return {"id": file_id, "object": "file", "deleted": True}

    def listing(self, key: str, query: dict[str, str]) -> JsonObject:
        """One page of the files of a key, newest first unless `order=asc`."""
        chosen = [each for each in self.of(key).values() if query.get("purpose") in (None, each.purpose)]
        if query.get("order", "desc") == "desc":
            chosen.reverse()
        names = [each.file_id for each in chosen]
        if query.get("after") in names:
            chosen = chosen[names.index(query["after"]) + 1 :]
        limit = int(query["limit"]) if query.get("limit", "").isdigit() else 10_000
        page = [each.as_object() for each in chosen[:limit]]
        ends = {"first_id": page[0]["id"] if page else "", "last_id": page[-1]["id"] if page else ""}
        return {"object": "list", "data": page, **ends, "has_more": len(chosen) > limit}


def _expiry(fields: dict[str, tuple[str, bytes]]) -> int | None:
    seconds = fields.get("expires_after[seconds]")
    if seconds is None:
        return None
    text = seconds[1].decode("utf-8", "replace")
    if not text.isdigit() or not LEAST_EXPIRY_S <= int(text) <= MOST_EXPIRY_S:
        message = f"'expires_after.seconds' must be from {LEAST_EXPIRY_S} to {MOST_EXPIRY_S}, not {text!r}."
        raise ApiError(400, message, param="expires_after.seconds", code="invalid_value")
    return int(text)


def form_fields(content_type: str, body: bytes) -> dict[str, tuple[str, bytes]]:
    """The fields of a multipart form: name to (file name, bytes). Raises: ApiError 400 if it is not such a form."""
    kind, _, rest = content_type.partition("boundary=")
    boundary = rest.split(";")[0].strip().strip('"')
    if not kind.startswith("multipart/form-data") or not boundary:
        raise ApiError(400, "The body must be multipart/form-data.", code="invalid_content_type")
    fields = {}
    for piece in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:-1]:
        head, _, value = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        words = dict(_parameters(head.decode("utf-8", "replace")))
        fields[words.get("name", "")] = (words.get("filename", ""), value)
    return fields


def _parameters(head: str) -> list[tuple[str, str]]:
    """`name="…"` and `filename="…"` of a part's content-disposition."""
    for line in head.splitlines():
        if line.lower().startswith("content-disposition:"):
            pairs = [item.partition("=") for item in line.split("; ")[1:]]
            return [(name.strip(), value.strip().strip('"').replace("%22", '"')) for name, _, value in pairs]
    return []
