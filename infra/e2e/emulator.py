"""An AWS account on one's own machine: ministack on a free port, in a folder of its own."""

import os
import socket
import subprocess
import time
import urllib.request

REGION = "eu-central-1"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Emulator:
    def __init__(self, folder, ministack):
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.log = folder / "emulator.log"
        self.environment = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "SAM_CLI_TELEMETRY": "0",
            # the emulator's own
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": REGION,
            "IOT_MTLS_ENABLED": "0",  # it would take a fixed port
            "STATE_DIR": str(folder / "state"),
            "TMPDIR": str(folder),
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [str(ministack), "-m", "ministack"], env=self.environment, stdout=log, stderr=log
            )

    def wait_until_ready(self, deadline):
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"{self.endpoint}/_localstack/health", timeout=2).close()
                return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError(f"the emulator is not ready, see {self.log}:\n{self.log.read_text()[-4000:]}")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
