/** How numbers are written: the only helpers of their kind. */
import { describe, expect, it } from "vitest";
import { bytes, figure, grouped, plural, span } from "../../src/text/format.ts";

const [mb, gb] = [1024 ** 2, 1024 ** 3];

describe("figures", () => {
  it.each([
    [figure(62.499), "62.5"],
    [figure(100), "100"],
    [figure(1 / 3, 1), "0.3"],
    [figure(-0.001), "0"],
    [grouped(1440), "1,440"],
    [grouped(1234.56, 1), "1,234.6"],
    [bytes(256 * mb), "256 MB"],
    [bytes(63.2 * gb), "63.2 GB"],
    [bytes(63 * gb, "MB"), "64512 MB"],
  ])("%s is written %s", (written, expected) => expect(written).toBe(expected));
});

describe("spans of time", () => {
  it.each([
    [0, "0 s", "0 s"],
    [119.4, "119 s", "119 s"],
    [120, "2 min", "2 min"],
    [200, "3 min 20 s", "3 min"],
    [3600, "1 h", "60 min"],
    [7500, "2 h 5 min", "2 h"],
    [90_000, "25 h", "25 h"],
    [356_400, "4 d 3 h", "4 d"],
    [Number.POSITIVE_INFINITY, "long", "long"],
  ])("%s s is %s, roughly %s", (seconds, fine, rough) => {
    expect(span(seconds)).toBe(fine);
    expect(span(seconds, "rough")).toBe(rough);
  });
});

describe("counted things", () => {
  it.each([
    [plural(1, "VM"), "1 VM"],
    [plural(0, "VM"), "0 VMs"],
    [plural(1, "host is", "hosts are"), "1 host is"],
    [plural(2, "host is", "hosts are"), "2 hosts are"],
    [plural(1440, "run", "runs", "1,440"), "1,440 runs"],
  ])("%s", (written, expected) => expect(written).toBe(expected));
});
