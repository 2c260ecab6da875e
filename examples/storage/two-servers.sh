#!/usr/bin/env bash
# Two API servers on one etcd of their own, all on this machine, which end with this script. Needs
# etcd, kubectl and strongroom on the PATH.
set -euo pipefail

room=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$room"' EXIT

free_port() { python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
client=http://127.0.0.1:$(free_port) peer=http://127.0.0.1:$(free_port)
etcd --data-dir "$room/etcd" --log-level error \
    --listen-client-urls "$client" --advertise-client-urls "$client" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" \
    --initial-cluster "default=$peer" >"$room/etcd.log" 2>&1 &

for server in one two; do
    mkfifo "$room/$server.out"
    strongroom apiserver --data-dir "$room/$server" --port 0 --store "etcd:$client" \
        --encryption-key "file:$room/keys/the.key" >"$room/$server.out" 2>"$room/$server.log" &
    # "ready https://HOST:PORT kubeconfig=PATH", or nothing when it has failed.
    read -r ready <"$room/$server.out" || { cat "$room/$server.log" >&2; exit 1; }
    echo "server $server is ${ready%% *}"
done

one="kubectl --kubeconfig $room/one/admin.kubeconfig" two="kubectl --kubeconfig $room/two/admin.kubeconfig"
echo "written through one:  $($one create secret generic db --from-literal=password=correct-horse)"
echo "read through two:     $($two get secret db -o 'jsonpath={.metadata.name} has {.data.password}')"
echo "deleted through two:  $($two delete secret db)"
echo "read through one:     $($one get secret db 2>&1 || true)"
echo "in etcd in the clear: $(grep -rlae correct-horse -e Y29ycmVjdC1ob3JzZQ "$room/etcd" | wc -l) files"
