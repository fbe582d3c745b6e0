#!/usr/bin/env python3
"""check.py [OPTIONS] PLATFORM...: builds the image for each platform and uses it as its owner would.

Docker is the one that DOCKER_HOST names (tools/image-check.sh starts one of its own where there is none). Says what it saw, one
line each; the first thing that is wrong ends it with exit code 1. What takes long, or is asked of one image only, has an option.
"""
import argparse
import sys

import archive
import building
import figures
import use
import writes
from containers import HOST, Wrong

PLATFORMS = ["linux/amd64", "linux/arm/v7", "linux/arm64"]


def options():
    o = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    o.add_argument("--targets", default="minimal,slim")
    o.add_argument("--skip-use", action="store_true", help="only build, and what other options ask for")
    o.add_argument("--sizes", action="store_true", help="what each file costs, compressed")
    o.add_argument("--twice", action="store_true", help="build twice: the same digest?")
    o.add_argument("--times", action="store_true", help="start, stop, restart with 100,000 events and 1,000 owed messages")
    o.add_argument("--rounds", type=int, default=0, help="docker kill in traffic, so often")
    o.add_argument("--memory", type=int, default=0, help="seconds of 50 mails with pictures a second")
    o.add_argument("--soak", type=int, default=0, help="minutes of traffic at 5 mails a second")
    o.add_argument("--big", action="store_true", help="a mail of 50 MB")
    o.add_argument("--writes", action="store_true", help="syncs and bytes of a mail, by strace")
    o.add_argument("--archive", action="store_true", help="the compose file with its archive")
    o.add_argument("platforms", nargs="*", default=PLATFORMS)
    return o.parse_args()


def examine(chosen, image, platform):
    """What is measured once, on the machine's own platform."""
    if chosen.times:
        figures.check_times(image, platform)
    if chosen.memory:
        figures.check_memory(image, platform, chosen.memory)
    if chosen.writes:
        writes.check_writes(image, platform)
    if chosen.rounds:
        figures.check_kills(image, platform, chosen.rounds)
    if chosen.archive:
        archive.check_archive(image, platform)
    if chosen.soak:
        figures.check_soak(image, platform, chosen.soak)


def main():
    chosen = options()
    targets = chosen.targets.split(",")
    for platform in chosen.platforms:
        for target in targets:
            image = building.build(platform, target)
            if chosen.sizes:
                building.say_sizes(platform, target)
            if chosen.twice:
                building.check_twice(platform, target)
            for check in [] if chosen.skip_use else use.CHECKS:
                check(image, platform)
            if chosen.big and target == targets[0] and platform in (HOST, "linux/arm/v7"):  # 32 bits; of arm64 qemu would only show its own slowness
                figures.check_big(image, platform)
            if platform == HOST and target == targets[0]:
                examine(chosen, image, platform)
    print(f"image-check: all well on {', '.join(chosen.platforms)}")


if __name__ == "__main__":
    try:
        main()
    except Wrong as wrong:
        sys.exit(f"image-check: {wrong}")
