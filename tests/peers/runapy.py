#!/usr/bin/env python3
"""Starts a Muster of its own and runs runapy_test.py against it, with Run:ai's client from PyPI in build/peers/runapy."""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
from harness import Machine  # noqa: E402

venv = os.path.join(ROOT, "build", "peers", "runapy")
python = os.path.join(venv, "bin", "python")
if not os.path.exists(python) or subprocess.run([python, "-c", "import runai"], capture_output=True, check=False).returncode != 0:
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "runapy==1.224.0"], check=True)
with Machine(gpus="4xA100-80G") as m:
    done = subprocess.run([python, os.path.join(ROOT, "tests", "peers", "runapy_test.py")], check=False,
                          env={**os.environ, "MUSTER_URL": m.url, "MUSTER_TOKEN": m.token})
sys.exit(done.returncode)
