"""Connects to HOST:PORT trusting only the CA file, asks for PATH, prints the served certificate's serial number and the status.

    python3 tls.py HOST:PORT CA PATH
"""
import http.client
import ssl
import sys

address, authority, path = sys.argv[1:4]
host, port = address.rsplit(":", 1)
context = ssl.create_default_context(cafile=authority)
connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=5)
try:
    connection.connect()
    serial = connection.sock.getpeercert()["serialNumber"].lstrip("0") or "0"
    connection.request("GET", path)
    print(serial, connection.getresponse().status)
except ssl.SSLError as error:
    print("refused", error.reason)
