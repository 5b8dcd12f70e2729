"""An S3 server: objects in memory, over HTTP, as far as this project speaks the protocol.

moto, the usual one, cannot be installed beside the kubernetes client: botocore asks for an older
python-dateutil than that does.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

KEY_ID, SECRET = "someone", "hush-hush"
BUCKET = "bucket"
PAGE = 3  # keys of one answer to a listing: the rest has to be asked for


class FakeS3(ThreadingHTTPServer):
    """`objects` is what it holds, by key; while it is `down` it answers nothing but 503."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.log: list[str] = []
        """METHOD key of every request that was carried out."""
        self.down = False
        self.refused = 0
        """Requests while it was down."""
        self.lock = threading.RLock()

    def environment(self) -> dict[str, str]:
        """What a client needs to know."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.server_port}",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }

    def keys(self, prefix: str = "") -> list[str]:
        with self.lock:
            return sorted(key for key in self.objects if key.startswith(prefix))


@contextmanager
def running_s3() -> Iterator[FakeS3]:
    with FakeS3() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeS3

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:  # a client was killed
            self.close_connection = True

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - the library's names

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(url.query, keep_blank_values=True).items()}
        bucket, _, key = unquote(url.path).lstrip("/").partition("/")
        with self.server.lock:
            if self.server.down:
                self.server.refused += 1
                self._answer(503)
            elif f"Credential={KEY_ID}/" not in self.headers.get("Authorization", ""):
                self._answer(403, b"<Error><Code>InvalidAccessKeyId</Code></Error>")
            elif bucket != BUCKET:
                self._answer(404, b"<Error><Code>NoSuchBucket</Code></Error>")
            else:
                self.server.log.append(f"{self.command} {key}")
                self._carry_out(key, query, body)

    def _carry_out(self, key: str, query: dict[str, str], body: bytes) -> None:
        objects, uploads = self.server.objects, self.server.uploads
        match self.command:
            case "GET" if "list-type" in query:
                self._list(query.get("prefix", ""), query.get("continuation-token", ""))
            case "GET" | "HEAD":
                self._read(key)
            case "PUT" if "uploadId" in query:
                uploads[query["uploadId"]][int(query["partNumber"])] = body
                self._answer(200, etag=_etag(body))
            case "PUT":
                objects[key] = body
                self._answer(200, etag=_etag(body))
            case "POST" if "uploads" in query:
                uploads[f"upload-{len(uploads)}"] = {}
                self._xml("InitiateMultipartUploadResult", UploadId=f"upload-{len(uploads) - 1}")
            case "POST" if "uploadId" in query:
                parts = uploads[query["uploadId"]]
                objects[key] = b"".join(parts[number] for number in sorted(parts))
                self._xml("CompleteMultipartUploadResult", ETag=_etag(objects[key]))
            case "POST" if "delete" in query:
                self._delete(
                    [
                        found.text or ""
                        for found in ElementTree.fromstring(body).iter()
                        if found.tag.endswith("Key")
                    ]
                )
            case "DELETE":
                objects.pop(key, None)
                self._answer(204)
            case _:
                self._answer(501)

    def _delete(self, keys: list[str]) -> None:
        for key in keys:
            self.server.objects.pop(key, None)
        deleted = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
        self._answer(200, f"<DeleteResult>{deleted}</DeleteResult>".encode())

    def _read(self, key: str) -> None:
        content = self.server.objects.get(key)
        if content is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
            return
        asked = self.headers.get("Range")
        if asked is None:
            self._answer(200, content, etag=_etag(content))
            return
        first, last = asked.removeprefix("bytes=").split("-")
        part = content[int(first) : int(last) + 1]
        where = f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}"
        self._answer(206, part, etag=_etag(content), where=where)

    def _list(self, prefix: str, after: str) -> None:
        found = [key for key in self.server.keys(prefix) if key > after]
        entries = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.server.objects[key])}</Size>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>{escape(_etag(self.server.objects[key]))}</ETag></Contents>"
            for key in found[:PAGE]
        )
        more = "<IsTruncated>false</IsTruncated>"
        if len(found) > PAGE:
            token = f"<NextContinuationToken>{escape(found[PAGE - 1])}</NextContinuationToken>"
            more = f"<IsTruncated>true</IsTruncated>{token}"
        content = f"<ListBucketResult><Name>{BUCKET}</Name>{more}{entries}</ListBucketResult>"
        self._answer(200, content.encode())

    def _xml(self, name: str, **fields: str) -> None:
        given = {"Bucket": BUCKET, "Key": "any", **fields}
        inner = "".join(f"<{field}>{escape(value)}</{field}>" for field, value in given.items())
        self._answer(200, f"<{name}>{inner}</{name}>".encode())

    def _answer(
        self, status: int, content: bytes = b"", *, etag: str = "", where: str = ""
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        if etag:
            self.send_header("ETag", etag)
        if where:
            self.send_header("Content-Range", where)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """The tests look at `log`."""


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
