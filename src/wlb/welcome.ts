/** What is printed when the server is up: its certificate, and the lines that connect a pool to it. Pure. */
import { certificateFiles } from "../program/rsaCertificate.ts";
import type { WlbSettings } from "../settings/types.ts";
import type { ServerCertificate } from "./certificate.ts";
import type { RunningTlsServer } from "./tlsServer.ts";

/** `server` is where it listens. */
export function welcomeLines(
  { address, port }: Pick<RunningTlsServer, "address" | "port">,
  { names, fingerprint, file, isNew, validTo }: ServerCertificate,
  { user }: Pick<WlbSettings, "user">,
): string[] {
  const [name = address] = names;
  return [
    `listening to ${address.includes(":") ? `[${address}]` : address}:${port}`,
    `certificate ${file}${isNew ? ", made just now" : ""}: for ${names.join(", ")}, until ${validTo.toISOString().slice(0, 10)}`,
    `SHA-256 ${fingerprint}`,
    "On the pool's master, with a copy of that file, for pools that verify certificates:",
    "  xe pool-install-ca-certificate filename=certificate.pem",
    "  xe pool-certificate-sync",
    "and to connect the pool (by a DNS name of the certificate, not by an address):",
    `  xe pool-initialize-wlb wlb_url=${name}:${port} wlb_username=${user} wlb_password=... xenserver_username=... xenserver_password=...`,
    "  xe pool-param-set wlb-enabled=true uuid=$(xe pool-list --minimal)",
  ];
}

/** What pools that verify would stumble over, each with the step that helps. */
export function certificateWarnings(
  { names, file, validTo }: Pick<ServerCertificate, "names" | "file" | "validTo">,
  { names: wanted, folder }: Pick<WlbSettings, "names" | "folder">,
  now: Date,
): string[] {
  const renew = `remove ${certificateFiles(folder).keyFile} and ${file} and start again: new ones are made, for the pools to install`;
  const lacking = wanted.filter((name) => !names.includes(name));
  return [
    ...(lacking.length === 0
      ? []
      : [
          `the certificate ${file} is for ${names.join(", ") || "no name"}, not for ${lacking.join(", ")} (WlbNames): ${renew}`,
        ]),
    ...(validTo > now
      ? []
      : [`the certificate ${file} ended on ${validTo.toISOString().slice(0, 10)}: ${renew}`]),
  ];
}
