"""OpenTelemetry's SDK for Python: sends one trace over gRPC, or over HTTP in protobuf; its id is the last line.

    otlp.py SERVICE (grpc|http) URL
"""
import sys

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

service, way, url = sys.argv[1:4]
if way == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
provider = TracerProvider(resource=Resource.create({"service.name": service}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
tracer = provider.get_tracer("ways-in")
with tracer.start_as_current_span("checkout") as root:
    with tracer.start_as_current_span("charge card") as child:
        child.set_attribute("cart.items", 3)
        child.set_status(trace.Status(trace.StatusCode.ERROR, "card declined"))
    print(format(root.get_span_context().trace_id, "032x"))
provider.shutdown()
