"""The emulator of AWS: ministack, with IAM enforced, on a free port of this machine. It runs the functions as processes of its own.

conditions.py starts it, and has what it leaves out of IAM.
"""

import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.request

import processes

REGION = "eu-central-1"
# Seconds until it answers.
READY = 60


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves an answer that sends the client elsewhere as it is."""

    def redirect_request(self, *_):
        return None


DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)


def free_port():
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Emulator:
    """One emulator with nothing in it, that lives as long as the test."""

    def __init__(self, work):
        """work is the folder for its log and the functions' code."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = work / "emulator.log"
        self.temp = work / "tmp"
        self.temp.mkdir(parents=True, exist_ok=True)

    def client_env(self, key="test", secret="test"):
        """The environment of what talks to it with this access key, without one as the root user. No setting for a real account gets through."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        return env | {
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "SAM_CLI_TELEMETRY": "0",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def start(self):
        """Starts it and waits until it answers."""
        # The functions inherit all of this.
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.temp),
            "TMPDIR": str(self.temp),
            "PYTHONDONTWRITEBYTECODE": "1",
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            # Other ports, and a Docker that may be there, are none of its business here.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": "unix://" + str(self.temp / "no-docker"),
        }
        program = pathlib.Path(__file__).with_name("conditions.py")
        process = processes.start([sys.executable, program], env=env, stdin=subprocess.DEVNULL, stdout=self.log.open("w"), stderr=subprocess.STDOUT)
        until = time.monotonic() + READY
        while not self.answers():
            if process.poll() is not None:
                raise processes.Failed(f"the emulator has ended:\n{self.log.read_text()}")
            if time.monotonic() > until:
                raise processes.Failed(f"the emulator does not answer:\n{self.log.read_text()}")
            time.sleep(0.1)

    def answers(self):
        """Whether it is ready."""
        try:
            with DIRECT.open(self.url + "/_ministack/health", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def listens(self):
        """Whether anybody listens on its port."""
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0
