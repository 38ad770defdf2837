"""Serves a file as sampling strategies over HTTP, or over HTTPS with a certificate and its key, on a free port that it prints; 503 while there is no file.

    python3 strategies.py FILE [CERT KEY]
"""
import http.server
import pathlib
import ssl
import sys

path = pathlib.Path(sys.argv[1])


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "strategies.json")
            self.end_headers()
            return
        there = path.exists()
        body = path.read_bytes() if there else b""
        self.send_response(200 if there else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
