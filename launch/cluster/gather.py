"""Waits until a Ray cluster has the machines that a sweep wants, then becomes the command after `--`.

A sweep counts the cluster's CPUs and GPUs once, at its start, and refuses a cluster without room for one pack, so the
machines have to be there before it. An autoscaler is asked for them, and keeps them until it is asked for others:
`--gpus 0` lets go.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import time

# Ray reads these when it is imported.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

_POLL_SECONDS = 2.0

EXAMPLES = """
examples:
  python launch/cluster/gather.py --gpus 64 -- python launch/sweep.py --space FILE --address auto
  python launch/cluster/gather.py --nodes 8 --timeout 300 --address 10.0.0.1:6379
  python launch/cluster/gather.py --gpus 0        (asks for nothing any more)

Exit codes: that of the command; 1 where the cluster did not come together in time or cannot be reached.
"""


def main(arguments: list[str] | None = None) -> int:
    """Waits, then replaces this process by the command, if there is one."""
    options = parser().parse_args(arguments)
    import ray

    address = options.address or os.environ.get("RAY_ADDRESS") or "auto"
    wanted = {kind: getattr(options, kind) for kind in ("nodes", "gpus", "cpus") if getattr(options, kind)}
    deadline = time.monotonic() + options.timeout
    try:
        _connect(ray, address, deadline)
        _request(options)
        have = _wait(ray, wanted, deadline)
    except OSError as error:
        print(f"error: Ray at {address} cannot be reached: {error}", file=sys.stderr)
        return 1
    finally:
        ray.shutdown()
    found = ", ".join(f"{have[kind]:g} of {count} {kind}" for kind, count in wanted.items())
    enough = all(have[kind] >= (1 if options.fewer else count) for kind, count in wanted.items())
    if not enough:
        print(f"error: after {options.timeout:g} s the cluster has {found}", file=sys.stderr)
        return 1
    print(f"cluster at {address}: {found or 'nothing is waited for'}", flush=True)
    if options.command:
        os.execvp(options.command[0], options.command)
    return 0


def _connect(ray, address: str, deadline: float) -> None:
    """Connects; a head that is still starting is tried again until `deadline`."""
    host, _, port = address.rpartition(":")
    while True:
        try:
            if port.isdigit():
                # Ray itself would wait a minute for a port where nothing listens.
                socket.create_connection((host, int(port)), timeout=5).close()
            ray.init(address=address, log_to_driver=False, logging_level="ERROR")
            return
        except (OSError, RuntimeError) as error:
            if time.monotonic() > deadline:
                raise ConnectionError(error) from None
            time.sleep(_POLL_SECONDS)


def _request(options: argparse.Namespace) -> None:
    """Asks the autoscaler; a cluster without one does not read it."""
    from ray.autoscaler.sdk import request_resources

    if options.gpus is not None or options.cpus is not None:
        request_resources(num_cpus=options.cpus or 0, bundles=[{"GPU": 1}] * (options.gpus or 0))


def _wait(ray, wanted: dict[str, int], deadline: float) -> dict[str, float]:
    """What the cluster has, as soon as that is enough or the time is up; a line whenever it changes."""
    said = None
    while True:
        resources = ray.cluster_resources()
        nodes = sum(node["Alive"] for node in ray.nodes())
        have = {"nodes": nodes, "gpus": resources.get("GPU", 0), "cpus": resources.get("CPU", 0)}
        if all(have[kind] >= count for kind, count in wanted.items()) or time.monotonic() > deadline:
            return have
        now = ", ".join(f"{have[kind]:g} of {count} {kind}" for kind, count in wanted.items())
        if now != said:
            print(f"waiting for the cluster: {now}", flush=True)
            said = now
        time.sleep(_POLL_SECONDS)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = argparse.ArgumentParser(
        prog="python launch/cluster/gather.py",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--address", help="the Ray cluster (default: RAY_ADDRESS, else the one on this machine)")
    command.add_argument("--gpus", type=_count, metavar="N", help="GPUs to wait for, in all")
    command.add_argument("--cpus", type=_count, metavar="N", help="CPUs to wait for, in all")
    command.add_argument("--nodes", type=_count, metavar="N", help="machines to wait for, the head included")
    command.add_argument("--timeout", type=float, default=900, metavar="SECONDS", help="how long (default: 900)")
    command.add_argument("--fewer", action="store_true", help="after that go on with what there is, if anything")
    command.add_argument("command", nargs="*", metavar="-- COMMAND", help="what to run then")
    return command


def _count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"found {text!r}; expected a whole number, at least 0")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
