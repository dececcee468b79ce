/** Certificates that the pool trusts when it calls others, such as its workload balancing server. */
import { X509Certificate } from "node:crypto";
import type { PoolModel } from "../metrics/model.ts";
import type { MessageCall, MessageDefinition } from "../objects/contract.ts";
import type { SimValue } from "../objects/datamodel.ts";
import { SimFailure } from "../server/failure.ts";

/** All of them by name; the older names stand beside those of today. */
export function certificateMessages(model: PoolModel): [string, MessageDefinition][] {
  const define = (
    name: string,
    params: readonly string[],
    handle: (call: MessageCall) => SimValue,
  ): [string, MessageDefinition] => [
    `pool.${name}`,
    { params, minArgs: Math.min(params.length, 2), async: true, result: "void", handle },
  ];
  const installs = ({ args }: MessageCall) => install(model, String(args[0]), String(args[1]));
  const uninstalls = ({ args }: MessageCall) => uninstall(model, String(args[0]));
  return [
    define("install_ca_certificate", ["string", "string"], installs),
    define("certificate_install", ["string", "string"], installs),
    define("uninstall_ca_certificate", ["string"], uninstalls),
    define("certificate_uninstall", ["string"], uninstalls),
    define("certificate_sync", [], () => ""),
  ];
}

function install({ db, wlb }: PoolModel, name: string, pem: string): SimValue {
  if (!/^[\w.-]+$/.test(name) || name.startsWith("."))
    throw new SimFailure("CERTIFICATE_NAME_INVALID", [name]);
  if (wlb.authorities.has(name)) throw new SimFailure("CERTIFICATE_ALREADY_EXISTS", [name]);
  const parsed = parse(name, pem);
  wlb.authorities.set(name, pem);
  db.create("Certificate", {
    name,
    type: "ca",
    not_before: new Date(parsed.validFrom),
    not_after: new Date(parsed.validTo),
    fingerprint: parsed.fingerprint256,
    fingerprint_sha256: parsed.fingerprint256,
    fingerprint_sha1: parsed.fingerprint,
  });
  return "";
}

function parse(name: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new SimFailure("CERTIFICATE_CORRUPT", [name]);
  }
}

function uninstall({ db, wlb }: PoolModel, name: string): SimValue {
  if (!wlb.authorities.delete(name)) throw new SimFailure("CERTIFICATE_DOES_NOT_EXIST", [name]);
  for (const ref of db.all("Certificate"))
    if (db.text("Certificate", ref, "name") === name) db.destroy("Certificate", ref);
  return "";
}
