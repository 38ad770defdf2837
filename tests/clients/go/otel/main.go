// Command otel sends traces by OpenTelemetry's SDK for Go, over gRPC or over HTTP in protobuf. It prints the id of each, a line each.
//
//	otel SERVICE (grpc|http) URL [...]
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	// else a span that is refused is only a line in a log
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { panic(err) }))
	for words := os.Args[1:]; len(words) > 0; words = words[3:] {
		id, err := send(words[0], words[1], words[2])
		if err != nil {
			panic(err)
		}
		fmt.Println(id)
	}
}

func send(service, way, to string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var client otlptrace.Client
	if way == "grpc" {
		client = otlptracegrpc.NewClient(otlptracegrpc.WithEndpointURL(to))
	} else {
		client = otlptracehttp.NewClient(otlptracehttp.WithEndpointURL(to))
	}
	exporter, err := otlptrace.New(ctx, client)
	if err != nil {
		return "", err
	}
	provider := trace.NewTracerProvider(
		trace.WithBatcher(exporter),
		trace.WithResource(resource.NewSchemaless(attribute.String("service.name", service))),
	)
	tracer := provider.Tracer("ways-in")
	ctx, root := tracer.Start(ctx, "checkout")
	_, child := tracer.Start(ctx, "charge card")
	child.SetAttributes(attribute.Int("cart.items", 3))
	child.SetStatus(codes.Error, "card declined")
	child.End()
	root.End()
	return root.SpanContext().TraceID().String(), provider.Shutdown(ctx)
}
