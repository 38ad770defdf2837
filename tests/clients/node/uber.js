// Uber's jaeger-client: sends one trace by datagrams in the binary protocol, or over HTTP; its id is the last line.
//
//     uber.js SERVICE udp HOST PORT
//     uber.js SERVICE http URL
const { initTracer } = require("jaeger-client");

const [service, way, to, port] = process.argv.slice(2);
const reporter =
  way === "udp"
    ? { agentHost: to, agentPort: Number(port), flushIntervalMs: 50 }
    : { collectorEndpoint: to, flushIntervalMs: 50 };
const tracer = initTracer({ serviceName: service, sampler: { type: "const", param: 1 }, reporter }, {});
const root = tracer.startSpan("checkout");
const child = tracer.startSpan("charge card", { childOf: root.context() });
child.setTag("error", true);
child.setTag("cart.items", 3);
child.log({ event: "declined", attempt: 2 });
child.finish();
root.finish();
console.log(root.context().traceIdStr.padStart(32, "0"));
tracer.close(() => setTimeout(() => process.exit(0), 300));
