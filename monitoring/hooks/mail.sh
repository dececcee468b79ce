#!/bin/sh
# Mails what happened, through sendmail. Copy it to /etc/xcp-balance/hooks.d/on-alarm-mail (on-breaker-mail,
# on-refusal-mail ...), owned by root, mode 0755. In a unit with NoNewPrivileges a sendmail that is setgid (postfix) cannot
# queue: use one that speaks SMTP (msmtp).
set -eu
to=root
sendmail=/usr/sbin/sendmail

# No header has a word of others in it: names of VMs could bring headers of their own.
{
  printf 'To: %s\nSubject: xcp-balance: %s\n' "$to" "$XCP_BALANCE_EVENT"
  printf 'MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nAuto-Submitted: auto-generated\n\n'
  printf '%s\n\npool: %s (%s)\nprogram: %s\n\n' \
    "$XCP_BALANCE_TEXT" "${XCP_BALANCE_POOL_NAME:-?}" "${XCP_BALANCE_POOL_UUID:-?}" "$XCP_BALANCE_PROGRAM"
  # All there is, as JSON.
  cat
} | "$sendmail" -oi -t
