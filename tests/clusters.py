"""A cluster of the tests' own: the real scheduler and real workers on the loopback, each in its own folder."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from settings import ROOT, Settings
from tests.servers import environment
from tools.waiting import free_port, until

FLASK = str(Path(sys.executable).with_name("flask"))


class Cluster:
    """A scheduler and its workers, as processes; what they write goes to `folder`."""

    def __init__(self, folder: Path, **chosen):
        self.folder, self.chosen = folder, chosen
        self.address = f"{'tls' if 'DASK_TLS_CA' in chosen else 'tcp'}://127.0.0.1:{free_port()}"
        self.processes = {}

    def environment(self, folder, **chosen):
        short = {"OMP_NUM_THREADS": "1"}  # several workers share two cores here
        return {**environment(folder, DASK_SCHEDULER=self.address, VIDEO_WORKERS=1, **self.chosen, **chosen), **short}

    def settings(self, name="studio", **chosen):
        """What a studio of this cluster is set to."""
        return Settings.read(self.environment(self.folder / name, **chosen))

    def run(self, name, command, **chosen):
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        own = {"cwd": ROOT, "env": self.environment(folder, **chosen), "start_new_session": True}
        with (folder / "log").open("a") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log, **own)

    def start_scheduler(self, allowed_failures=0):
        port = self.address.rpartition(":")[2]
        program = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port]
        if self.address.startswith("tls"):
            options = zip(("--tls-ca-file", "--tls-cert", "--tls-key"), self.certificates(), strict=True)
            program += ["--protocol", "tls", *(str(word) for option in options for word in option)]
        self.run(
            "scheduler", [*program, "--no-dashboard"], DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=allowed_failures
        )

    def certificates(self):
        return [self.chosen[name] for name in ("DASK_TLS_CA", "DASK_TLS_CERT", "DASK_TLS_KEY")]

    def start_worker(self, name, **chosen):
        self.run(name, [FLASK, "worker", "--name", name, "--memory-mb", "3000", "--cold"], **chosen)

    def log(self, name):
        return (self.folder / name / "log").read_text()

    def kill(self, name):
        """End a process and its children at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes.pop(name).wait()

    def close(self):
        for process in self.processes.values():
            process.terminate()
        for name in list(self.processes):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.processes[name].wait(5)
            self.kill(name)


@contextlib.contextmanager
def running(folder, workers=3, **chosen):
    """A cluster whose workers are ready."""
    cluster = Cluster(folder, **chosen)
    try:
        cluster.start_scheduler()
        for number in range(workers):
            cluster.start_worker(f"worker-{number}")
        yield cluster
    finally:
        cluster.close()


def ready(pools, workers):
    """Wait until as many workers are known to a studio's executors."""
    pools.start()
    until(lambda: sum(not worker.refused for worker in pools.cluster.workers()) >= workers, 60)
    return pools
