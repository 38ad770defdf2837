import{B as e,L as t,N as n,R as r,U as i,b as a,y as o}from"./index-BRx8TrNj.js";import{S as s}from"./useBaseQuery-CnFVKWSn.js";import{C as c,S as l,T as u,h as d}from"./time-Co0BeFPK.js";import{l as f,n as p,r as m}from"./state-CD-O4sT3.js";import{t as h}from"./icon-CmooaC7_.js";/* empty css              *//* empty css              */var g=u(c(),1);function _(e,t){let n=/^(.*?):?(\d+)$/.exec(e.address),r=n?.[2]??``,i=(n?.[1]??``).replace(/:$/,``),a=i===``||i===`0.0.0.0`||i===`[::]`||i===`::`?t:i;return{host:a,port:r,url:`${e.protocol.includes(`compact`)||e.protocol.includes(`binary`)?`udp`:e.tls?`https`:`http`}://${a}:${r}${e.path??``}`}}function v(e,t){return e?/^(\w+:\/\/[^/]+)/.exec(e.url)?.[1]??e.url:`http://<collector>:${t}`}var y=[{name:`Any OpenTelemetry SDK`,text:e=>`export OTEL_SERVICE_NAME=my-service
export OTEL_EXPORTER_OTLP_ENDPOINT=${v(e.http,`4318`)}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf

# or over gRPC
export OTEL_EXPORTER_OTLP_ENDPOINT=${v(e.grpc,`4317`)}
export OTEL_EXPORTER_OTLP_PROTOCOL=grpc`},{name:`Java`,text:e=>`OTEL_SERVICE_NAME=my-service \\
OTEL_EXPORTER_OTLP_ENDPOINT=${v(e.http,`4318`)} \\
OTEL_METRICS_EXPORTER=none OTEL_LOGS_EXPORTER=none \\
java -javaagent:opentelemetry-javaagent.jar -jar my-service.jar`},{name:`Python`,text:e=>`pip install opentelemetry-distro opentelemetry-exporter-otlp
opentelemetry-bootstrap -a install

OTEL_SERVICE_NAME=my-service \\
OTEL_EXPORTER_OTLP_ENDPOINT=${v(e.grpc,`4317`)} \\
opentelemetry-instrument python app.py`},{name:`Node.js`,text:e=>`npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node

OTEL_SERVICE_NAME=my-service \\
OTEL_EXPORTER_OTLP_ENDPOINT=${v(e.http,`4318`)} \\
node --require @opentelemetry/auto-instrumentations-node/register app.js`},{name:`Go`,text:e=>`// go get go.opentelemetry.io/otel/sdk go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp
exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL("${v(e.http,`4318`)}"))
provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
otel.SetTracerProvider(provider)
defer provider.Shutdown(ctx)`},{name:`.NET`,text:e=>`// dotnet add package OpenTelemetry.Extensions.Hosting OpenTelemetry.Exporter.OpenTelemetryProtocol
builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing
    .AddAspNetCoreInstrumentation()
    .AddOtlpExporter(otlp => otlp.Endpoint = new Uri("${v(e.grpc,`4317`)}")));`},{name:`Collector`,text:e=>`exporters:
  otlp/spoor:
    endpoint: ${v(e.grpc,`4317`).replace(/^\w+:\/\//,``)}
    tls:
      insecure: ${e.grpc?.url.startsWith(`https`)?`false`:`true`}
service:
  pipelines:
    traces:
      exporters: [otlp/spoor]`},{name:`Zipkin, Istio`,text:e=>`# Envoy, Istio, Brave: spans as Zipkin's JSON
${e.zipkin?`${v(e.zipkin,`9411`)}/api/v2/spans`:`This server has no Zipkin receiver: set collector.zipkin.host-port`}`},{name:`Jaeger clients`,text:e=>`export JAEGER_SERVICE_NAME=my-service
export JAEGER_ENDPOINT=${v(e.thrift,`14268`)}/api/traces${e.compact?`\n\n# or by UDP\nexport JAEGER_AGENT_HOST=${e.compact.host}\nexport JAEGER_AGENT_PORT=${e.compact.port}`:``}`},{name:`curl`,text:e=>`curl ${v(e.http,`4318`)}/v1/traces -H 'Content-Type: application/json' -d '{
  "resourceSpans": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "curl"}}]},
    "scopeSpans": [{"spans": [{
      "traceId": "'$(openssl rand -hex 16)'", "spanId": "'$(openssl rand -hex 8)'", "name": "hello", "kind": 1,
      "startTimeUnixNano": "'$(date +%s)'000000000", "endTimeUnixNano": "'$(date +%s)'250000000"
    }]}]
  }]
}'`}],b=l();function x(){let e=i({queryKey:[`receivers`],queryFn:({signal:e})=>t(e),staleTime:6e4}),n=i({queryKey:[`services`],queryFn:({signal:e})=>r(e)});return(0,b.jsxs)(`div`,{className:`page`,children:[(0,b.jsx)(`h1`,{children:n.data?.length?`How to send traces`:`No traces yet. Send the first one`}),(0,b.jsx)(`p`,{className:`lead`,children:`Spoor takes what OpenTelemetry, Jaeger and Zipkin send, at the ports where they send it. Traces appear here a moment after they arrive.`}),(0,b.jsx)(S,{}),e.isError?(0,b.jsx)(p,{error:e.error,retry:()=>void e.refetch()}):e.data?e.data.length===0?(0,b.jsx)(`p`,{className:`notice`,children:`This process takes no spans: send them to a collector of this installation. Whoever runs it knows the address.`}):(0,b.jsxs)(b.Fragment,{children:[(0,b.jsx)(C,{receivers:e.data}),(0,b.jsx)(T,{receivers:e.data})]}):(0,b.jsx)(m,{what:`the addresses`})]})}function S(){let[,t]=e(),r=s(),[i,o]=(0,g.useState)(!1);if(!f().demo)return null;let c=async()=>{o(!0);try{let e=await n();a(`Made ${d(e.traces,`trace`)} with ${d(e.spans,`span`)}`),await r.invalidateQueries(),t(`/search?lookback=1h`)}catch(e){a(`The demo did not work: ${e.message}`,!0)}o(!1)};return(0,b.jsxs)(`section`,{className:`panel welcome-demo`,"aria-label":`Demo`,children:[(0,b.jsxs)(`p`,{children:[(0,b.jsx)(`strong`,{children:`Just looking?`}),` A small shop's traces of the last hour, with its slow and failed orders, show what there is to see.`]}),(0,b.jsx)(`button`,{type:`button`,className:`primary`,disabled:i,onClick:()=>void c(),children:i?`Making traces…`:`Generate a demo shop`})]})}function C({receivers:e}){let[t,n]=(0,g.useState)(y[0].name),r=y.find(e=>e.name===t),i=r.text(w(e));return(0,b.jsxs)(`section`,{"aria-label":`How to send`,children:[(0,b.jsx)(`h2`,{children:`From your program`}),(0,b.jsxs)(`div`,{className:`panel`,children:[(0,b.jsx)(`div`,{className:`welcome-tabs`,role:`tablist`,"aria-label":`SDK`,children:y.map(e=>(0,b.jsx)(`button`,{type:`button`,role:`tab`,"aria-selected":e.name===t,onClick:()=>n(e.name),children:e.name},e.name))}),(0,b.jsxs)(`div`,{className:`welcome-code`,role:`tabpanel`,"aria-label":r.name,children:[(0,b.jsx)(`pre`,{tabIndex:0,children:i}),(0,b.jsxs)(`button`,{type:`button`,className:`ghost`,onClick:()=>void o(i,`it`),children:[(0,b.jsx)(h,{name:`copy`}),` Copy`]})]})]})]})}function w(e){let t=t=>{let n=e.find(e=>e.protocol===t);return n?_(n,location.hostname):null};return{grpc:t(`otlp-grpc`),http:t(`otlp-http`),zipkin:t(`zipkin`),thrift:t(`jaeger-thrift-http`),compact:t(`jaeger-thrift-compact`)}}function T({receivers:e}){return(0,b.jsxs)(`section`,{children:[(0,b.jsx)(`h2`,{children:`All addresses`}),(0,b.jsx)(`div`,{className:`panel table-box`,children:(0,b.jsxs)(`table`,{className:`table`,children:[(0,b.jsx)(`thead`,{children:(0,b.jsxs)(`tr`,{children:[(0,b.jsx)(`th`,{scope:`col`,children:`Protocol`}),(0,b.jsx)(`th`,{scope:`col`,children:`Address`}),(0,b.jsx)(`th`,{scope:`col`,children:`TLS`})]})}),(0,b.jsx)(`tbody`,{children:e.map((e,t)=>(0,b.jsxs)(`tr`,{children:[(0,b.jsx)(`td`,{children:e.protocol}),(0,b.jsx)(`td`,{children:(0,b.jsx)(`code`,{children:_(e,location.hostname).url})}),(0,b.jsx)(`td`,{className:e.tls?void 0:`dim`,children:e.tls?`yes`:`no`})]},t))})]})})]})}export{x as default};