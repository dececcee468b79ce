import { describe, expect, it } from "vitest";
import { backoffMs, remedyFor } from "../../src/store/retry.ts";

describe("the remedy for a failed statement", () => {
  it.each([
    [1213, "again"],
    [1205, "again"],
    [1020, "again"],
    [1047, "elsewhere"],
    [1290, "elsewhere"],
    [1792, "elsewhere"],
    [1836, "elsewhere"],
    [3100, "elsewhere"],
    [1180, "unknown"],
    [1053, "reconnect"],
    [1142, "never"],
    [1062, "never"],
    [1153, "never"],
    [1969, "never"],
    [3024, "never"],
  ])("is for error number %i: %s", (errno, remedy) => {
    expect(remedyFor({ errno }, false)).toBe(remedy);
  });

  it("does not believe the driver's name where there is a number", () => {
    expect(remedyFor({ errno: 4025, code: "ER_LOCK_DEADLOCK" }, false)).toBe("never");
  });

  it.each([
    "PROTOCOL_CONNECTION_LOST",
    "ECONNRESET",
    "ECONNREFUSED",
    "ETIMEDOUT",
    "PROTOCOL_SEQUENCE_TIMEOUT",
  ])("is to reconnect for %s", (code) => {
    expect(remedyFor({ code }, false)).toBe("reconnect");
  });

  it("is to reconnect for the driver's nameless error on a closed connection", () => {
    expect(remedyFor({ fatal: true }, false)).toBe("reconnect");
  });

  it("is never to repeat what nobody knows", () => {
    expect(remedyFor({}, false)).toBe("never");
  });

  it("is to look first when the connection or the quorum was lost during COMMIT", () => {
    expect(remedyFor({ code: "PROTOCOL_CONNECTION_LOST" }, true)).toBe("unknown");
    expect(remedyFor({ fatal: true }, true)).toBe("unknown");
    expect(remedyFor({ errno: 1047 }, true)).toBe("unknown");
    expect(remedyFor({ errno: 1180 }, true)).toBe("unknown");
  });

  it("is to run again when Galera refuses at COMMIT: that one certainly did not happen", () => {
    expect(remedyFor({ errno: 1213 }, true)).toBe("again");
  });
});

describe("the wait before a retry", () => {
  it("grows up to 200 ms, 400 ms, 800 ms ... and never beyond 5 s", () => {
    const longest = [1, 2, 3, 4, 5, 6, 20].map((retry) => backoffMs(retry, () => 0.999999));
    expect(longest).toEqual([199, 399, 799, 1599, 3199, 4999, 4999]);
  });

  it("may be nothing at all", () => {
    expect(backoffMs(3, () => 0)).toBe(0);
  });
});
