/**
 * Every metric that the programs write: name, kind, help and labels in one table. A name has one HELP and TYPE in all files,
 * as node_exporter wants it. Pure.
 */

/** Labels are of bounded sets: pools, hosts of a pool, and words that the programs know. No VM has a series. */
export interface Family {
  readonly type: "gauge" | "counter";
  readonly help: string;
  readonly labels: readonly string[];
}

const each = ["pool", "program"];

/** A metric of the table. */
export type FamilyName = `xcp_balance_${string}`;

export const families: Readonly<Record<FamilyName, Family>> = {
  xcp_balance_build_info: {
    type: "gauge",
    help: "The version that wrote this file; always 1.",
    labels: [...each, "version"],
  },
  xcp_balance_last_attempt_timestamp_seconds: {
    type: "gauge",
    help: "When the last run ended, whatever came of it.",
    labels: each,
  },
  xcp_balance_last_success_timestamp_seconds: {
    type: "gauge",
    help: "When the last run ended that did its work (done, nothing to do, or observed).",
    labels: each,
  },
  xcp_balance_last_run_duration_seconds: { type: "gauge", help: "How long the last run took.", labels: each },
  xcp_balance_last_run_exit_code: { type: "gauge", help: "The exit code of the last run.", labels: each },
  xcp_balance_runs_total: {
    type: "counter",
    help: "Runs by what came of them.",
    labels: [...each, "outcome"],
  },

  xcp_balance_pool_info: { type: "gauge", help: "The pool's name; always 1.", labels: ["pool", "name"] },
  xcp_balance_snapshot_timestamp_seconds: {
    type: "gauge",
    help: "When the stored collection began.",
    labels: ["pool"],
  },
  xcp_balance_snapshot_complete: {
    type: "gauge",
    help: "1 when enough of the pool was read for xcp-control to act on it, else 0.",
    labels: ["pool"],
  },
  xcp_balance_hosts: {
    type: "gauge",
    help: "Hosts of the pool by whether they were read.",
    labels: ["pool", "state"],
  },
  xcp_balance_vms: {
    type: "gauge",
    help: "Running virtual machines, control domains not counted.",
    labels: ["pool"],
  },
  xcp_balance_records_unreadable: {
    type: "gauge",
    help: "Records of the pool that make no sense.",
    labels: ["pool"],
  },
  xcp_balance_clock_skew_seconds: {
    type: "gauge",
    help: "How far the pool's clock is ahead of the database's.",
    labels: ["pool"],
  },
  xcp_balance_host_info: {
    type: "gauge",
    help: "The host's name; always 1.",
    labels: ["pool", "host", "name"],
  },
  xcp_balance_host_cpu_ratio: {
    type: "gauge",
    help: "CPU in use on the host, 0 to 1.",
    labels: ["pool", "host"],
  },
  xcp_balance_host_memory_total_bytes: {
    type: "gauge",
    help: "Memory of the host.",
    labels: ["pool", "host"],
  },
  xcp_balance_host_memory_free_bytes: {
    type: "gauge",
    help: "Free memory of the host.",
    labels: ["pool", "host"],
  },
  xcp_balance_host_vms: {
    type: "gauge",
    help: "Running virtual machines on the host, its control domain not counted.",
    labels: ["pool", "host"],
  },
  xcp_balance_host_certificate_end_timestamp_seconds: {
    type: "gauge",
    help: "When the certificate ends that the host shows, trusted or not.",
    labels: ["pool", "host"],
  },

  xcp_balance_host_vm_score: {
    type: "gauge",
    help: "Share of the CPU that the host's virtual machines wanted in the last hour that they got, 0 to 100.",
    labels: ["pool", "host"],
  },
  xcp_balance_vm_score_lowest: {
    type: "gauge",
    help: "The lowest score of a virtual machine: the share of the CPU it wanted in the last hour that it got, 0 to 100.",
    labels: ["pool"],
  },
  xcp_balance_vms_short_of_cpu: {
    type: "gauge",
    help: "Virtual machines whose score is below 95.",
    labels: ["pool"],
  },

  xcp_balance_control_info: {
    type: "gauge",
    help: "Whether control acts or observes; always 1.",
    labels: ["pool", "mode"],
  },
  xcp_balance_hosts_suspect: {
    type: "gauge",
    help: "Hosts whose figures are not believed.",
    labels: ["pool"],
  },
  xcp_balance_rule_violations: {
    type: "gauge",
    help: "Pairs of a host and a rule that it breaks.",
    labels: ["pool"],
  },
  xcp_balance_moves_planned: { type: "gauge", help: "Moves of the last plan.", labels: ["pool"] },
  xcp_balance_migrations_total: {
    type: "counter",
    help: "Migrations of xcp-control by how they ended.",
    labels: ["pool", "result"],
  },
  xcp_balance_migrated_bytes_total: {
    type: "counter",
    help: "Memory of the virtual machines that were migrated.",
    labels: ["pool"],
  },
  xcp_balance_migration_seconds_total: {
    type: "counter",
    help: "Time that successful migrations took.",
    labels: ["pool"],
  },
  xcp_balance_migrations_open: {
    type: "gauge",
    help: "Migrations that no run has closed.",
    labels: ["pool"],
  },
  xcp_balance_vms_contended: {
    type: "gauge",
    help: "Virtual machines that came back within the last day to a host that control had moved them from.",
    labels: ["pool"],
  },
  xcp_balance_refusals_total: {
    type: "counter",
    help: "Runs that a gate refused, by gate.",
    labels: ["pool", "gate"],
  },
  xcp_balance_breaker_open: {
    type: "gauge",
    help: "1 while failed migrations keep control from acting.",
    labels: ["pool"],
  },
  xcp_balance_breaker_trips: {
    type: "gauge",
    help: "Times the breaker opened since it was acknowledged.",
    labels: ["pool"],
  },
  xcp_balance_paused: {
    type: "gauge",
    help: "1 while an administrator has paused control.",
    labels: ["pool"],
  },
  xcp_balance_lease_held: { type: "gauge", help: "1 while a run holds the lease.", labels: ["pool"] },
  xcp_balance_lease_taken_timestamp_seconds: {
    type: "gauge",
    help: "When a run took the lease last.",
    labels: ["pool"],
  },

  xcp_balance_wlb_started_timestamp_seconds: {
    type: "gauge",
    help: "When xcp-wlb was started.",
    labels: ["listen"],
  },
  xcp_balance_wlb_written_timestamp_seconds: {
    type: "gauge",
    help: "When xcp-wlb wrote this file; four times a minute while it runs.",
    labels: ["listen"],
  },
  xcp_balance_wlb_certificate_end_timestamp_seconds: {
    type: "gauge",
    help: "When the certificate of xcp-wlb ends.",
    labels: ["listen"],
  },
  xcp_balance_wlb_requests_total: {
    type: "counter",
    help: "Requests of pools since the start of xcp-wlb, by what came of them.",
    labels: ["listen", "method", "result"],
  },
  xcp_balance_wlb_request_seconds_total: {
    type: "counter",
    help: "Time that these requests took, without their TLS.",
    labels: ["listen", "method"],
  },
  xcp_balance_wlb_slow_requests_total: {
    type: "counter",
    help: "Those of them that took longer than 0.1 s.",
    labels: ["listen", "method"],
  },
  xcp_balance_wlb_failed_logins_total: {
    type: "counter",
    help: "Wrong users and passwords since the start of xcp-wlb.",
    labels: ["listen"],
  },
  xcp_balance_wlb_lockouts_total: {
    type: "counter",
    help: "Times that an address was locked out since the start of xcp-wlb.",
    labels: ["listen"],
  },
  xcp_balance_wlb_addresses_locked_out: {
    type: "gauge",
    help: "Addresses that are locked out.",
    labels: ["listen"],
  },
  xcp_balance_wlb_connected: {
    type: "gauge",
    help: "1 while the pool is connected to xcp-wlb, else 0.",
    labels: ["pool"],
  },
  xcp_balance_wlb_picture_timestamp_seconds: {
    type: "gauge",
    help: "When the collection began that xcp-wlb answers by.",
    labels: ["pool"],
  },
  xcp_balance_wlb_recommendations: {
    type: "gauge",
    help: "Moves and hosts to switch in the plan that xcp-wlb recommends.",
    labels: ["pool"],
  },
};

/** One value; labels in the order of the family. */
export interface MetricSample {
  readonly name: FamilyName;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}
