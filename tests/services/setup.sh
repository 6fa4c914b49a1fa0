#!/bin/sh
# The services that tests run against. With CI=true or SERVICES=1 it installs (apt, as root) and builds what is missing;
# without, it says what is missing and how to get it, and those tests are skipped. It never starts anything.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/usr/local/sbin # Debian's Mosquitto is not on a user's PATH
cache=${XDG_CACHE_HOME:-$HOME/.cache}/manyi
wanted=${SERVICES:-0}
[ "${CI:-}" = true ] && wanted=1

packages=
command -v mosquitto >/dev/null || packages="$packages mosquitto"
command -v openssl >/dev/null || packages="$packages openssl" # makes certificates with nothing of ours
command -v chromium >/dev/null || command -v google-chrome >/dev/null || packages="$packages chromium"
# The reverse proxy of the administrator's guide; the smallest there is.
command -v nginx >/dev/null || packages="$packages nginx-light"
# The units are judged by systemd itself; it need not run.
[ "$(uname)" != Linux ] || command -v systemd-analyze >/dev/null || packages="$packages systemd"
# The wall is tested as it looks, and it is Chinese.
fc-list :lang=zh family 2>/dev/null | grep -q . || packages="$packages fonts-noto-cjk"

if [ -n "$packages" ] && [ "$wanted" != 0 ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing$packages"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq
        # shellcheck disable=SC2086
        apt-get install -qq -y --no-install-recommends $packages >/dev/null
        packages=
    else
        echo "Tests need packages that only root can install. Please run:  sudo apt install$packages" >&2
        exit 1
    fi
fi
[ -z "$packages" ] || echo "Not here, so their tests are skipped:$packages. To have them:  sudo apt install$packages"

# A laptop's own influxd is used if it is of version 2 (the tests speak its API).
if influxd version 2>/dev/null | grep -q 'InfluxDB v2\.'; then
    :
elif [ "$wanted" != 0 ]; then
    sh "$here/influxd/build.sh" >/dev/null
elif ! ls "$cache"/influxd-*/influxd >/dev/null 2>&1; then
    echo "Not here, so its tests are skipped: influxd. To build it once (Go, cargo, 4 minutes):  make services"
fi
