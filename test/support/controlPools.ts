/** Scenarios with exact loads for the tests of control. */
import type { Rule } from "../../src/domain/rule.ts";

/**
 * Host hot at 90 % with small (256 MB) and big (1024 MB), 45 % each; cold1 at 0 %, cold2 at 10 %; rule CpuAverage 25:
 * the mean is 33.3, and either VM may go to either cold host. The plan is small -> cold1.
 */
export const threeHosts = `
pool "Three" product=XCP-ng version=8.2 bandwidth=1000
host hot master cpus=4 memory=8192 base-cpu=0%
host cold1 cpus=4 memory=8192 base-cpu=0%
host cold2 cpus=4 memory=8192 base-cpu=40%
vm small on=hot vcpus=2 memory=256 cpu=90% tools
vm big on=hot vcpus=2 memory=1024 cpu=90% tools
`;

/**
 * Two hot hosts at 99 % with three equal VMs each, and two cold ones: with CpuAverage 4 several VMs go, two at a time, and
 * no host is needed twice.
 */
export const twoHot = `
pool "Two" product=XCP-ng version=8.2 bandwidth=1000
host hot1 master cpus=4 memory=16384 base-cpu=0%
host hot2 cpus=4 memory=16384 base-cpu=0%
host cold1 cpus=4 memory=16384 base-cpu=0%
host cold2 cpus=4 memory=16384 base-cpu=0%
${["hot1", "hot2"].map((host) => ["a", "b", "c"].map((vm) => `vm ${vm}-${host} on=${host} vcpus=4 memory=1024 cpu=33% tools`).join("\n")).join("\n")}
`;

/**
 * Two hosts at 100 % with four equal VMs each and two idle ones: with CpuAverage 10 each hot host gives two, four transfers
 * that wait for nothing. Between the two others, which no rule touches, an administrator migrates `guest`.
 */
export const crowd = `
pool "Crowd" product=XCP-ng version=8.2 bandwidth=1000
host hot1 master cpus=4 memory=16384 base-cpu=0%
host hot2 cpus=4 memory=16384 base-cpu=0%
host cold1 cpus=4 memory=16384 base-cpu=0%
host cold2 cpus=4 memory=16384 base-cpu=0%
host side1 cpus=4 memory=16384 base-cpu=200%
host side2 cpus=4 memory=16384 base-cpu=200%
vm guest on=side1 vcpus=1 memory=512 cpu=1% tools
${["hot1", "hot2"].map((host) => ["a", "b", "c", "d"].map((vm) => `vm ${vm}-${host} on=${host} vcpus=4 memory=1024 cpu=25% tools`).join("\n")).join("\n")}
`;

export const cpu25: Rule = { subject: "CpuAverage", threshold: 25 };
