// OpenTelemetry's SDK for Node: sends traces over gRPC, or over HTTP in JSON or protobuf. It prints the id of each, a line each.
//
//     otel.js SERVICE (grpc|http|proto) URL [...]
const { SpanStatusCode, context, trace } = require("@opentelemetry/api");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { BatchSpanProcessor, NodeTracerProvider } = require("@opentelemetry/sdk-trace-node");

async function send(service, way, url) {
  const { OTLPTraceExporter } = require(`@opentelemetry/exporter-trace-otlp-${way}`);
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ "service.name": service }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }))],
  });
  const tracer = provider.getTracer("ways-in");
  const root = tracer.startSpan("checkout");
  const child = tracer.startSpan("charge card", {}, trace.setSpan(context.active(), root));
  child.setAttribute("cart.items", 3);
  child.setStatus({ code: SpanStatusCode.ERROR, message: "card declined" });
  child.end();
  root.end();
  // fails when the spans were refused
  await provider.forceFlush();
  await provider.shutdown();
  return root.spanContext().traceId;
}

(async () => {
  const words = process.argv.slice(2);
  for (let i = 0; i < words.length; i += 3) {
    console.log(await send(...words.slice(i, i + 3)));
  }
})();
