"""The report as a flow of Prefect 3: `python prefect_flow.py` serves it on its schedule."""

import subprocess

from prefect import flow, get_run_logger

FOLDER = "/srv/acme"
COMMAND = [
    "/srv/alignment/bin/alignment",
    "catch-up",
    "alignment.toml",
    "--every",
    "quarter",
    "--fail-on",
    "high",
]


@flow(retries=1, retry_delay_seconds=600)
def alignment_report() -> None:
    """Run the periods that were missed; 10 says that something is out of line, 6 that another process is at it."""
    done = subprocess.run(COMMAND, cwd=FOLDER, capture_output=True, text=True, check=False)
    get_run_logger().info("%s\n%s", done.stdout, done.stderr)
    if done.returncode not in (0, 6, 10):
        raise RuntimeError(f"alignment ended with exit code {done.returncode}")


if __name__ == "__main__":
    alignment_report.serve(name="quarterly", cron="0 6 3 1,4,7,10 *")
