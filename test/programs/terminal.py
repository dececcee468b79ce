"""Plays a person at a terminal: waits for a text, types an answer, and prints everything as JSON at the end."""
import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios
import time

plan = json.load(sys.stdin)
child, terminal = pty.fork()
if child == 0:
    if "size" in plan:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", *plan["size"], 0, 0))
    os.chdir(plan["cwd"])
    os.execve(plan["command"][0], plan["command"], plan["env"])

output = b""
deadline = time.monotonic() + plan["deadlineSeconds"]


def more():
    """Reads what the program wrote; False at its end."""
    global output
    ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
    if not ready:
        os.kill(child, 9)
        output += b"[the program was too slow]"
        return False
    try:
        data = os.read(terminal, 65536)
    except OSError:
        return False
    output += data
    return data != b""


seen = 0
for awaited, answer in plan["steps"]:
    wanted = awaited.encode()
    while (found := output.find(wanted, seen)) < 0 and more():
        pass
    if found < 0:
        break
    seen = found + len(wanted)
    os.write(terminal, answer.encode())
while more():
    pass
_, status = os.waitpid(child, 0)
print(json.dumps({"code": os.waitstatus_to_exitcode(status), "output": output.decode(errors="replace")}))
