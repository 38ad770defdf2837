"""py-zipkin: sends one trace to URL in the encoding that is named; its id is the last line."""
import sys
import urllib.request

from py_zipkin import Encoding, Kind
from py_zipkin.transport import BaseTransportHandler
from py_zipkin.zipkin import zipkin_span

encoding, url, service = sys.argv[1:4]
ENCODINGS = {
    "v1-thrift": (Encoding.V1_THRIFT, "application/x-thrift"),
    "v1-json": (Encoding.V1_JSON, "application/json"),
    "v2-json": (Encoding.V2_JSON, "application/json"),
    "v2-protobuf": (Encoding.V2_PROTO3, "application/x-protobuf"),
}


class Http(BaseTransportHandler):
    def get_max_payload_bytes(self):
        return None

    def send(self, payload):
        body = payload.encode() if isinstance(payload, str) else payload
        request = urllib.request.Request(url, body, {"Content-Type": ENCODINGS[encoding][1]})
        answer = urllib.request.urlopen(request)
        assert answer.status == 202, answer.status


with zipkin_span(
    service_name=service,
    span_name="checkout",
    transport_handler=Http(),
    sample_rate=100,
    kind=Kind.SERVER,
    encoding=ENCODINGS[encoding][0],
    use_128bit_trace_id=True,
    port=8080,
    host="10.1.2.3",
) as root:
    root.update_binary_annotations({"cart.items": "3"})
    with zipkin_span(service_name=service, span_name="charge card", kind=Kind.CLIENT) as child:
        child.update_binary_annotations({"error": "declined"})
        child.add_annotation("retried")
    print(root.zipkin_attrs.trace_id)
