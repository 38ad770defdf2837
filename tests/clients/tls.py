"""Connects to HOST:PORT trusting only the CA file, asks for PATH, prints the served certificate's serial number and the status, then the body.

    python3 tls.py HOST:PORT CA PATH [NAME]

With NAME the server has to be known by that name, whatever HOST is.
"""
import http.client
import socket
import ssl
import sys

address, authority, path = sys.argv[1:4]
host, port = address.rsplit(":", 1)
context = ssl.create_default_context(cafile=authority)
host = host.strip("[]")
name = sys.argv[4] if len(sys.argv) > 4 else host
connection = http.client.HTTPSConnection(host, int(port), timeout=5)
try:
    plain = socket.create_connection((host, int(port)), timeout=5)
    connection.sock = context.wrap_socket(plain, server_hostname=name)
    serial = connection.sock.getpeercert()["serialNumber"].lstrip("0") or "0"
    connection.request("GET", path)
    answer = connection.getresponse()
    print(serial, answer.status)
    print(answer.read().decode())
except ssl.SSLError as error:
    print("refused", error.reason)
