"""A TCP relay whose connections can be cut: SIGUSR1 closes them all; new ones are refused while REFUSE_FILE exists.

Usage: python tcp_proxy.py PORT TARGET_PORT REFUSE_FILE
"""

import contextlib
import signal
import socket
import sys
import threading
from pathlib import Path


class Relay:
    """Copies bytes between pairs of sockets, one thread a direction."""

    def __init__(self, port: int, target: int, refuse_file: Path) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self._target = target
        self._open: set[socket.socket] = set()
        self._refuse_file = refuse_file

    def cut(self, *_: object) -> None:
        """Close every connection."""
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        """Relay until killed."""
        while True:
            client, _address = self._listener.accept()
            try:
                if self._refuse_file.exists():
                    raise OSError
                server = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            self._open |= {client, server}
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(1 << 18):
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            self._open.discard(one)
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                one.close()


if __name__ == "__main__":
    relay = Relay(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
    signal.signal(signal.SIGUSR1, relay.cut)
    print("ready", flush=True)
    relay.serve()
