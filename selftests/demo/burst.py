#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A tool call that grows fast: burst.py MB PASSES.

Loads a data set of MB megabytes into memory, as an analysis would, and goes
over it PASSES times.
"""
import sys
import zlib

megabytes, passes = int(sys.argv[1]), int(sys.argv[2])
blocks = [bytes([i % 251]) * (4 << 20) for i in range(megabytes // 4)]
checksum = 0
for _ in range(passes):
    for block in blocks:
        checksum = zlib.crc32(block, checksum)
print(f'{megabytes} MB, {passes} passes: {checksum:08x}')
