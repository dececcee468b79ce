#!/bin/sh
# Sends what happened to a phone, by ntfy (https://ntfy.sh or your own server). Copy it to
# /etc/xcp-balance/hooks.d/on-alarm-ntfy (on-breaker-ntfy ...), owned by root, mode 0755.
set -eu
topic=https://ntfy.example.org/xcp-balance

case $XCP_BALANCE_EVENT in
  on-breaker | on-alarm) priority=high ;;
  *) priority=default ;;
esac
# By standard input, not as an argument: a name that begins with @ would be read as a file.
printf '%s' "$XCP_BALANCE_TEXT" | exec curl --fail --silent --show-error --max-time 10 \
  --header "Title: xcp-balance: $XCP_BALANCE_EVENT" --header "Priority: $priority" \
  --data-binary @- --output /dev/null "$topic"
