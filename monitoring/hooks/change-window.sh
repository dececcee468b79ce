#!/bin/sh
# Says no to every plan outside a change window. Copy it to /etc/xcp-balance/hooks.d/before-plan-window, owned by root,
# mode 0755.
set -eu
from=22
to=6

hour=$(date +%H)
hour=${hour#0}
if [ "$hour" -ge "$from" ] || [ "$hour" -lt "$to" ]; then exit 0; fi
echo "outside the change window ($from:00 to $to:00)"
exit 1
