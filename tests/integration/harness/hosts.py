"""Several hosts on one machine: network namespaces, joined by a switch that delays and loses.

Each host has an address of its own and a TAP device whose frames pass through this process. So a
link can be slow, lossy or cut whatever the kernel was built with; netem is not in every one.
"""

import contextlib
import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
CLONE_NEWNET = 0x40000000
FRAME_BYTES = 65536
MAC_BYTES = 6
NETWORK = f"10.177.{os.getpid() % 250}."
DELAY_SECONDS = 0.005
LOSS = 0.005


def run(*words):
    subprocess.run(words, check=True, capture_output=True)


@contextlib.contextmanager
def inside(name):
    """This thread is in the network namespace meanwhile."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{name}") as space:
        if libc.setns(space.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            libc.setns(home.fileno(), CLONE_NEWNET)


def open_tap(name):
    """A TAP device of this process; reading gives the frames that the host sends."""
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    except OSError:
        os.close(tap)
        raise
    return tap


class Link:
    """What a host hangs on. A cut link loses all."""

    def __init__(self, tap):
        self.tap = tap
        self.delay = DELAY_SECONDS
        self.loss = LOSS
        self.is_cut = False

    def loses(self, dice):
        return self.is_cut or dice.random() < self.loss


class Switch:
    """Passes frames from link to link, in a thread of its own."""

    def __init__(self, seed):
        self.links = []
        self.known = {}  # by MAC address
        self.late = []  # (time due, number, place, link, frame)
        self.dice = random.Random(seed)
        self.stop_read, self.stop_write = os.pipe()
        self.thread = threading.Thread(target=self.work, name="switch")

    def start(self):
        self.thread.start()

    def close(self):
        os.close(self.stop_write)
        if self.thread.ident:
            self.thread.join()
        os.close(self.stop_read)
        for link in self.links:
            os.close(link.tap)

    def work(self):
        by_tap = {link.tap: link for link in self.links}
        number = 0
        while True:
            wait = max(0, self.late[0][0] - time.monotonic()) if self.late else None
            ready, _, _ = select.select([self.stop_read, *by_tap], [], [], wait)
            if self.stop_read in ready:
                return
            for tap in ready:
                number += 1
                self.take(by_tap[tap], number)
            self.deliver()

    def take(self, source, number):
        frame = os.read(source.tap, FRAME_BYTES)
        self.known[frame[MAC_BYTES : 2 * MAC_BYTES]] = source
        target = self.known.get(frame[:MAC_BYTES])
        if source.loses(self.dice):
            return
        for i, link in enumerate([target] if target else self.links):
            if link is not source:
                due = time.monotonic() + source.delay + link.delay
                heapq.heappush(self.late, (due, number, i, link, frame))

    def deliver(self):
        while self.late and self.late[0][0] <= time.monotonic():
            *_, link, frame = heapq.heappop(self.late)
            if not link.loses(self.dice):
                with contextlib.suppress(OSError):  # a full queue loses, like any switch
                    os.write(link.tap, frame)


class Host:
    """A network namespace, or without a name the place where the test itself is."""

    def __init__(self, name, device, address):
        self.name = name
        self.device = device
        self.address = address
        self.link = None

    @property
    def wrapper(self):
        """Words before a command that is to run there."""
        return ["ip", "netns", "exec", self.name] if self.name else []

    def up(self):
        if self.name:
            run("ip", "netns", "add", self.name)
            run(*self.wrapper, "ip", "link", "set", "lo", "up")
        with inside(self.name) if self.name else contextlib.nullcontext():
            self.link = Link(open_tap(self.device))
        run(*self.wrapper, "ip", "address", "add", self.address + "/24", "dev", self.device)
        run(*self.wrapper, "ip", "link", "set", self.device, "up")

    def remove(self):
        if self.name:
            subprocess.run(["ip", "netns", "delete", self.name], capture_output=True, check=False)


class Network:
    """`here` is the host of the test; others are made by their names."""

    def __init__(self, names, seed=1):
        self.switch = Switch(seed)
        self.hosts = {}
        try:
            for number, name in enumerate(["here", *names], 1):
                self.add(name, number)
            self.switch.start()
        except (OSError, subprocess.CalledProcessError):
            self.close()
            raise

    def add(self, name, number):
        space = f"errand-{os.getpid()}-{name}" if name != "here" else None
        host = Host(space, f"er{os.getpid()}-{number}", NETWORK + str(number))
        self.hosts[name] = host
        host.up()
        self.switch.links.append(host.link)

    def __getitem__(self, name):
        return self.hosts[name]

    def close(self):
        for host in self.hosts.values():
            host.remove()
        self.switch.close()
