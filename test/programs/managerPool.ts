/** The pool of the thesis' chapter 6 as XCP_Collect stored it, with every value that its transcripts show. */
import { asUuid, type Host, type Snapshot, type Vm } from "../../src/domain/pool.ts";
import { aHost, aSnapshot, aVm } from "../support/fixtures.ts";

const host1: Host = aHost({
  uuid: asUuid("eb966de6-276a-0428-2ecb-d1b2a69eff57"),
  name: "Host1",
  ip: "137.204.58.91",
  memoryTotalMb: 4069,
  memoryFreeMb: 1791,
  xapiMemoryUsageMb: 6,
  xapiFreeMemoryMb: 2,
  pifLoRxKb: 2,
  pifLoTxKb: 2,
  pifEth0RxKb: 14,
  pifEth0TxKb: 6,
  dom0LoadAvg: 0.003,
  cpuAverage: 25.2,
  isMaster: true,
});

const host2: Host = aHost({
  uuid: asUuid("6874ed0e-e89f-3fb4-306c-0ae78732ed62"),
  name: "Host2",
  ip: "137.204.58.93",
  memoryTotalMb: 4069,
  memoryFreeMb: 1529,
  xapiMemoryUsageMb: 2,
  xapiFreeMemoryMb: 1,
  pifEth0RxKb: 19,
  pifEth0TxKb: 15,
  cpuAverage: 99.8,
});

const vm1: Vm = aVm({
  uuid: asUuid("0a511f3b-ca5f-2c5d-7751-55b6a138f86e"),
  name: "VM1 - Debian",
  memoryMb: 1024,
  memoryInternalFreeMb: 813,
  vif0RxKb: 6,
  vcpuAverage: 50.3,
  vcpuNum: 2,
});

const vm2: Vm = aVm({
  uuid: asUuid("67bad7be-dcce-a819-f7e2-9c92c9e626bc"),
  name: "VM2 - Debian",
  memoryMb: 256,
  memoryInternalFreeMb: 84,
  vif0RxKb: 10,
  vcpuAverage: 99,
  vcpuNum: 2,
});

const vm3: Vm = aVm({
  uuid: asUuid("c9918a2b-1b72-0cd8-6571-419db7f3be19"),
  name: "VM3 - Ubuntu",
  memoryMb: 1024,
  memoryInternalFreeMb: 365,
  vif0RxKb: 10,
  vcpuAverage: 66.4,
  vcpuNum: 3,
});

function controlDomain(uuid: string, hostName: string): Vm {
  return aVm({
    uuid: asUuid(uuid),
    name: `Control domain on host: ${hostName}`,
    isControlDomain: true,
    memoryInternalFreeMb: null,
    vif0RxKb: null,
    vif0TxKb: null,
  });
}

const dom0OfHost1 = controlDomain("8f37b891-1a48-c55d-ab76-5e82dd473bf7", "Host1");
const dom0OfHost2 = controlDomain("e7cdd975-a19a-1442-905a-54dc747adcbe", "Host2");

export const thesisPool: Snapshot = aSnapshot([
  [host2, [vm2, vm3, dom0OfHost2]],
  [host1, [vm1, dom0OfHost1]],
]);

/** Sections 6.1.1.1 and 5.3.2.2.2 as a terminal shows them: commands and answers stand where they were typed. */
export const thesisTranscript = `\
XCP_Manager> SHOW VMS
- 0a511f3b-ca5f-2c5d-7751-55b6a138f86e - VM1 - Debian
- 67bad7be-dcce-a819-f7e2-9c92c9e626bc - VM2 - Debian
- 8f37b891-1a48-c55d-ab76-5e82dd473bf7 - Control domain on host: Host1
- c9918a2b-1b72-0cd8-6571-419db7f3be19 - VM3 - Ubuntu
- e7cdd975-a19a-1442-905a-54dc747adcbe - Control domain on host: Host2
XCP_Manager> SHOW VM 0a511f3b-ca5f-2c5d-7751-55b6a138f86e
UUID - 0a511f3b-ca5f-2c5d-7751-55b6a138f86e
Total Memory (MB) - 1024
Free Memory (MB) - 813
Transmitted data on the Virtual Interface (Kb/s) - 0
Received data on the Virtual Interface (Kb/s) - 6
VCpu Average - 50%
VCpu Number - 2
Power State - Running
Control Domain - false
Name - VM1 - Debian
XCP_Manager> SHOW VM 67bad7be-dcce-a819-f7e2-9c92c9e626bc
UUID - 67bad7be-dcce-a819-f7e2-9c92c9e626bc
Total Memory (MB) - 256
Free Memory (MB) - 84
Transmitted data on the Virtual Interface (Kb/s) - 0
Received data on the Virtual Interface (Kb/s) - 10
VCpu Average - 99%
VCpu Number - 2
Power State - Running
Control Domain - false
Name - VM2 - Debian
XCP_Manager> SHOW VM c9918a2b-1b72-0cd8-6571-419db7f3be19
UUID - c9918a2b-1b72-0cd8-6571-419db7f3be19
Total Memory (MB) - 1024
Free Memory (MB) - 365
Transmitted data on the Virtual Interface (Kb/s) - 0
Received data on the Virtual Interface (Kb/s) - 10
VCpu Average - 66%
VCpu Number - 3
Power State - Running
Control Domain - false
Name - VM3 - Ubuntu
XCP_Manager> SHOW HOSTS
- 6874ed0e-e89f-3fb4-306c-0ae78732ed62 - Host2
- eb966de6-276a-0428-2ecb-d1b2a69eff57 - Host1
XCP_Manager> SHOW HOST eb966de6-276a-0428-2ecb-d1b2a69eff57
UUID - eb966de6-276a-0428-2ecb-d1b2a69eff57
Total Memory (MB) - 4069
Free Memory (MB) - 1791
Xapi Memory Usage (MB) - 6
Xapi Free Memory (MB) - 2
Received data on the Physical Interface Lo (Kb/s) - 2
Transmitted data on the Physical Interface Lo (Kb/s) - 2
Received data on the Physical Interface Eth0 (Kb/s) - 14
Transmitted data on the Physical Interface Eth0 (Kb/s) - 6
Dom0 Load Average - 0%
Cpu Load Average - 25%
Ip - 137.204.58.91
Cpu Number - 4
Name - Host1
XCP_Manager> SHOW HOST 6874ed0e-e89f-3fb4-306c-0ae78732ed62
UUID - 6874ed0e-e89f-3fb4-306c-0ae78732ed62
Total Memory (MB) - 4069
Free Memory (MB) - 1529
Xapi Memory Usage (MB) - 2
Xapi Free Memory (MB) - 1
Received data on the Physical Interface Lo (Kb/s) - 0
Transmitted data on the Physical Interface Lo (Kb/s) - 0
Received data on the Physical Interface Eth0 (Kb/s) - 19
Transmitted data on the Physical Interface Eth0 (Kb/s) - 15
Dom0 Load Average - 0%
Cpu Load Average - 100%
Ip - 137.204.58.93
Cpu Number - 4
Name - Host2
XCP_Manager> CREATE RULE HOST
Add a new Host Rule (Pool wide):

When [PifEth0RxKb/PifEth0TxKb/OccupiedMemoryMb/CpuAverage]:
CpuAverage
Is more than [%]:
25
above the medium migrate vms to the less loaded host

When CpuAverage is more than 25 % above the medium migrate to the less loaded host
Confirm ? [Y/N] Y
XCP_Manager> SHOW RULES HOST
Rules - Balance host when:

- CpuAverage is more than 25 % above the medium
XCP_Manager> CREATE RULE HOST
Add a new Host Rule (Pool wide):

When [PifEth0RxKb/PifEth0TxKb/OccupiedMemoryMb/CpuAverage]:
OccupiedMemoryMb
Is more than [MB]:
200
above the medium migrate vms to the less loaded host

When OccupiedMemoryMb is more than 200 MB above the medium migrate to the less loaded host
Confirm ? [Y/N] Y
XCP_Manager> SHOW RULES HOST
Rules - Balance host when:

- CpuAverage is more than 25 % above the medium
- OccupiedMemoryMb is more than 200 MB above the medium
XCP_Manager> DELETE RULE HOST
Rules - Balance host when:

- CpuAverage is more than 25 % above the medium
Do you want to delete this rule? [Y/N] N
- OccupiedMemoryMb is more than 200 MB above the medium
Do you want to delete this rule? [Y/N] Y
Rule deleted
XCP_Manager> SHOW RULES HOST
Rules - Balance host when:

- CpuAverage is more than 25 % above the medium
`;

/** What was typed in the transcript, line by line. */
export const thesisInput: string = thesisTranscript
  .split("\n")
  .flatMap((line) => {
    if (line.startsWith("XCP_Manager> ")) return [line.slice("XCP_Manager> ".length)];
    const answer = /^(?:Confirm \?|Do you want to delete this rule\?) \[Y\/N\] (.)$/.exec(line);
    if (answer !== null) return [answer[1] ?? ""];
    return ["CpuAverage", "25", "OccupiedMemoryMb", "200"].includes(line) ? [line] : [];
  })
  .map((line) => `${line}\n`)
  .join("");
