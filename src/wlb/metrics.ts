/** The metrics of xcp-wlb: no run that ends, so the file is written again and again. */
import type { MetricSample } from "../metrics/families.ts";
import type { LoginCounts } from "./gatekeeper.ts";
import type { Meters } from "./meters.ts";
import type { PoolView } from "./view.ts";

/** How often; alerts wait for several of these. */
export const metricsEveryMs = 15_000;

export interface MetricsInput {
  /** Where it listens: several of them on one machine differ by that. */
  readonly listen: string;
  readonly version: string;
  readonly startedAt: Date;
  readonly now: Date;
  readonly certificateEnd: Date;
  readonly meters: Meters;
  readonly logins: LoginCounts & { readonly lockedOut: number };
  readonly views: readonly Pick<PoolView, "pool" | "status" | "plan" | "ageSeconds">[];
}

/** Everything that is told, as samples. Pure. */
export function wlbSamples(input: MetricsInput): readonly MetricSample[] {
  const { listen, now, meters, logins } = input;
  const labels = { listen };
  const one = (name: MetricSample["name"], value: number): MetricSample => ({ name, labels, value });
  return [
    one("xcp_balance_wlb_started_timestamp_seconds", seconds(input.startedAt)),
    one("xcp_balance_wlb_written_timestamp_seconds", seconds(now)),
    one("xcp_balance_wlb_certificate_end_timestamp_seconds", seconds(input.certificateEnd)),
    one("xcp_balance_wlb_failed_logins_total", logins.failures),
    one("xcp_balance_wlb_lockouts_total", logins.lockouts),
    one("xcp_balance_wlb_addresses_locked_out", logins.lockedOut),
    ...[...meters.counts].flatMap(([method, { byResult, seconds: took, slow }]): MetricSample[] => [
      ...Object.entries(byResult).map(
        ([result, value]): MetricSample => ({
          name: "xcp_balance_wlb_requests_total",
          labels: { listen, method, result },
          value,
        }),
      ),
      { name: "xcp_balance_wlb_request_seconds_total", labels: { listen, method }, value: took },
      { name: "xcp_balance_wlb_slow_requests_total", labels: { listen, method }, value: slow },
    ]),
    ...input.views.flatMap((view) => poolSamples(view, input)),
  ];
}

function poolSamples(view: MetricsInput["views"][number], { now, version }: MetricsInput): MetricSample[] {
  const { pool, status, plan } = view;
  if (pool === null) return [];
  const labels = { pool };
  return [
    { name: "xcp_balance_build_info", labels: { pool, program: "xcp-wlb", version }, value: 1 },
    { name: "xcp_balance_wlb_connected", labels, value: status?.bound?.pool === pool ? 1 : 0 },
    { name: "xcp_balance_wlb_picture_timestamp_seconds", labels, value: seconds(now) - view.ageSeconds() },
    { name: "xcp_balance_wlb_recommendations", labels, value: plan?.advice.length ?? 0 },
  ];
}

function seconds(at: Date): number {
  return at.getTime() / 1000;
}
