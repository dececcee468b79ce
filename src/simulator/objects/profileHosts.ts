/** What the hosts of a release say of their software. */

import type { PoolModel } from "../metrics/model.ts";
import { simMap } from "./datamodel.ts";
import type { ServerProfile } from "./profile.ts";

/** Versions of the parts by profile: platform, Xen, Linux, date of the build. */
const parts: Readonly<Record<string, readonly [platform: string, xen: string, linux: string, date: string]>> =
  {
    "xcp-1.1": ["1.1.0", "3.4.2", "2.6.32.12-0.7.1.xs1.1.0.327.170596xen", "2011-06-05"],
    "xenserver-6.0": ["1.4.90", "4.1.1", "2.6.32.12-0.7.1.xs6.0.0.529.170661xen", "2011-08-29"],
    "xcp-1.6": ["1.6.10", "4.1.3", "2.6.32.43-0.4.1.xs1.6.10.734.170748xen", "2012-11-20"],
    "xenserver-6.1": ["1.6.10", "4.1.3", "2.6.32.43-0.4.1.xs1.6.10.734.170748xen", "2012-09-01"],
    "xenserver-6.5": ["1.9.0", "4.4.1-xs90192", "3.10.0+2", "2014-12-05"],
    "xenserver-7.1": ["2.2.0", "4.7.1-xs139", "4.4.0+10", "2017-02-07"],
    "xcp-ng-8.2": ["3.2.1", "4.13.5-9.40", "4.19.0+1", "2023-10-18"],
    "xenserver-8": ["3.4.0", "4.17.4-2", "4.19.0+1", "2024-03-20"],
    "xcp-ng-8.3-ga": ["3.4.0", "4.17.5-3", "4.19.0+1", "2024-10-04"],
    "xcp-ng-8.3": ["3.4.0", "4.17.6-4", "4.19.0+1", "2026-08-21"],
  };

/** Writes the profile's versions into every host. */
export function dressHosts(model: PoolModel, profile: ServerProfile): void {
  const { release } = profile;
  for (const host of model.db.all("host")) {
    model.db.update("host", host, {
      API_version_major: release.apiMajor,
      API_version_minor: release.apiMinor,
      software_version: simMap(softwareVersion(profile)),
    });
  }
}

function softwareVersion({ name, release, xapi }: ServerProfile): [string, string][] {
  const { product, version, apiMajor, apiMinor } = release;
  const [platform = "", xen = "", linux = "", date = ""] = parts[name] ?? [];
  const short = version.split(".").slice(0, 2).join(".");
  const build: [string, string][] = xapi === null ? [] : [["xapi_build", xapi]];
  return [
    ["product_version", version],
    ["product_version_text", short],
    ["product_version_text_short", short],
    ["platform_name", "XCP"],
    ["platform_version", platform],
    ["product_brand", product],
    ["build_number", "release/simulated"],
    ["hostname", "localhost"],
    ["date", date],
    ["dbv", "0.0.1"],
    // Old xapis called themselves 1.3 for years.
    ["xapi", xapi === null ? "1.3" : xapi.split(".").slice(0, 2).join(".")],
    ...build,
    ["xen", xen],
    ["linux", linux],
    ["xencenter_min", `${apiMajor}.${apiMinor}`],
    ["xencenter_max", `${apiMajor}.${apiMinor}`],
    ["network_backend", "openvswitch"],
  ];
}
