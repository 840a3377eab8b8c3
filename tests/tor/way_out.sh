# A network namespace that offers a way out, a default route to nowhere, and counts what takes it; run under unshare --user --map-root-user --net.
# The namespace of quick_loopback has no way out at all: there, a leak would be refused by the kernel and no counter would move.
set -eu
ip link set lo up
for destination in 127.0.0.0/8 127.0.0.1; do
    ip route replace local "$destination" dev lo table local proto kernel scope host src 127.0.0.1 quickack 1
done
ip link add out type veth peer name nowhere
ip address add 10.9.9.2/24 dev out
ip link set out up
ip link set nowhere up
ip neighbour add 10.9.9.1 lladdr 02:00:00:00:00:01 dev out
ip route add default via 10.9.9.1 dev out
if ip -6 address add fd09:9::2/64 dev out nodad 2>/dev/null; then
    ip -6 neighbour add fd09:9::1 lladdr 02:00:00:00:00:01 dev out
    ip -6 route add default via fd09:9::1 dev out
fi
nft -f - <<'RULES'
table inet ways {
    counter away { }
    counter names { }
    chain output {
        type filter hook output priority 0
        icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-report, mld2-listener-report } accept
        oifname != "lo" counter name away
        meta l4proto { tcp, udp } th dport { 53, 853 } counter name names
    }
}
RULES
exec "$@"
