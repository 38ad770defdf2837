"""Sends one trace of two spans by OpenTelemetry's Python SDK, over gRPC or HTTP.

    pip install opentelemetry-sdk opentelemetry-exporter-otlp
    python otlp_python.py grpc http://localhost:4317
    python otlp_python.py http http://localhost:4318/v1/traces

Over TLS, trusting one authority:

    OTEL_EXPORTER_OTLP_CERTIFICATE=spoor-certs/default/ca.crt python otlp_python.py grpc https://localhost:4317
"""
import sys

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

protocol, endpoint = sys.argv[1:3]
if protocol == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter(endpoint=endpoint)
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter(endpoint=endpoint)

provider = TracerProvider(resource=Resource.create({"service.name": f"python-{protocol}"}))
provider.add_span_processor(BatchSpanProcessor(exporter))
trace.set_tracer_provider(provider)

tracer = trace.get_tracer("first-trace")
with tracer.start_as_current_span("checkout", attributes={"cart.items": 3}) as root:
    with tracer.start_as_current_span("charge card") as child:
        child.add_event("card accepted", {"network": "visa"})
    print(format(root.get_span_context().trace_id, "032x"))
provider.shutdown()
