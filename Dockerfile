# Postern's image. Everything that runs while building runs on the build machine's own architecture (cross compilers of
# Debian); the last stages only copy, so no emulation is needed for any platform. docs/docker.md says more.
ARG SUITE=trixie
FROM debian:${SUITE}-slim AS base

FROM --platform=$BUILDPLATFORM debian:${SUITE}-slim AS tools
ARG TARGETARCH
RUN set -eu; \
    case "$TARGETARCH" in \
      amd64) deb=amd64 gnu=x86_64-linux-gnu;; \
      arm64) deb=arm64 gnu=aarch64-linux-gnu;; \
      arm) deb=armhf gnu=arm-linux-gnueabihf;; \
      *) echo "no such platform here: $TARGETARCH" >&2; exit 1;; \
    esac; \
    [ "$(dpkg --print-architecture)" = "$deb" ] || dpkg --add-architecture "$deb"; \
    printf 'deb=%s gnu=%s\n' "$deb" "$gnu" > /etc/target; \
    apt-get -qq update; \
    apt-get -qq install -y --no-install-recommends ca-certificates tzdata meson ninja-build pkgconf dpkg-dev \
      "gcc-$(echo "$gnu" | tr _ -)" "binutils-$(echo "$gnu" | tr _ -)" "libc6-dev:$deb" \
      "libuv1-dev:$deb" "libsqlite3-dev:$deb" "libmicrohttpd-dev:$deb" "libgnutls28-dev:$deb" "libcurl4-openssl-dev:$deb" "libcjson-dev:$deb" \
      "libssl-dev:$deb" "libmongoc-dev:$deb" "libgmime-3.0-dev:$deb" "libpcre2-dev:$deb" "libseccomp-dev:$deb" "libcrypt-dev:$deb" \
      $(apt-cache show libc-gconv-modules-extra >/dev/null 2>&1 && echo "libc-gconv-modules-extra:$deb") >/dev/null; \
    rm -rf /var/lib/apt/lists/*

FROM tools AS build
WORKDIR /src
COPY . .
ARG SOURCE_DATE_EPOCH=0
RUN set -eu; . /etc/target; \
    meson env2mfile --cross --debarch "$deb" -o /etc/cross.ini; \
    meson setup /build --cross-file /etc/cross.ini -Dtests=false -Dbuildtype=release -Doptimization=2 -Db_ndebug=false --prefix /usr/local >/dev/null; \
    ninja -C /build; \
    install -D -m 755 -t /out/usr/local/bin /build/postern /build/postern-inspect; \
    "$gnu-strip" /out/usr/local/bin/*; \
    install -D -m 644 -t /out/usr/share/doc/postern LICENSE; \
    install -D -m 644 -t /out/usr/share/doc/postern appsettings.example.json; \
    install -d -m 755 /out/app; install -d -m 750 -o 10001 -g 10001 /out/data

FROM build AS slim-files
ARG VERSION=0.1.0
RUN --mount=type=bind,from=base,target=/base . /etc/target; sh docker/collect-libs.sh "$gnu" "$deb" /base /out /build/postern /build/postern-inspect; \
    sh docker/spdx.sh "$VERSION" < /out/usr/share/doc/postern/packages > /out/usr/share/doc/postern/postern.spdx.json; \
    find /out -exec touch -h -d "@${SOURCE_DATE_EPOCH:-0}" {} +

FROM build AS minimal-files
ARG VERSION=0.1.0
RUN set -eu; . /etc/target; sh docker/collect-libs.sh "$gnu" "$deb" "" /out /build/postern /build/postern-inspect; \
    sh docker/spdx.sh "$VERSION" < /out/usr/share/doc/postern/packages > /out/usr/share/doc/postern/postern.spdx.json; \
    install -d -m 1777 /out/tmp; \
    printf 'root:x:0:0::/:/sbin/nologin\npostern:x:10001:10001::/data:/sbin/nologin\n' > /out/etc/passwd; \
    printf 'root:x:0:\npostern:x:10001:\n' > /out/etc/group; \
    printf 'passwd: files\ngroup: files\nhosts: files dns\n' > /out/etc/nsswitch.conf; \
    find /out -exec touch -h -d "@${SOURCE_DATE_EPOCH:-0}" {} +

FROM scratch AS minimal
COPY --from=minimal-files /out/ /
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Postern" \
      org.opencontainers.image.description="The small back gate that legacy alarm panels and cameras can still knock at" \
      org.opencontainers.image.licenses="MIT" org.opencontainers.image.version="$VERSION" org.opencontainers.image.revision="$REVISION"
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt Api__Address=0.0.0.0 Store__Folder=/data MONGOC_DISABLE_SHM=1
USER 10001:10001
WORKDIR /app
VOLUME /data
EXPOSE 2025 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --start-interval=1s --retries=3 CMD ["/usr/local/bin/postern", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/postern"]
CMD ["run"]

FROM base AS slim
COPY --from=slim-files /out/ /
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Postern" \
      org.opencontainers.image.description="The small back gate that legacy alarm panels and cameras can still knock at" \
      org.opencontainers.image.licenses="MIT" org.opencontainers.image.version="$VERSION" org.opencontainers.image.revision="$REVISION"
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt Api__Address=0.0.0.0 Store__Folder=/data MONGOC_DISABLE_SHM=1
USER 10001:10001
WORKDIR /app
VOLUME /data
EXPOSE 2025 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --start-interval=1s --retries=3 CMD ["/usr/local/bin/postern", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/postern"]
CMD ["run"]
