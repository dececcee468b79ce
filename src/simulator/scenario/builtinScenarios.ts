/** The scenarios that ship with the program. */

/**
 * Chapter 6 of the thesis: the numbers behind its transcripts. The VMs' demands are what they got (99 %, 66 %),
 * dom0's share is what is left to the hosts' rounded 25 % and 100 %. Memory: each host keeps 206 MiB for Xen
 * beside dom0's 1024, which gives the free memory that the thesis shows before and after the move.
 */
const thesis = `
pool "Main Pool" product=XCP version=1.6 bandwidth=100

sr "NFS_VDI" type=nfs
sr "NFS ISO Library" type=iso
network "Pool-wide network associated with eth0" device=eth0

host Host1 master uuid=eb966de6-276a-0428-2ecb-d1b2a69eff57 address=137.204.58.91 cpus=4 memory=4069 \\
  dom0=1024 dom0-uuid=8f37b891-1a48-c55d-ab76-5e82dd473bf7 overhead=206 base-cpu=1.5% \\
  xapi-memory=6 xapi-free=2 lo-rx=2 lo-tx=2 rx=8 tx=6
host Host2 uuid=6874ed0e-e89f-3fb4-306c-0ae78732ed62 address=137.204.58.93 cpus=4 memory=4069 \\
  dom0=1024 dom0-uuid=e7cdd975-a19a-1442-905a-54dc747adcbe overhead=206 base-cpu=3% \\
  xapi-memory=2 xapi-free=1 rx=0 tx=15

vm "VM1 - Debian" on=Host1 uuid=0a511f3b-ca5f-2c5d-7751-55b6a138f86e mode=pv vcpus=2 memory=1024 \\
  cpu=50% tools free=813 rx=6 tx=0 ip=137.204.58.216
vm "VM2 - Debian" on=Host2 uuid=67bad7be-dcce-a819-f7e2-9c92c9e626bc mode=pv vcpus=2 memory=256 \\
  cpu=99% tools free=84 rx=9.52 tx=0 ip=137.204.58.218
vm "VM3 - Ubuntu" on=Host2 uuid=c9918a2b-1b72-0cd8-6571-419db7f3be19 mode=pv vcpus=3 memory=1024 \\
  cpu=66% tools free=365 rx=9.52 tx=0 ip=137.204.58.219
`;

/** Every kind of line, for trying rules: loads that change, VMs that cannot move, a host in maintenance. */
const example = `
pool "Example" product=XCP-ng version=8.3
sr "Shared storage" type=nfs
network "Pool-wide network associated with eth0" device=eth0

host alpha master cpus=8 memory=32768 base-cpu=noise(40%,10%)
host beta cpus=8 memory=32768 base-cpu=noise(40%,10%)
host gamma cpus=8 memory=32768 base-cpu=noise(40%,10%)
host delta cpus=8 memory=32768 disabled

vm web1 on=alpha vcpus=4 memory=4096 cpu=noise(80%,5%) tools rx=noise(900,100) tx=noise(3000,300) tags=web
vm web2 on=alpha vcpus=4 memory=4096 cpu=noise(75%,5%) tools rx=noise(900,100) tx=noise(3000,300) tags=web
vm batch on=alpha vcpus=2 memory=2048 cpu=spike(10%,95%,for=2m,every=10m) tools
vm growing on=beta vcpus=4 memory=8192 min=4096 cpu=ramp(10%,90%,over=15m) tools
vm database on=beta vcpus=4 memory=8192 cpu=30% tools disk=local
vm appliance on=gamma vcpus=1 memory=1024 cpu=10%
vm pinned on=gamma vcpus=2 memory=2048 cpu=20% tools blocked="licensed for this host"
vm spare halted vcpus=2 memory=2048
template "Debian template" memory=512
snapshot "web1 before upgrade" of=web1 memory=4096
`;

const big = `
pool "Big" product=XCP-ng version=8.3 bandwidth=10000
generate hosts=16 vms=400 seed=7
`;

/** By name. A backslash at the end of a line joins it with the next. */
export const builtinScenarios: Readonly<Record<string, string>> = { thesis, example, big };
