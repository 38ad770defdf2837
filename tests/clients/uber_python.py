"""Uber's jaeger-client: sends traces over UDP, sampled by a constant or as the agent says.

    uber_python.py SERVICE UDP_HOST:PORT const                    one trace; its id is the last line
    uber_python.py SERVICE UDP_HOST:PORT HTTP_HOST:PORT COUNT     so many traces, sampled remotely; prints how many were sampled
"""
import sys
import time

from jaeger_client import Config

service, udp, sampling = sys.argv[1:4]
udp_host, udp_port = udp.rsplit(":", 1)
agent = {"reporting_host": udp_host, "reporting_port": udp_port}
if sampling == "const":
    sampler = {"type": "const", "param": 1}
else:
    # starts with none, so that what is sampled is what the agent said
    sampler = {"type": "probabilistic", "param": 0.0}
    agent["sampling_port"] = sampling.rsplit(":", 1)[1]
config = {
    "local_agent": agent,
    "reporter_flush_interval": 0.05,
    "reporter_queue_size": 10000,
    "sampling_refresh_interval": 0.2,
    "max_operations": 100,
}
if sampling == "const":
    config["sampler"] = sampler
tracer = Config(config=config, service_name=service, validate=False).initialize_tracer()

if sampling == "const":
    with tracer.start_span("checkout", tags={"cart.items": 3, "ok": True, "share": 0.5}) as root:
        with tracer.start_span("charge card", child_of=root) as child:
            child.set_tag("error", True)
            child.log_kv({"event": "declined", "attempt": 2})
    print(format(root.trace_id, "032x"))
else:
    time.sleep(1.5)  # the first answer of the agent
    sampled = 0
    for _ in range(int(sys.argv[4])):
        with tracer.start_span("checkout") as span:
            sampled += span.is_sampled()
    print(sampled)
tracer.close()
time.sleep(0.5)
