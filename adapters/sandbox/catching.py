"""Make every address lead to the relay inside a sandbox's own network: what is tried is refused and recorded."""

CAUGHT_PORT = 3129  #: where the relay takes connections that were meant for another address

#: Shell, run as root in the sandbox's network. Without iproute2 or iptables names are still caught, addresses are
#: unreachable: what is missing costs records, never walls.
CATCH = f"""PATH=/usr/sbin:/sbin:/usr/bin:/bin
try() {{ "$@" 2>/dev/null || true; }}
try ip link set lo up
try sh -c 'echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start'
try sh -c 'echo 0 > /proc/sys/net/ipv6/conf/lo/disable_ipv6'
try ip route add local 0.0.0.0/0 dev lo
try ip -6 route add local ::/0 dev lo
for protocol in tcp udp; do
  try iptables -w -t nat -A OUTPUT -p $protocol ! -d 127.0.0.0/8 -j REDIRECT --to-ports {CAUGHT_PORT}
  try ip6tables -w -t nat -A OUTPUT -p $protocol ! -d ::1/128 -j REDIRECT --to-ports {CAUGHT_PORT}
done
"""
