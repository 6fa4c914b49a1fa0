#!/bin/sh
# Installs manyi from this folder, without a network. Run as root: sh install.sh
#   --prefix DIR   where the program goes (/opt/manyi); each release has a folder, `current` points at the newest
#   --no-system    the program only: no account, no units, nothing under /etc (works without root, with --prefix)
#   --flash        also what flashes boxes: a depot's computer, with --no-system (manyi-image, manyi box)
#   --root DIR     put everything under DIR, as for an image of another machine
# A second run, or a newer bundle, upgrades: the service is not touched until you restart it. It refuses a bundle that is
# not whole, and never overwrites a configuration or a secret.
set -eu
umask 022

here=$(cd "$(dirname "$0")" && pwd)
prefix=/opt/manyi
system=yes
flash=no
root=
while [ $# -gt 0 ]; do
    case $1 in
    --prefix) prefix=$2; shift 2 ;;
    --root) root=$2; shift 2 ;;
    --no-system) system=no; shift ;;
    --flash) flash=yes; shift ;;
    *) sed -n '2,8p' "$0"; exit 2 ;;
    esac
done

say() { printf '%s\n' "$*"; }
stop() { printf '%s\n' "$*" >&2; exit 2; }

# --- is the bundle whole, and does this machine have what it needs? -------------------------------------------------
cd "$here"
sha256sum --check --quiet --strict SHA256SUMS ||
    stop "安装包不完整或被改动，请重新拷贝 / The bundle is not whole, or was changed: copy it again."

machine=$(uname -m)
[ -d "wheels/$machine" ] || stop "安装包不支持 $machine / This bundle has nothing for $machine."

python=
for each in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
    if command -v "$each" >/dev/null 2>&1 && "$each" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'; then
        python=$each
        break
    fi
done
[ -n "$python" ] || stop "需要 Python 3.11 至 3.13 / Python 3.11 to 3.13 is needed: apt install python3 python3-venv"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    stop "缺少 python3-venv / python3-venv is missing: apt install python3-venv"

# --- the program, in a folder of its own ----------------------------------------------------------------------------
wheel=$(ls wheels/any/manyi-*.whl)
version=$(basename "$wheel" | cut -d- -f2)
release="$root$prefix/releases/$version-$(sha256sum SHA256SUMS | cut -c1-8)"
[ $flash = no ] || release=$release-flash
if [ ! -x "$release/bin/manyi" ]; then
    say "安装 / Installing $version: $release"
    mkdir -p "$root$prefix/releases"
    rm -rf "$release"
    "$python" -m venv "$release"
    pip="$release/bin/python -m pip --disable-pip-version-check --isolated --quiet install --no-index"
    lists="-r requirements.txt" wheels=$wheel
    [ $flash = no ] || lists="$lists -r requirements-flash.txt" wheels="$wheel $(ls wheels/any/esptool-*.whl)"
    # shellcheck disable=SC2086
    if ! $pip --find-links "wheels/$machine" --find-links wheels/any --require-hashes --only-binary=:all: $lists ||
        ! $pip --no-deps $wheels; then
        rm -rf "$release"
        stop "安装失败，没有改动 / It could not be installed; nothing was changed. Does the bundle have wheels for $($python -V)?"
    fi
fi
"$release/bin/manyi" --version >/dev/null
parts="firmware dashboards docs deploy"
[ $flash = no ] || parts="$parts flash"
for part in $parts; do
    [ ! -d "$part" ] || { rm -rf "$release/share/$part"; mkdir -p "$release/share"; cp -R "$part" "$release/share/$part"; }
done
if [ $flash = yes ]; then
    at=${release#"$root"}
    cat >"$release/bin/manyi-image" <<IMAGE
#!/bin/sh
# Makes the image of a board: manyi-image --board esp32-devkitc --firmware FILE.bin --sha256 SHA256SUMS --out image.bin
exec "$at/bin/python" -B "$at/share/flash/image.py" --built "$at/share/firmware" "\$@"
IMAGE
    chmod 755 "$release/bin/manyi-image"
fi
ln -sfn "${release#"$root"}" "$root$prefix/current.new"
mv -T "$root$prefix/current.new" "$root$prefix/current"

if [ $system = no ]; then
    say "完成 / Done: $root$prefix/current/bin/manyi"
    exit 0
fi

# --- account, folders, units ------------------------------------------------------------------------------------------
mkdir -p "$root/etc/systemd/system" "$root/usr/lib/sysusers.d" "$root/usr/lib/tmpfiles.d" "$root/usr/local/bin"
for unit in deploy/systemd/*.service deploy/systemd/*.timer; do
    sed "s|/opt/manyi|$prefix|g" "$unit" >"$root/etc/systemd/system/$(basename "$unit")"
done
cp deploy/systemd/sysusers.conf "$root/usr/lib/sysusers.d/manyi.conf"
cp deploy/systemd/tmpfiles.conf "$root/usr/lib/tmpfiles.d/manyi.conf"
cat >"$root/usr/local/bin/manyi" <<WRAPPER
#!/bin/sh
# The command line with the installed configuration. As the service's account: runuser -u manyi -- manyi account
export MANYI_CONFIG="\${MANYI_CONFIG:-/etc/manyi/manyi.toml}"
exec $prefix/current/bin/manyi "\$@"
WRAPPER
chmod 755 "$root/usr/local/bin/manyi"

if command -v systemd-sysusers >/dev/null 2>&1; then
    systemd-sysusers ${root:+--root="$root"} "$root/usr/lib/sysusers.d/manyi.conf"
    systemd-tmpfiles ${root:+--root="$root"} --create "$root/usr/lib/tmpfiles.d/manyi.conf"
else
    stop "没有 systemd，请手工建立账户 manyi 和目录 / No systemd here: make the account and folders of deploy/systemd/*.conf by hand."
fi
if [ ! -e "$root/etc/manyi/manyi.toml" ]; then
    cp deploy/systemd/manyi.toml "$root/etc/manyi/manyi.toml"
    chown 0:"$(stat -c %g "$root/etc/manyi/secrets")" "$root/etc/manyi/manyi.toml"
    chmod 640 "$root/etc/manyi/manyi.toml"
fi
if [ -d /run/systemd/system ] && [ -z "$root" ]; then
    systemctl daemon-reload
fi
say "完成 / Done. 下一步 / Next: docs/zh/administrator.md ($prefix/current/share/docs/zh/administrator.md)"
say "  编辑 / edit /etc/manyi/manyi.toml; runuser -u manyi -- manyi doctor; systemctl enable --now manyi manyi-backup.timer manyi-doctor.timer"
