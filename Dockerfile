# The program alone: on scratch, with the parts of glibc that it is linked to, read-only, for any user.
#
# glibc and not musl: it is what the tests run on, its resolver is the one that clusters are made for, and librdkafka and OpenSSL, which are
# built from source within the program, are at home on it. A static glibc would want its own shared parts for names all the same. So the four
# files that `ldd` names go along, out of the image that the program is built in: there is no second base to mirror or to patch.
#
#   docker build -t spoor:0.0.0 .
#   docker build --build-arg REGISTRY=registry.example.org/mirror -t spoor:0.0.0 .          the base from a mirror
#   cargo vendor --locked vendor && docker build --network=none -t spoor:0.0.0 .            crates from the folder vendor/, no network at all
ARG REGISTRY=docker.io

FROM ${REGISTRY}/library/rust:1.95.0-bookworm AS build
WORKDIR /src
COPY . .
ENV CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0
# crates from vendor/ where it is there, so that nothing is fetched
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    set -eu; \
    if [ -d vendor ]; then \
      printf '[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "/src/vendor"\n' > /usr/local/cargo/config.toml; \
    fi; \
    # the toolchain is the image's own
    rm -f rust-toolchain.toml; \
    cargo build --release --locked --package server; \
    deploy/rootfs.sh target/release/spoor /rootfs

FROM scratch
COPY --from=build /rootfs/ /
# a number, for clusters that want to see that it is not root; the group 0 is what any other number gets
USER 10001:0
# where spoor-data and spoor-certs lie, for who keeps them in files
WORKDIR /var/lib/spoor
ENV LISTEN_HOST="::"
VOLUME ["/var/lib/spoor"]
EXPOSE 4317 4318 9411 14250 14268 14269 14270 16685 16686 16687 5778 5779 6831/udp 6832/udp
ENTRYPOINT ["/usr/bin/spoor"]
