"""The kernel of this very environment, for Jupyter servers: whatever a notebook's metadata names, this one runs it."""

from __future__ import annotations

import os
import sys
from typing import Any, Final

from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpec, KernelSpecManager

__all__ = ["NAMES", "ThisKernel"]

NAMES: Final = "ALIGNMENT_KERNEL_NAMES"
"""The variable of the environment that lists further names by which notebooks call their kernel."""


class ThisKernel(KernelSpecManager):
    """Knows one kernel, by every name: the Python that runs the server.

    Examples
    --------
    >>> ThisKernel().get_kernel_spec("an-old-environment").argv[0] == sys.executable
    True
    """

    def find_kernel_specs(self) -> dict[str, str]:
        """Give the names by which it is known."""
        from ipykernel.kernelspec import RESOURCES

        named = [n for n in os.environ.get(NAMES, "").split(os.pathsep) if n]
        return dict.fromkeys([NATIVE_KERNEL_NAME, *named], str(RESOURCES))

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Give it, whatever the name."""
        from ipykernel.kernelspec import RESOURCES

        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        told: dict[str, Any] = {"argv": argv, "display_name": "Python 3", "language": "python"}
        return KernelSpec(resource_dir=str(RESOURCES), **told)
