"""Issues tokens that the emulator's authorizer can check."""

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

AUDIENCE = "millrace"
KEY_ID = "e2e"


def encoded(data):
    if isinstance(data, dict):
        data = json.dumps(data).encode()
    if isinstance(data, int):
        data = data.to_bytes((data.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """A key, and its public half on a free port."""

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = self.key.public_key().public_numbers()
        keys = {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID,
                          "n": encoded(public.n), "e": encoded(public.e)}]}

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                known = {
                    "/.well-known/jwks.json": keys,
                    "/.well-known/openid-configuration": {
                        "issuer": issuer.url, "jwks_uri": f"{issuer.url}/.well-known/jwks.json"
                    },
                }
                body = json.dumps(known.get(self.path, {})).encode()
                self.send_response(200 if self.path in known else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        issuer = self
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self, scope):
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": "e2e", "scope": scope,
                  "iat": int(time.time()), "exp": int(time.time()) + 3600}
        head = {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}
        signed = f"{encoded(head)}.{encoded(claims)}"
        signature = self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{encoded(signature)}"
