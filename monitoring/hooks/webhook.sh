#!/bin/sh
# Posts what happened, as JSON, to a web address. Copy it to /etc/xcp-balance/hooks.d/after-move-webhook (on-alarm-webhook ...),
# owned by root, mode 0755; 0700 where the address is a secret.
set -eu
url=https://example.org/xcp-balance

exec curl --fail --silent --show-error --max-time 10 \
  --header 'Content-Type: application/json' --data-binary @- --output /dev/null "$url"
