// Jaeger's client for Java: sends traces by datagrams in the compact protocol, or over HTTP. It prints the id of each, a line each.
//
//     Jaeger SERVICE udp HOST:PORT
//     Jaeger SERVICE http URL

import io.jaegertracing.Configuration;
import io.jaegertracing.Configuration.ReporterConfiguration;
import io.jaegertracing.Configuration.SamplerConfiguration;
import io.jaegertracing.Configuration.SenderConfiguration;
import io.jaegertracing.internal.JaegerTracer;
import io.opentracing.Span;
import java.util.Map;

public final class Jaeger {
  public static void main(String[] words) {
    for (int i = 0; i < words.length; i += 3) {
      System.out.println(send(words[i], words[i + 1], words[i + 2]));
    }
  }

  private static String send(String service, String way, String to) {
    SenderConfiguration sender = new SenderConfiguration();
    if (way.equals("udp")) {
      int colon = to.lastIndexOf(':');
      sender
          .withAgentHost(to.substring(0, colon))
          .withAgentPort(Integer.valueOf(to.substring(colon + 1)));
    } else {
      sender.withEndpoint(to);
    }
    Configuration settings =
        new Configuration(service)
            .withTraceId128Bit(true)
            .withSampler(new SamplerConfiguration().withType("const").withParam(1))
            .withReporter(new ReporterConfiguration().withSender(sender));
    // closing it sends what is left
    try (JaegerTracer tracer = settings.getTracer()) {
      Span root = tracer.buildSpan("checkout").start();
      Span child = tracer.buildSpan("charge card").asChildOf(root).start();
      child.setTag("error", true);
      child.setTag("cart.items", 3);
      child.log(Map.of("event", "declined", "attempt", 2));
      child.finish();
      root.finish();
      return root.context().toTraceId();
    }
  }
}
