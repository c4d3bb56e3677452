#!/usr/bin/env python3
"""Turns files into a C++ source: embed.py NAME ROOT OUT FILE... makes muster::embedded::NAME(), a list of (path below ROOT, bytes)."""
import os
import sys


def main() -> None:
    name, root, out, files = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    os.makedirs(os.path.dirname(out), exist_ok=True)
    with open(out, "w", encoding="ascii") as f:
        f.write('#include "base/embedded.h"\n\n#include <array>\n\nnamespace muster::embedded {\nnamespace {\n')
        for i, path in enumerate(sorted(files)):
            data = open(path, "rb").read()
            # .incbin keeps large files out of the compiler's parser.
            f.write(f'extern "C" const char embedded_{name}_{i}[];\n')
            f.write(f'extern "C" const char embedded_{name}_{i}_end[];\n')
            f.write(f'asm(".section .rodata\\n.global embedded_{name}_{i}\\n.global embedded_{name}_{i}_end\\n'
                    f'embedded_{name}_{i}:\\n.incbin \\"{os.path.abspath(path)}\\"\\nembedded_{name}_{i}_end:\\n.byte 0\\n.previous\\n");\n')
            f.write(f"// {len(data)} bytes\n")
        f.write(f"}}  // namespace\n\nstd::span<const File> {name}() {{\n")
        if not files:
            f.write("  return {};\n}\n")
        else:
            f.write(f"  static const std::array<File, {len(files)}> files{{{{\n")
            for i, path in enumerate(sorted(files)):
                rel = os.path.relpath(path, root)
                f.write(f'      {{"{rel}", {{embedded_{name}_{i}, static_cast<std::size_t>(embedded_{name}_{i}_end - embedded_{name}_{i})}}}},\n')
            f.write("  }};\n  return files;\n}\n")
        f.write("}  // namespace muster::embedded\n")


main()
