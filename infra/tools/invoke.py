#!/usr/bin/env python3
"""Runs one bootstrap as Lambda would, for one event, and prints its answer.

    invoke.py target/lambda/arm64/query/bootstrap tests/events/query.json --with qemu-aarch64-static
    invoke.py target/debug/migrate update

It plays the runtime API ("Using the Lambda runtime API" in Lambda's Developer Guide) on a free port.
The event is a file, or else `create`, `update` or `delete`, a request of CloudFormation for the schema;
then the answer that CloudFormation would get is printed. The function sees the environment as it is here.
"""

import argparse
import json
import os
import pathlib
import queue
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TIMEOUT_S = 120


def parse():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("bootstrap", type=pathlib.Path)
    arguments.add_argument("event")
    arguments.add_argument("--with", dest="runner", default=None, help="runs the bootstrap, e.g. qemu")
    return arguments.parse_args()


def serve(answers):
    """A runtime API that hands out one event."""
    events = queue.Queue()

    class Api(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):  # /2018-06-01/runtime/invocation/next
            event = events.get()
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", "00000000-0000-0000-0000-000000000000")
            self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + TIMEOUT_S) * 1000)))
            self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:::function:local")
            self.send_header("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000")
            self.finish_with(event)

        def do_POST(self):  # .../invocation/ID/response, .../invocation/ID/error, .../init/error
            kind = self.path.rsplit("/", 1)[-1]
            answers.put((kind, self.rfile.read(int(self.headers["Content-Length"] or 0))
                         if self.headers.get("Content-Length") else self.chunks()))
            self.send_response(202)
            self.finish_with(b"")

        def do_PUT(self):  # CloudFormation's signed URL
            answers.put(("cloudformation", self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.finish_with(b"")

        def chunks(self):
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def finish_with(self, body):
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_address[1]}", events


def of_cloudformation(request, address):
    return {
        "RequestType": request.title(),
        "ResponseURL": f"http://{address}/answer",
        "StackId": "local",
        "RequestId": "local",
        "LogicalResourceId": "Schema",
        "ResourceType": "Custom::Schema",
        "ResourceProperties": {},
        **({} if request == "create" else {"PhysicalResourceId": "schema"}),
    }


def main():
    given = parse()
    answers = queue.Queue()
    address, events = serve(answers)
    asked_by_cloudformation = given.event in ("create", "update", "delete")
    if asked_by_cloudformation:
        event = json.dumps(of_cloudformation(given.event, address)).encode()
    else:
        event = pathlib.Path(given.event).read_bytes()
    environment = {
        "AWS_LAMBDA_FUNCTION_NAME": "local",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_RUNTIME_API": address,
        **os.environ,
    }
    started = time.monotonic()
    command = ([given.runner] if given.runner else []) + [str(given.bootstrap)]
    function = subprocess.Popen(command, env=environment, stdout=sys.stderr)
    events.put(event)
    try:
        kind, answer = answers.get(timeout=TIMEOUT_S)
    except queue.Empty:
        sys.exit(f"no answer in {TIMEOUT_S} s")
    finally:
        function.terminate()
        function.wait()
    print(f"{kind} after {(time.monotonic() - started) * 1000:.0f} ms", file=sys.stderr)
    print(answer.decode())
    failed = asked_by_cloudformation and json.loads(answer).get("Status") != "SUCCESS"
    sys.exit(1 if kind == "error" or failed else 0)


if __name__ == "__main__":
    main()
