// OpenTelemetry's SDK for Java: sends traces over gRPC, or over HTTP in protobuf. It prints the id of each, a line each.
//
//     Otel SERVICE (grpc|http) URL [...]

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;

public final class Otel {
  public static void main(String[] words) {
    for (int i = 0; i < words.length; i += 3) {
      System.out.println(send(words[i], words[i + 1], words[i + 2]));
    }
  }

  private static String send(String service, String way, String to) {
    SpanExporter exporter =
        way.equals("grpc")
            ? OtlpGrpcSpanExporter.builder().setEndpoint(to).build()
            : OtlpHttpSpanExporter.builder().setEndpoint(to).build();
    SdkTracerProvider provider =
        SdkTracerProvider.builder()
            .setResource(
                Resource.create(Attributes.of(AttributeKey.stringKey("service.name"), service)))
            .addSpanProcessor(BatchSpanProcessor.builder(exporter).build())
            .build();
    Tracer tracer = provider.get("ways-in");
    Span root = tracer.spanBuilder("checkout").startSpan();
    Span child =
        tracer.spanBuilder("charge card").setParent(Context.root().with(root)).startSpan();
    child.setAttribute("cart.items", 3L);
    child.setStatus(StatusCode.ERROR, "card declined");
    child.end();
    root.end();
    // waits until what is left is sent; what goes wrong is told on standard error
    provider.close();
    return root.getSpanContext().getTraceId();
  }
}
