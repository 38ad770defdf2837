// Command uber sends one trace by Uber's jaeger-client-go: by datagrams in the compact protocol, or over HTTP. The trace's id is the last line.
//
//	uber SERVICE udp HOST:PORT
//	uber SERVICE http URL
package main

import (
	"fmt"
	"os"

	"github.com/opentracing/opentracing-go"
	"github.com/opentracing/opentracing-go/log"
	"github.com/uber/jaeger-client-go"
	"github.com/uber/jaeger-client-go/config"
)

func main() {
	service, way, to := os.Args[1], os.Args[2], os.Args[3]
	reporter := &config.ReporterConfig{}
	if way == "udp" {
		reporter.LocalAgentHostPort = to
	} else {
		reporter.CollectorEndpoint = to
	}
	settings := config.Configuration{
		ServiceName: service,
		Sampler:     &config.SamplerConfig{Type: "const", Param: 1},
		Reporter:    reporter,
		Gen128Bit:   true,
	}
	tracer, closer, err := settings.NewTracer()
	if err != nil {
		panic(err)
	}
	root := tracer.StartSpan("checkout")
	child := tracer.StartSpan("charge card", opentracing.ChildOf(root.Context()))
	child.SetTag("error", true)
	child.SetTag("cart.items", 3)
	child.LogFields(log.String("event", "declined"), log.Int("attempt", 2))
	child.Finish()
	root.Finish()
	if err := closer.Close(); err != nil {
		panic(err)
	}
	id := root.Context().(jaeger.SpanContext).TraceID()
	fmt.Printf("%016x%016x\n", id.High, id.Low)
}
