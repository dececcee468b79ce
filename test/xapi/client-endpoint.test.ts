import { expect, test } from "vitest";
import { parseEndpoint, siblingEndpoint } from "../../src/xapi/endpoint.ts";

test.each([
  ["https://10.0.0.1", "https://10.0.0.1", "10.0.0.1", 443],
  ["http://10.0.0.1/", "http://10.0.0.1", "10.0.0.1", 80],
  ["http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1", 8080],
  ["https://[fd00::1]:444", "https://[fd00::1]:444", "fd00::1", 444],
  ["https://Xen1.Example", "https://xen1.example", "xen1.example", 443],
])("%s is the member %s", (text, url, host, port) => {
  expect(parseEndpoint(text)).toEqual({ secure: url.startsWith("https"), url, host, port });
});

test.each([
  "10.0.0.1",
  "ftp://10.0.0.1",
  "https://",
  "https://a/b",
  "https://a?x=canary",
  "https://u:canary@a",
  "",
])("%s is refused as an address, without showing what may be secret", (text) => {
  expect(() => parseEndpoint(text)).toThrow(expect.objectContaining({ code: "settings" }));
  expect(() => parseEndpoint(text)).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining("canary") }),
  );
});

test.each([
  ["https://10.0.0.2:8443", "10.0.0.1", "https://10.0.0.1:8443"],
  ["http://10.0.0.2", "10.0.0.1", "http://10.0.0.1"],
  ["http://10.0.0.2", " 10.0.0.1 ", "http://10.0.0.1"],
  ["http://10.0.0.2", "10.0.0.1:8081", "http://10.0.0.1:8081"],
  ["https://10.0.0.2:8443", "fd00::1", "https://[fd00::1]:8443"],
  ["https://10.0.0.2", "[fd00::1]", "https://[fd00::1]"],
  ["https://10.0.0.2", "[fd00::1]:444", "https://[fd00::1]:444"],
  ["https://[fd00::2]", "xen-1.example.org", "https://xen-1.example.org"],
])("from %s, a slave's word %s leads to %s", (from, address, url) => {
  expect(siblingEndpoint(parseEndpoint(from), address, new Map())?.url).toBe(url);
});

test.each([
  "",
  "a b",
  "a/b",
  "user@host",
  "[10.0.0.1]",
  "[x]:1",
  "host:0",
  "host:70000",
  "host:x",
  "a\r\nHost: b",
  "é",
])("a slave's word %j leads nowhere", (address) => {
  expect(siblingEndpoint(parseEndpoint("https://10.0.0.2"), address, new Map())).toBeNull();
});
