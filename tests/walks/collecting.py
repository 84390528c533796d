"""A collector of OpenTelemetry traces on loopback: protobuf over HTTP, as any real one takes it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Collected:
    """One span as it arrived. Ids in hexadecimal; no parent: ''."""

    service: str
    name: str
    trace: str
    span: str
    parent: str
    attributes: dict[str, str]


class Collector:
    """What came, and whether the next is taken."""

    def __init__(self) -> None:
        self.spans: list[Collected] = []
        self.octets = b""
        self.takes = True
        self.endpoint = ""

    def take(self, octets: bytes) -> None:
        self.octets += octets
        for told in ExportTraceServiceRequest.FromString(octets).resource_spans:
            service = next(each.value.string_value for each in told.resource.attributes if each.key == "service.name")
            for scope in told.scope_spans:
                for one in scope.spans:
                    attributes = {each.key: str(each.value) for each in one.attributes}
                    ids = (one.trace_id.hex(), one.span_id.hex(), one.parent_span_id.hex())
                    self.spans.append(Collected(service, one.name, *ids, attributes))


@contextmanager
def collector() -> Iterator[Collector]:
    one = Collector()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            octets = self.rfile.read(int(self.headers["content-length"]))
            if one.takes:
                one.take(octets)
            self.send_response(200 if one.takes else 400)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    one.endpoint = f"http://127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
