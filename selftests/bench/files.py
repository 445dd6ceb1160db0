# SPDX-License-Identifier: GPL-2.0-only
"""Small files of the kernel's."""


def write(path, text):
    with open(path, 'w', encoding='ascii') as file:
        file.write(str(text))


def read(path):
    with open(path, encoding='ascii') as file:
        return file.read()
