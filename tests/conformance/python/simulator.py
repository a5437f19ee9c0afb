"""The controls of a running simulator."""

import json
import urllib.request


class Simulator:
    def __init__(self, url):
        self.url = url
        self.tokens = self.control("tokens")

    def control(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_simulator/{path}", data=data)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def identity_token(self, provider, subject):
        return self.control(f"identity_providers/{provider}/token", {"subject": subject})["token"]

    def exchanges(self):
        return self.control("organization")["exchanges"]
