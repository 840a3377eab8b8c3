#!/usr/bin/env bash
# A machine of its own for tests/integration/test_boot.py: systemd booted on an overlay of this one, with a network of loopback only.
# usage, as root in a mount namespace of its own: boot_container.sh CHECKOUT OUTPUT PYTHON_HOME own|attach
set -euo pipefail
checkout=$1 output=$2 python_home=$3 tor=$4
work=$(mktemp -d /var/tmp/torwatch-boot.XXXXXX)
mount -t tmpfs tmpfs "$work"
mkdir "$work"/{upper,overlay,machine}
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/overlay" "$work/machine"
mount -t tmpfs tmpfs /run # else nspawn finds folders of the machine's own container manager
machine=$work/machine
units=$machine/etc/systemd/system
rm -rf "$units"/*.wants
echo uninitialized >"$machine/etc/machine-id"
ln -sf /dev/null "$units/systemd-networkd-wait-online.service" # there is no network to wait for
mkdir -p "$machine"/opt/{torwatch/bin,python,checkout}
packages=$(cd "$checkout" && echo .venv/lib/python3.*/site-packages)
environment="LD_LIBRARY_PATH=/opt/python/lib PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/opt/checkout:/opt/checkout/$packages"
cat >"$machine/opt/torwatch/bin/torwatch" <<END
#!/bin/sh
$environment exec /opt/python/bin/python3 -c 'from torwatch.cli import main; main()' "\$@"
END
chmod 755 "$machine/opt/torwatch/bin/torwatch"
cat >"$units/probe.service" <<END
[Service]
Environment=HOME=/var/lib PATH=/usr/sbin:/usr/bin:/sbin:/bin $environment
ExecStart=/opt/python/bin/python3 /opt/checkout/tests/integration/boot_probe.py $tor
END
cat >"$units/probe.target" <<END
[Unit]
Requires=sysinit.target dbus.socket systemd-journald.service probe.service
After=sysinit.target
END
ln -sf probe.target "$units/default.target"
exec systemd-nspawn --register=no --keep-unit -D "$machine" --console=pipe --private-network \
	--bind="$output:/out" --bind-ro="$checkout:/opt/checkout" --bind-ro="$python_home:/opt/python" --boot systemd.unit=probe.target
