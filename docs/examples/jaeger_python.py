"""Sends one trace by OpenTelemetry's old Jaeger exporter, over Jaeger's gRPC protocol, as Jaeger's agents do.

    pip install opentelemetry-sdk==1.21.0 opentelemetry-exporter-jaeger-proto-grpc==1.21.0 'setuptools<71' 'protobuf<3.21'
    python jaeger_python.py localhost:14250
    python jaeger_python.py localhost:14250 spoor-certs/default/ca.crt     # over TLS, trusting that authority
"""
import sys

import grpc
from opentelemetry import trace
from opentelemetry.exporter.jaeger.proto.grpc import JaegerExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.name": "python-jaeger"}))
if len(sys.argv) > 2:
    with open(sys.argv[2], "rb") as authority:
        credentials = grpc.ssl_channel_credentials(authority.read())
    exporter = JaegerExporter(collector_endpoint=sys.argv[1], credentials=credentials)
else:
    exporter = JaegerExporter(collector_endpoint=sys.argv[1], insecure=True)
provider.add_span_processor(BatchSpanProcessor(exporter))
trace.set_tracer_provider(provider)

tracer = trace.get_tracer("first-trace")
with tracer.start_as_current_span("checkout") as root:
    with tracer.start_as_current_span("charge card") as child:
        child.set_attribute("cart.items", 3)
        child.set_status(trace.Status(trace.StatusCode.ERROR, "card declined"))
    print(format(root.get_span_context().trace_id, "032x"))
provider.shutdown()
