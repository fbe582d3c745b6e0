#!/usr/bin/env python3
"""oci-image.py OUT.tar NAME:TAG ARCH=ROOTFS.tar...: packs root file systems as one image for several platforms (OCI image layout)."""
import gzip
import hashlib
import io
import json
import sys
import tarfile

PLATFORMS = {"amd64": {"architecture": "amd64"}, "arm64": {"architecture": "arm64", "variant": "v8"}, "armhf": {"architecture": "arm", "variant": "v7"}}
TYPE = "application/vnd.oci.image."


class Archive:
    """Blobs by their digest, and the index above them."""

    def __init__(self, path):
        self.tar = tarfile.open(path, "w")

    def add(self, name, data):
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        self.tar.addfile(entry, io.BytesIO(data))

    def blob(self, media_type, data):
        digest = hashlib.sha256(data).hexdigest()
        self.add(f"blobs/sha256/{digest}", data)
        return {"mediaType": TYPE + media_type, "digest": "sha256:" + digest, "size": len(data)}

    def object(self, media_type, value):
        return self.blob(media_type, json.dumps(value, separators=(",", ":"), sort_keys=True).encode())


def manifest(archive, arch, rootfs):
    raw = open(rootfs, "rb").read()
    platform = {**PLATFORMS[arch], "os": "linux"}
    layer = archive.blob("layer.v1.tar+gzip", gzip.compress(raw, 1, mtime=0))
    config = archive.object("config.v1+json", {
        **platform, "created": "1970-01-01T00:00:00Z", "config": {"Cmd": ["bash"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(raw).hexdigest()]}})
    made = archive.object("manifest.v1+json", {"schemaVersion": 2, "mediaType": TYPE + "manifest.v1+json", "config": config, "layers": [layer]})
    return {**made, "platform": platform}


def main(out, name, *pairs):
    archive = Archive(out)
    index = archive.object("index.v1+json", {
        "schemaVersion": 2, "mediaType": TYPE + "index.v1+json", "manifests": [manifest(archive, *p.split("=", 1)) for p in pairs]})
    notes = {"org.opencontainers.image.ref.name": name.rsplit(":", 1)[1], "io.containerd.image.name": name}
    archive.add("index.json", json.dumps({"schemaVersion": 2, "mediaType": TYPE + "index.v1+json", "manifests": [{**index, "annotations": notes}]}).encode())
    archive.add("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    archive.tar.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
