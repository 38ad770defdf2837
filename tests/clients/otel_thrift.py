"""OpenTelemetry's old Jaeger exporter in Thrift: sends one trace to the agent's datagrams, or to the collector over HTTP.

    otel_thrift.py SERVICE udp HOST:PORT
    otel_thrift.py SERVICE http URL
"""
import sys

from opentelemetry import trace
from opentelemetry.exporter.jaeger.thrift import JaegerExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

service, way, to = sys.argv[1:4]
if way == "udp":
    host, port = to.rsplit(":", 1)
    exporter = JaegerExporter(agent_host_name=host, agent_port=int(port))
else:
    exporter = JaegerExporter(collector_endpoint=to)
provider = TracerProvider(resource=Resource.create({"service.name": service}))
provider.add_span_processor(BatchSpanProcessor(exporter))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("ways-in")
with tracer.start_as_current_span("checkout") as root:
    with tracer.start_as_current_span("charge card") as child:
        child.set_attribute("cart.items", 3)
        child.set_status(trace.Status(trace.StatusCode.ERROR, "card declined"))
    print(format(root.get_span_context().trace_id, "032x"))
provider.shutdown()
