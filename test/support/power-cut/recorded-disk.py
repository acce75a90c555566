# nbdkit plugin: a disk in memory that notes every write and every flush in a log, so that a power cut can be replayed at
# any point of it. Record: kind u8 (1 write, 3 write through, 9 flush), offset u64, length u32, data; little endian.
# Run by recorded-disk.ts, read by crash-images.ts.
import builtins
import struct

import nbdkit

API_VERSION = 2
WRITE = 1
FLUSH = 9

disk = bytearray()
log = None


def config(key, value):
    global disk, log
    if key == "log":
        log = builtins.open(value, "wb", buffering=0)
    elif key == "base":
        disk = bytearray(builtins.open(value, "rb").read())


def thread_model():
    return nbdkit.THREAD_MODEL_SERIALIZE_ALL_REQUESTS


def open(readonly):
    return 1


def get_size(handle):
    return len(disk)


def can_flush(handle):
    return True


def can_fua(handle):
    return nbdkit.FUA_NATIVE


def pread(handle, buf, offset, flags):
    buf[:] = disk[offset : offset + len(buf)]


def pwrite(handle, buf, offset, flags):
    disk[offset : offset + len(buf)] = buf
    log.write(struct.pack("<BQI", WRITE | (flags & nbdkit.FLAG_FUA), offset, len(buf)) + bytes(buf))


def flush(handle, flags):
    log.write(struct.pack("<BQI", FLUSH, 0, 0))
