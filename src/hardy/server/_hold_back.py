"""Closing a listening socket without losing anybody who is on the way."""

import socket
import struct
from array import array

_ATTACH_FILTER = 26
"""SO_ATTACH_FILTER of Linux; Python has no name for it."""
_SYN, _ACK = 0x02, 0x10
# Classic BPF over the TCP header (socket(7), "BPF" in the kernel's networking documentation).
_ONLY_BEGUN = (
    (0x30, 0, 0, 13),  # load the byte of flags
    (0x54, 0, 0, _SYN | _ACK),  # of these two
    (0x15, 0, 1, _SYN),  # a connection is asked for:
    (0x06, 0, 0, 0),  # drop it
    (0x06, 0, 0, 0x7FFFFFFF),  # anything else passes
)


def hold_back(sock: socket.socket) -> bool:
    """Let the kernel begin no more connections on *sock*; return whether it can.

    Between the last look into the backlog and the close of a socket a client
    may connect, send its request, and be reset. Held back, its first packet is
    dropped instead: it is repeated after a second, and refused by then, with
    nothing sent. Handshakes that have begun come to their end. This is for
    every process that has the socket. Linux and TCP only.
    """
    if sock.family not in {socket.AF_INET, socket.AF_INET6}:
        return False
    code = array("B", b"".join(struct.pack("HBBI", *step) for step in _ONLY_BEGUN))
    address, _ = code.buffer_info()  # ctypes would tell it as well, for half a MiB
    try:
        sock.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HP", len(_ONLY_BEGUN), address))
    except OSError:  # not this system's
        return False
    return True
