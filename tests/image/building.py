"""building.py: makes the image of one platform and says what it weighs."""
import gzip
import hashlib
import io
import json
import pathlib
import tarfile
import tempfile
import time
from collections import Counter

from containers import ROOT, docker, expect, say

CEILINGS = {("linux/arm/v7", "minimal"): 20e6, ("linux/arm/v7", "slim"): 40e6}  # compressed, with the base


def build_to(platform, target, *output):
    docker("buildx", "build", "--network", "host", "--provenance=false", "--platform", platform, "--target", target, *output, str(ROOT))


def packed(platform, target, folder, *more):
    """The image as an archive, as a registry would have it."""
    path = pathlib.Path(folder) / "image.tar"
    build_to(platform, target, *more, "--output", f"type=oci,dest={path},compression=gzip,force-compression=true,rewrite-timestamp=true")
    return path


def build(platform, target):
    began = time.monotonic()
    image = f"postern-check:{target}-{platform.replace('/', '-')}"
    build_to(platform, target, "--load", "-t", image)
    with tempfile.TemporaryDirectory() as folder:
        size = packed(platform, target, folder).stat().st_size
    told = json.loads(docker("inspect", image).stdout)[0]
    name = f"{told['Os']}/{told['Architecture']}" + (f"/{told['Variant']}" if told.get("Variant") and platform != "linux/arm64" else "")
    expect(name == platform, f"the image is for {name}")
    expect(told["Config"]["User"] == "10001:10001", f"it runs as {told['Config']['User']}")
    expect(size < CEILINGS.get((platform, target), 1e9), f"{target} has {size / 1e6:.1f} MB compressed")
    say(platform, f"{target}: built in {time.monotonic() - began:.0f} s, user 10001:10001, {size / 1e6:.1f} MB compressed")
    return image


# --- --twice: the same input gives the same image ---------------------------------------------------------------------

def blob(tar, digest):
    return tar.extractfile("blobs/sha256/" + digest.split(":")[1]).read()


def manifest_of(tar):
    digest = json.load(tar.extractfile("index.json"))["manifests"][0]["digest"]
    return digest, json.loads(blob(tar, digest))


def files_of(tar, layer):
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob(tar, layer["digest"])))) as inner:
        for entry in inner:
            yield entry, inner.extractfile(entry).read() if entry.isreg() else b""


def contents_of(archive):
    """Of a packed image: its digest, and what each file of its layers is."""
    with tarfile.open(archive) as tar:
        digest, manifest = manifest_of(tar)
        return digest, {e.name: (hashlib.sha256(data).hexdigest(), e.mode, e.uid, e.gid, e.mtime, e.linkname)
                        for layer in manifest["layers"] for e, data in files_of(tar, layer)}


def check_twice(platform, target):
    """Builds again what we compile and copy; only Debian's packages are those that were unpacked before."""
    again = ["--build-arg", "SOURCE_DATE_EPOCH=0", "--no-cache-filter", "build,slim-files,minimal-files"]
    seen = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            seen.append(contents_of(packed(platform, target, folder, *again)))
    (first, files), (second, others) = seen
    different = {name: (files.get(name), others.get(name)) for name in sorted(files.keys() | others.keys()) if files.get(name) != others.get(name)}
    expect(first == second, f"two builds differ, {first} and {second}, in {len(different)} files: {list(different.items())[:5]}")
    say(platform, f"{target}: built twice, the same digest {first[:19]}…, {len(files)} files")


# --- --sizes: what each file costs -------------------------------------------------------------------------------------

TOGETHER = ("gconv", "zoneinfo", "doc", "certs")  # folders that are told as one


def name_of(path):
    parts = path.split("/")
    at = next((i for i, part in enumerate(parts) if part in TOGETHER), len(parts))
    return "/".join(parts[:at + 1])


def say_sizes(platform, target):
    """Each file compressed alone, those of the base left out: a layer as a whole is a little smaller."""
    cost = Counter()
    with tempfile.TemporaryDirectory() as folder, tarfile.open(packed(platform, target, folder)) as tar:
        layers = manifest_of(tar)[1]["layers"]
        for layer in layers[1:] if target == "slim" else layers:
            for entry, data in files_of(tar, layer):
                cost[name_of(entry.name)] += len(gzip.compress(data, 6, mtime=0)) if entry.isreg() else 0
    for name, size in cost.most_common(45):
        say(platform, f"{target}: {size / 1e3:8.0f} kB {name}")
