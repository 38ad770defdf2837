// Zipkin's reporter for Java: sends traces to URLs, each in the encoding that is named. It prints the id of each, a line each.
//
//     Zipkin SERVICE (v1-thrift|v1-json|v2-json|v2-protobuf) URL [...]

import java.util.concurrent.TimeUnit;
import zipkin2.Endpoint;
import zipkin2.Span;
import zipkin2.reporter.AsyncReporter;
import zipkin2.reporter.SpanBytesEncoder;
import zipkin2.reporter.urlconnection.URLConnectionSender;

public final class Zipkin {
  public static void main(String[] words) throws Exception {
    for (int i = 0; i < words.length; i += 3) {
      System.out.println(send(words[i], encoder(words[i + 1]), words[i + 2], i));
    }
  }

  @SuppressWarnings("deprecation")
  private static SpanBytesEncoder encoder(String name) {
    switch (name) {
      case "v1-thrift":
        return SpanBytesEncoder.THRIFT;
      case "v1-json":
        return SpanBytesEncoder.JSON_V1;
      case "v2-json":
        return SpanBytesEncoder.JSON_V2;
      case "v2-protobuf":
        return SpanBytesEncoder.PROTO3;
      default:
        throw new IllegalArgumentException(name);
    }
  }

  private static String send(String service, SpanBytesEncoder encoder, String to, int number) {
    Endpoint here =
        Endpoint.newBuilder().serviceName(service).ip("10.1.2.3").port(8080).build();
    String id = String.format("463ac35c9f6413ad%016x", number + 1);
    long now = System.currentTimeMillis() * 1000;
    Span root =
        Span.newBuilder()
            .traceId(id)
            .id("a2fb4a1d1a96d312")
            .kind(Span.Kind.SERVER)
            .name("checkout")
            .localEndpoint(here)
            .timestamp(now)
            .duration(3000)
            .putTag("cart.items", "3")
            .build();
    Span child =
        Span.newBuilder()
            .traceId(id)
            .parentId(root.id())
            .id("b7ad6b7169203331")
            .kind(Span.Kind.CLIENT)
            .name("charge card")
            .localEndpoint(here)
            .timestamp(now + 1000)
            .duration(1000)
            .addAnnotation(now + 1500, "retried")
            .putTag("error", "declined")
            .build();
    URLConnectionSender sender =
        URLConnectionSender.newBuilder().endpoint(to).encoding(encoder.encoding()).build();
    // without a thread of its own, whose end would have to be waited for
    try (AsyncReporter<Span> reporter =
        AsyncReporter.builder(sender).messageTimeout(0, TimeUnit.SECONDS).build(encoder)) {
      reporter.report(child);
      reporter.report(root);
      reporter.flush();
    }
    return id;
  }
}
