#!/bin/sh
# `make up`: builds the image from the bundle, makes certificates, keys and passwords once, starts everything, waits.
# `make down` (up.sh down): stops it; nothing under state/ is touched.
# HOST=mq.example.gov.cn is the name that boxes connect to; it goes into the broker's certificate, so it is needed the first
# time. WALL=wall.example.gov.cn, then too, is the name that browsers use. Refuses to start without Docker, to overwrite a secret, and to invent a host name.
set -eu
umask 077
cd "$(dirname "$0")"
stop() { printf '%s\n' "$*" >&2; exit 2; }

command -v docker >/dev/null 2>&1 ||
    stop "没有 Docker。没有 Docker 的安装办法见 docs/zh/administrator.md / There is no Docker here: docs/zh/administrator.md installs without it."
docker compose version >/dev/null 2>&1 ||
    stop "Docker 没有 compose 插件（apt install docker-compose-plugin） / Docker has no compose plugin: apt install docker-compose-plugin"
docker info >/dev/null 2>&1 ||
    stop "Docker 服务没有运行，或本账户无权使用 / The Docker engine does not answer, or this account may not use it."

if [ "${1:-}" = down ]; then
    [ -e .env ] || stop "还没有启动过 / Nothing was ever started here."
    exec docker compose down
fi

root=../../..
bundle=$(ls -d "$root"/build/bundle/manyi-*/ 2>/dev/null | sort -V | tail -n 1)
[ -n "$bundle" ] || stop "请先执行 make bundle / Run make bundle first."
MANYI_VERSION=$(basename "$bundle" | sed 's/^manyi-//')
[ -z "${HOST:-}" ] && [ -e .env ] && HOST=$(sed -n 's/^MANYI_HOST=//p' .env)
[ -n "${HOST:-}" ] ||
    stop "第一次启动请给出评价器连接的域名：make up HOST=mq.example.gov.cn / The first time, name what boxes connect to: make up HOST=..."
if [ -d state/ca ] && ! grep -qx "MANYI_HOST=$HOST" .env; then
    stop "代理的证书是另一个域名的，不能改成 $HOST / The broker's certificate is for another name than $HOST: boxes would refuse it."
fi
[ -z "${WALL:-}" ] && [ -e .env ] && WALL=$(sed -n 's/^MANYI_WALL=//p' .env)
if [ -d state/ca ] && [ -n "${WALL:-}" ] && ! grep -qx "MANYI_WALL=$WALL" .env; then
    stop "大屏的域名只能在第一次启动时给出：自己的 CA 不给 $WALL 签发证书。别处签发的，把域名写进 state/manyi.toml 的 allowed_hosts / The name of the wall is taken at the first start alone: the authority refuses $WALL now. With a certificate of another authority, put it into allowed_hosts of state/manyi.toml."
fi
printf 'MANYI_VERSION=%s\nMANYI_HOST=%s\nMANYI_WALL=%s\n' "$MANYI_VERSION" "$HOST" "${WALL:-}" >.env
mkdir -p state
if [ ! -e state/grafana.env ]; then
    {
        echo "# 本单位的 Grafana 设置，改完执行 make up；这里不放口令 / Grafana's settings of this installation: make up after a change. No secrets."
        echo "${WALL:+GF_SERVER_ROOT_URL=https://$WALL:3443/}"
        grep '^MANYI_ALERT_' "$root/dashboards/provisioning/grafana.env"
    } >state/grafana.env
fi
docker build --tag "manyi:$MANYI_VERSION" --file Dockerfile "$bundle"

manyi() { docker run --rm --user 0 --volume "$PWD/state:/state" "manyi:$MANYI_VERSION" "$@"; }

if [ ! -e state/.made ]; then
    mkdir -p state/owner state/influx state/secrets state/data state/backups state/grafana
    # What a first run that was cut off has left is kept: each step looks before it makes.
    for name in ca.passphrase grafana.admin.password; do
        [ -e "state/owner/$name" ] || head -c 24 /dev/urandom | base64 >"state/owner/$name"
    done
    [ -d state/ca ] || manyi ca init --dir /state/ca --passphrase-file /state/owner/ca.passphrase --permit "$HOST" ${WALL:+--permit "$WALL"}
    [ -d state/broker ] || manyi broker init --dir /state/broker --host "$HOST" --ca /state/ca --passphrase-file /state/owner/ca.passphrase --log stderr
    # Passwords for others are not the broker's to see.
    [ ! -d state/broker/handover ] || mv state/broker/handover state/owner/handover
    [ -e state/secrets/broker.password ] || mv state/owner/handover/manyi_collector.password state/secrets/broker.password
    [ -e state/secrets/link.keys ] || : >state/secrets/link.keys
    [ -e state/secrets/doctor.jsonl ] || manyi broker add doctor --dir /state/broker --out /state/secrets/doctor.jsonl --link-file /state/secrets/link.keys
    [ -e state/manyi.toml ] || sed "s|@HOST@|$HOST|; s|\"@WALL@\"|${WALL:+\"$WALL\"}|" manyi.toml >state/manyi.toml
    chown -R 1000:1000 state/influx state/secrets state/data state/backups state/manyi.toml
    chmod 755 state state/grafana
    chmod 644 state/manyi.toml
    : >state/.made
fi

docker compose up --detach --wait mosquitto influxdb
# Each container is given its own token and nobody else's: the collector writes, Grafana (472 in its image) reads.
mkdir -p state/grafana-secrets
if [ -e state/influx/influx.operator.token ] || [ ! -e state/secrets/influx.token ]; then
    docker compose run --rm influx-init
    cp state/influx/influx.token state/secrets/influx.token
    cp state/influx/influx.grafana.token state/grafana-secrets/influx.token
else
    echo "InfluxDB 的操作员令牌已带走，存储桶和令牌未查；升级后缺桶（manyi doctor 会说）就放回 state/influx 再来 / InfluxDB's operator token was carried away: buckets and tokens are not looked at. If manyi doctor misses a bucket after an upgrade, bring it back to state/influx and come again."
fi
[ -e state/grafana-secrets/admin.password ] || cp state/owner/grafana.admin.password state/grafana-secrets/admin.password
chown 1000:1000 state/secrets/influx.token
chown -R 472:0 state/grafana-secrets
# The proxy of this machine comes from the network's gateway, which is another one after each `make down`.
gateway=$(docker network inspect --format '{{(index .IPAM.Config 0).Gateway}}' manyi_default)
sed -i "s|^proxies = .*# up.sh|proxies = [\"$gateway\"] # up.sh|" state/manyi.toml
docker compose up --detach --wait manyi
docker compose exec --user 0 manyi /opt/manyi/current/bin/manyi --version
docker run --rm --user 0 --volume "$PWD/state:/state" --volume "$PWD/state/data:/var/lib/manyi" \
    --volume "$PWD/state/manyi.toml:/etc/manyi/manyi.toml:ro" "manyi:$MANYI_VERSION" \
    grafana write --out /state/grafana --roster-from-ledger --influx-url http://influxdb:8086 \
    --token-file /run/secrets/grafana_token --seen-as /etc/grafana/manyi
chmod -R a+rX state/grafana
docker compose up --detach --wait
echo "大屏 / wall: http://127.0.0.1:8080/   Grafana: http://127.0.0.1:3000/ (admin, state/owner/grafana.admin.password)"
