"""Stands for a forked kernel: asks for it, passes signals on, ends as it ends. Run as a file, without the toolkit.

Whoever has started this process sees a kernel: its files, its signals, its exit code. Where no kernel can be forked,
this process becomes one that starts from nothing.
"""

import array
import json
import os
import signal
import socket
import sys

_LOOK = 0.5


def main() -> None:
    """Ask for a kernel at the socket; the arguments are the socket, where to write its number, the plain command."""
    path, told, plain = sys.argv[1], sys.argv[2], sys.argv[3:]
    parent, memory = int(plain[3]), int(plain[4])
    request = {
        "folder": os.getcwd(),  # noqa: PTH109 - a path of its own would cost an import
        "environment": dict(os.environ),
        "memory": memory,
        "arguments": plain[5:],
        "told": told,
    }
    text = json.dumps(request).encode()
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        door.connect(path)
        files = array.array("i", [0, 1, 2])
        door.sendmsg([len(text).to_bytes(8, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
        door.sendall(text)
    except OSError:
        os.execv(plain[0], plain)

    def pass_on(number: int, _: object) -> None:
        try:
            door.sendall(bytes([number]))
        except OSError:
            os._exit(1)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    door.settimeout(_LOOK)
    # The kernel ends with whoever has asked for it: when this process is gone, so is its side of the socket.
    while os.getppid() == parent:
        try:
            code = door.recv(1)
        except TimeoutError:
            continue
        os._exit(code[0] if code else 1)
    os._exit(1)


if __name__ == "__main__":
    main()
