"""Asks how much to sample over Jaeger's gRPC, trusting only the CA file; prints the answer's bytes as hex.

    python3 sampling_grpc.py HOST:PORT CA SERVICE
"""
import sys

import grpc

address, authority, service = sys.argv[1:4]
with open(authority, "rb") as file:
    credentials = grpc.ssl_channel_credentials(file.read())
with grpc.secure_channel(address, credentials) as channel:
    ask = channel.unary_unary("/jaeger.api_v2.SamplingManager/GetSamplingStrategy")
    # field 1 of the question is the service's name
    print(ask(bytes([10, len(service)]) + service.encode(), timeout=5).hex())
