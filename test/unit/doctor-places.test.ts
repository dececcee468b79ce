/** Where doctor looks for what the package's units keep. */
import { expect, it } from "vitest";
import { unitFolder } from "../../src/doctor/checks/wlb.ts";

it("knows the folder that the unit of xcp-wlb keeps a pool's keys in, of the pools of /etc/xcp-balance alone", () => {
  expect(unitFolder("/etc/xcp-balance/main/wlb.settings")).toBe("/var/lib/xcp-balance/wlb/main");
  expect(unitFolder("/etc/xcp-balance/wlb.settings")).toBeNull();
  expect(unitFolder("/home/anna/main/wlb.settings")).toBeNull();
});
