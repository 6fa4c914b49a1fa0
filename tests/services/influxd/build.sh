#!/bin/sh
# Builds the influxd that the tests run against, and prints where it is. About 4 minutes on two cores from nothing,
# at once if it is there. It writes only to the cache folder, installs nothing, and needs Go and cargo.
set -eu

VERSION=2.7.12 # as in go.mod; InfluxDB 2 is what a city runs
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/manyi
built=$cache/influxd-$VERSION/influxd
if [ -x "$built" ]; then echo "$built"; exit 0; fi

# Where the two are usually installed, for a shell that has not been told.
PATH=$PATH:/usr/local/go/bin:$HOME/.cargo/bin
missing=
command -v go >/dev/null || missing="Go 1.23 or newer"
command -v cargo >/dev/null || missing="${missing:+$missing and }cargo (Rust 1.72 or newer)"
command -v cc >/dev/null || missing="${missing:+$missing and }a C compiler"
if [ -n "$missing" ]; then
    echo "influxd $VERSION cannot be built here: $missing not found. Install it, or put an influxd 2 on PATH." >&2
    exit 1
fi

work=$cache/build-influxd.$$
trap 'chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$work/bin"
cp "$here/go.mod" "$here/go.sum" "$here/tools.go" "$work"
cd "$work"

export GOFLAGS="${GOFLAGS:+$GOFLAGS }-mod=mod" # go.mod names the two programs only; go.sum checks the rest
go build -o bin/pkg-config github.com/influxdata/pkg-config
export PATH="$work/bin:$PATH" PKG_CONFIG="$work/bin/pkg-config"

# The Rust library inside denies warnings, and newer compilers warn about more.
cat > bin/rustc-lenient <<'WRAPPER'
#!/bin/sh
case "$*" in *--cap-lints*) exec "$@" ;; *) exec "$@" --cap-lints warn ;; esac
WRAPPER
chmod +x bin/rustc-lenient
export RUSTC_WRAPPER="$work/bin/rustc-lenient"
# It asks rustup for a version of its own, which would be downloaded; the installed one will do.
if command -v rustup >/dev/null; then
    RUSTUP_TOOLCHAIN=$(rustup toolchain list | awk 'NR == 1 || /default|active/ { name = $1 } END { print name }')
    export RUSTUP_TOOLCHAIN
fi

echo "Building influxd $VERSION (a few minutes, once)" >&2
go build -tags sqlite_foreign_keys,sqlite_json -o influxd github.com/influxdata/influxdb/v2/cmd/influxd >build.log 2>&1 || {
    tail -n 40 build.log >&2
    exit 1
}
mkdir -p "$(dirname "$built")"
mv influxd "$built" # last: a half-built one is never found
echo "$built"
