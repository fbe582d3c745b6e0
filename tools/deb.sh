#!/bin/sh
# deb.sh: build/postern_VERSION_ARCH.deb, for machines without Docker: both programs, the units, the example, the documents.
set -eu
cd "$(dirname "$0")/.."
tools/setup.sh build
command -v dpkg-shlibdeps >/dev/null || { echo "deb: needs dpkg-dev" >&2; exit 1; }
tools/build.sh release
version=$(sed -n "s|^project('postern', 'c', version: '\([0-9.]*\)'.*|\1|p" meson.build)
arch=$(dpkg --print-architecture)
root=build/deb/root
rm -rf build/deb
install -D -m 755 -s -t "$root/usr/bin" build/release/postern build/release/postern-inspect
install -D -m 644 -t "$root/usr/lib/systemd/system" deploy/postern.service deploy/postern.socket
install -D -m 644 -t "$root/usr/share/doc/postern" README.md docs/*.md appsettings.example.json deploy/alerts.yml
install -D -m 644 -t "$root/usr/share/doc/postern/devices" docs/devices/*.md
install -D -m 644 -t "$root/usr/share/doc/postern/providers" docs/providers/*.md
install -D -m 644 LICENSE "$root/usr/share/doc/postern/copyright"
gzip -9nc CHANGELOG.md > "$root/usr/share/doc/postern/changelog.gz"
install -d -m 755 "$root/etc/postern"
cat > "$root/etc/postern/appsettings.json" <<'C'
{
  // All settings: /usr/share/doc/postern/settings.md; `postern check --settings /etc/postern/appsettings.json` names every mistake.
  // Whoever may log in here may read this file: tokens stand elsewhere (raspberry-pi.md, "Without Docker").
  "Store": { "Folder": "/var/lib/postern" }
}
C
chmod 644 "$root/etc/postern/appsettings.json"

mkdir -p build/deb/debian "$root/DEBIAN"
printf 'Source: postern\n\nPackage: postern\nArchitecture: any\n' > build/deb/debian/control
depends=$(cd build/deb && dpkg-shlibdeps -O root/usr/bin/postern root/usr/bin/postern-inspect 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
cat > "$root/DEBIAN/control" <<C
Package: postern
Version: $version
Architecture: $arch
Maintainer: The Postern maintainers <maintainers@postern.invalid>
Installed-Size: $(du -sk "$root" | cut -f1)
Depends: $depends, ca-certificates, tzdata
Section: net
Priority: optional
Description: back gate for legacy alarm panels and cameras
 Takes the mails that alarm panels and cameras send, keeps them safe,
 understands them, and tells the right people by SMS, Telegram and more.
C
echo /etc/postern/appsettings.json > "$root/DEBIAN/conffiles"
cat > "$root/DEBIAN/postinst" <<'C'
#!/bin/sh
set -e
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  if [ -n "$2" ]; then systemctl try-restart postern.service; else systemctl enable --now postern.service; fi
fi
C
cat > "$root/DEBIAN/prerm" <<'C'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then systemctl disable --now postern.service postern.socket; fi
C
chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm"
dpkg-deb --build --root-owner-group "$root" "build/postern_${version}_$arch.deb"
