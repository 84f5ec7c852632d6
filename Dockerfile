# The agent in a container: built as scripts/build builds it, run by nobody in particular.
FROM debian:12-slim AS build
WORKDIR /source
COPY scripts/lib.sh scripts/versions.sh scripts/
# The packages alone, so that a changed source does not install them again.
RUN bash -c 'source scripts/lib.sh && install_packages "${BUILD_PACKAGES[@]}"'
COPY . .
RUN scripts/build release

FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates \
      libcurl4 libdate-tz3 libevent-2.1-7 libevent-openssl-2.1-7 libevent-pthreads-2.1-7 libfmt9 libgit2-1.5 \
      libmicrohttpd12 libprometheus-cpp-core1.0 libprotobuf-lite32 libre2-9 libspdlog1.10 \
      libsqlite3-0 libssl3 libyaml-cpp0.7 zlib1g \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /source/build/release/ray-gitops /usr/local/bin/ray-gitops
USER 65532:65532
# The cache is what may be lost; $HOME must be writable for it.
ENV HOME=/tmp
ENTRYPOINT ["/usr/local/bin/ray-gitops"]
CMD ["agent", "--config", "/etc/ray-gitops/agent.yaml"]
