"""A TCP relay whose connections can be cut: SIGUSR1 closes them all, SIGUSR2 toggles refusing new ones.

Usage: python tcp_proxy.py PORT TARGET_PORT
"""

import contextlib
import signal
import socket
import sys
import threading


class Relay:
    """Copies bytes between pairs of sockets, one thread a direction."""

    def __init__(self, port: int, target: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self._target = target
        self._open: set[socket.socket] = set()
        self._refusing = False

    def cut(self, *_: object) -> None:
        """Close every connection."""
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def toggle(self, *_: object) -> None:
        """Refuse new connections, or take them again."""
        self._refusing = not self._refusing

    def serve(self) -> None:
        """Relay until killed."""
        while True:
            client, _address = self._listener.accept()
            try:
                if self._refusing:
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
    relay = Relay(int(sys.argv[1]), int(sys.argv[2]))
    signal.signal(signal.SIGUSR1, relay.cut)
    signal.signal(signal.SIGUSR2, relay.toggle)
    print("ready", flush=True)
    relay.serve()
