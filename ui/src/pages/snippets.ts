// How each SDK is told where to send, in the words of its own documentation.
import type { Receiver } from '../api/types';

export interface Address {
  host: string;
  port: string;
  url: string;
}
export interface Endpoints {
  grpc: Address | null;
  http: Address | null;
  zipkin: Address | null;
  thrift: Address | null;
  compact: Address | null;
}

/** The address as a sender writes it; a host that is "any" is the one that this page came from. */
export function addressOf(receiver: Receiver, pageHost: string): Address {
  const match = /^(.*?):?(\d+)$/.exec(receiver.address);
  const port = match?.[2] ?? '';
  const given = (match?.[1] ?? '').replace(/:$/, '');
  const host = given === '' || given === '0.0.0.0' || given === '[::]' || given === '::' ? pageHost : given;
  const isUdp = receiver.protocol.includes('compact') || receiver.protocol.includes('binary');
  const scheme = isUdp ? 'udp' : receiver.tls ? 'https' : 'http';
  return { host, port, url: `${scheme}://${host}:${port}${receiver.path ?? ''}` };
}

function origin(address: Address | null, port: string): string {
  if (!address) return `http://<collector>:${port}`;
  const url = /^(\w+:\/\/[^/]+)/.exec(address.url);
  return url?.[1] ?? address.url;
}

export const SNIPPETS: { name: string; text: (at: Endpoints) => string }[] = [
  {
    name: 'Any OpenTelemetry SDK',
    text: at => `export OTEL_SERVICE_NAME=my-service
export OTEL_EXPORTER_OTLP_ENDPOINT=${origin(at.http, '4318')}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf

# or over gRPC
export OTEL_EXPORTER_OTLP_ENDPOINT=${origin(at.grpc, '4317')}
export OTEL_EXPORTER_OTLP_PROTOCOL=grpc`,
  },
  {
    name: 'Java',
    text: at => `OTEL_SERVICE_NAME=my-service \\
OTEL_EXPORTER_OTLP_ENDPOINT=${origin(at.http, '4318')} \\
OTEL_METRICS_EXPORTER=none OTEL_LOGS_EXPORTER=none \\
java -javaagent:opentelemetry-javaagent.jar -jar my-service.jar`,
  },
  {
    name: 'Python',
    text: at => `pip install opentelemetry-distro opentelemetry-exporter-otlp
opentelemetry-bootstrap -a install

OTEL_SERVICE_NAME=my-service \\
OTEL_EXPORTER_OTLP_ENDPOINT=${origin(at.grpc, '4317')} \\
opentelemetry-instrument python app.py`,
  },
  {
    name: 'Node.js',
    text: at => `npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node

OTEL_SERVICE_NAME=my-service \\
OTEL_EXPORTER_OTLP_ENDPOINT=${origin(at.http, '4318')} \\
node --require @opentelemetry/auto-instrumentations-node/register app.js`,
  },
  {
    name: 'Go',
    text: at => `// go get go.opentelemetry.io/otel/sdk go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp
exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL("${origin(at.http, '4318')}"))
provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
otel.SetTracerProvider(provider)
defer provider.Shutdown(ctx)`,
  },
  {
    name: '.NET',
    text: at => `// dotnet add package OpenTelemetry.Extensions.Hosting OpenTelemetry.Exporter.OpenTelemetryProtocol
builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing
    .AddAspNetCoreInstrumentation()
    .AddOtlpExporter(otlp => otlp.Endpoint = new Uri("${origin(at.grpc, '4317')}")));`,
  },
  {
    name: 'Collector',
    text: at => `exporters:
  otlp/spoor:
    endpoint: ${origin(at.grpc, '4317').replace(/^\w+:\/\//, '')}
    tls:
      insecure: ${at.grpc?.url.startsWith('https') ? 'false' : 'true'}
service:
  pipelines:
    traces:
      exporters: [otlp/spoor]`,
  },
  {
    name: 'Zipkin, Istio',
    text: at => `# Envoy, Istio, Brave: spans as Zipkin's JSON
${at.zipkin ? `${origin(at.zipkin, '9411')}/api/v2/spans` : 'This server has no Zipkin receiver: set collector.zipkin.host-port'}`,
  },
  {
    name: 'Jaeger clients',
    text: at => `export JAEGER_SERVICE_NAME=my-service
export JAEGER_ENDPOINT=${origin(at.thrift, '14268')}/api/traces${at.compact ? `\n\n# or by UDP\nexport JAEGER_AGENT_HOST=${at.compact.host}\nexport JAEGER_AGENT_PORT=${at.compact.port}` : ''}`,
  },
  {
    name: 'curl',
    text: at => `curl ${origin(at.http, '4318')}/v1/traces -H 'Content-Type: application/json' -d '{
  "resourceSpans": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "curl"}}]},
    "scopeSpans": [{"spans": [{
      "traceId": "'$(openssl rand -hex 16)'", "spanId": "'$(openssl rand -hex 8)'", "name": "hello", "kind": 1,
      "startTimeUnixNano": "'$(date +%s)'000000000", "endTimeUnixNano": "'$(date +%s)'250000000"
    }]}]
  }]
}'`,
  },
];
