"""Runs the real Python SDK over sets of sources and writes what it did: drive.py SETS.

One fresh client for each set, its environment swapped inside this process. Two recorders on the
loopback interface stand in for the API and for a second host. Nothing can leave the machine.
"""

import functools
import http.server
import json
import logging
import os
import pathlib
import shutil
import socket
import ssl
import sys
import threading

import anthropic

logging.disable(logging.CRITICAL)
# Reading the table of trusted certificates takes longer than all else, and no call here needs it.
ssl.SSLContext.load_verify_locations = lambda *_, **__: None

STAND_INS = ["http://127.0.0.1:1111", "http://127.0.0.1:2222"]
SEEN = []


class Recorder(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        exchange = self.path == "/v1/oauth/token"
        kept = ("x-api-key", "authorization", "anthropic-workspace-id")
        headers = [[name.lower(), value] for name, value in self.headers.items() if name.lower() in kept]
        call = {"host": STAND_INS[self.server.number], "headers": headers}
        SEEN.append({**call, "exchange": body} if exchange else call)
        if exchange:
            kind = "minted" if "jwt" in body["grant_type"] else "refreshed"
            answer = {"access_token": f"sk-ant-oat01-{kind}", "token_type": "Bearer", "expires_in": 3600}
        else:
            answer = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [],
                      "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
        text = json.dumps(answer).encode()
        # In one write, or the peer's delayed acknowledgement costs forty milliseconds.
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
        self.wfile.write(head.encode() + text)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


def start(number):
    server = Server(("127.0.0.1", 0), Recorder)
    server.number = number
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def only_loopback(resolve, host, *rest, **named):
    if host not in ("127.0.0.1", b"127.0.0.1"):
        raise OSError(f"the test calls {host}")
    return resolve(host, *rest, **named)


def lay_out(files):
    for path, file in files.items():
        file = {"text": file, "mode": "600"} if isinstance(file, str) else file
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        real = path.with_name("target-of-" + path.name) if file.get("symlink") else path
        real.write_text(file["text"])
        real.chmod(int(file["mode"], 8))
        if real != path:
            path.symlink_to(real)


def main():
    hosts = [start(0), start(1)]
    socket.getaddrinfo = functools.partial(only_loopback, socket.getaddrinfo)
    path = os.environ["PATH"]
    for line in open(sys.argv[1]):
        described = json.loads(line)
        for stand_in, host in zip(STAND_INS, hosts):
            line = line.replace(stand_in, host)
        sources = json.loads(line)
        shutil.rmtree(sources["directory"], ignore_errors=True)
        lay_out(sources["files"])
        os.environ.clear()
        os.environ.update({"PATH": path, **sources["variables"]})
        SEEN.clear()
        error = None
        try:
            with anthropic.Anthropic(max_retries=0, **sources["arguments"]) as client:
                client.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}])
        except Exception as problem:
            error = f"{type(problem).__name__}: {problem}"[:200]
        print(json.dumps({"set": described, "seen": list(SEEN), "error": error}))


main()
