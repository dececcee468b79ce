/** The pools that are compared, from the smallest to the largest. */
import type { Kind } from "../../test/support/plan/pools.ts";

export interface Series extends Kind {
  /** Pools of the kind, by seeds of their own. */
  readonly count: number;
  /** Pools that HiGHS is asked about at most; at 16x400 and in impossible pools one takes it minutes. */
  readonly solved: number;
}

const plain = { unequal: false, fill: 0.85, rules: 1, strict: 0.6, hard: false, solved: 8 };

export const series: readonly Series[] = [
  { ...plain, name: "2x3", hosts: 2, vms: 3, strict: 0.3, count: 100 },
  { ...plain, name: "4x20", hosts: 4, vms: 20, strict: 0.3, count: 100 },
  { ...plain, name: "4x20 tight, 2 rules", hosts: 4, vms: 20, fill: 0.93, rules: 2, strict: 0.3, count: 100 },
  { ...plain, name: "8x120, 2 rules", hosts: 8, vms: 120, rules: 2, fill: 0.9, count: 100 },
  {
    ...plain,
    name: "8x120 tight, 4 rules",
    hosts: 8,
    vms: 120,
    rules: 4,
    fill: 0.95,
    strict: 0.3,
    count: 60,
  },
  {
    ...plain,
    name: "8x120 unequal, pins",
    hosts: 8,
    vms: 120,
    rules: 2,
    unequal: true,
    hard: true,
    count: 60,
  },
  {
    ...plain,
    name: "8x120 impossible",
    hosts: 8,
    vms: 120,
    rules: 3,
    unequal: true,
    fill: 0.93,
    strict: 0.2,
    hard: true,
    count: 20,
    solved: 4,
  },
  {
    ...plain,
    name: "16x400 tight, 4 rules",
    hosts: 16,
    vms: 400,
    rules: 4,
    fill: 0.95,
    strict: 0.3,
    count: 40,
    solved: 0,
  },
  {
    ...plain,
    name: "16x400 unequal, pins",
    hosts: 16,
    vms: 400,
    rules: 2,
    unequal: true,
    hard: true,
    count: 40,
    solved: 0,
  },
  { ...plain, name: "64x2400, 1 rule", hosts: 64, vms: 2400, count: 40, solved: 0 },
  { ...plain, name: "64x2400, 4 rules", hosts: 64, vms: 2400, rules: 4, fill: 0.9, count: 20, solved: 0 },
  {
    ...plain,
    name: "64x2400 tight, 4 rules",
    hosts: 64,
    vms: 2400,
    rules: 4,
    fill: 0.95,
    strict: 0.3,
    count: 10,
    solved: 0,
  },
  { ...plain, name: "64x2400 unequal, 1 rule", hosts: 64, vms: 2400, unequal: true, count: 20, solved: 0 },
  { ...plain, name: "500x20000, 1 rule", hosts: 500, vms: 20_000, count: 3, solved: 0 },
];
