/** The texts of the reports' labels. Pure. */

const common = {
  LBL_FOOTER_LEFT: "xcp-balance",
  LBL_FOOTER_PAGE: "Page {0} of {1}",
};

const thresholds = {
  LBL_AVG_CRIT_THRESH: "Critical threshold",
  LBL_AVG_HIGH_THRESH: "High threshold",
  LBL_AVG_MED_THRESH: "Medium threshold",
  LBL_AVG_LOW_THRESH: "Low threshold",
};

const averages = {
  LBL_AVERAGE_CPU_USAGE: "Average CPU usage",
  LBL_AVERAGE_FREE_MEMORY: "Average free memory",
  LBL_AVERAGE_NETWORK_READS: "Average network reads",
  LBL_AVERAGE_NETWORK_WRITES: "Average network writes",
  LBL_AVG_CPU_USAGE: "CPU usage",
  LBL_AVG_CPU_USAGE_PERCENT: "CPU usage (%)",
  LBL_AVG_FREE_MEMORY: "Free memory",
  LBL_AVG_FREE_MEMORY_MB: "Free memory (MB)",
  LBL_AVG_NETWORK_READS: "Network reads",
  LBL_AVG_NETWORK_WRITES: "Network writes",
  LBL_AVG_BYTES_PER_SECOND: "Bytes per second",
  ...thresholds,
  LBL_CLICK_GROUPBY_DAY: "Click to group by day",
  LBL_CLICK_GROUPBY_HOUR: "Click to group by hour",
};

/** By report. */
export const reportLabels: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  pool_health: {
    ...common,
    LBL_POOL_HEALTH: "Pool health",
    LBL_HOST: "Host",
    LBL_HOST_HEALTH: "Host health",
    LBL_CPU_USAGE: "CPU usage",
    LBL_MEMORY_USAGE: "Memory usage",
    LBL_NETWORK_READS: "Network reads",
    LBL_NETWORK_WRITES: "Network writes",
    LBL_AVG_CRIT_THRESH_PERCENT: "Critical (% of the time)",
    LBL_AVG_HIGH_THRESH_PERCENT: "High (% of the time)",
    LBL_AVG_MED_THRESH_PERCENT: "Medium (% of the time)",
    LBL_AVG_LOW_THRESH_PERCENT: "Low (% of the time)",
  },
  pool_health_history: { ...common, LBL_POOL_HEALTH_HISTORY: "Pool health history", ...averages },
  host_health_history: { ...common, LBL_HOST_HEALTH_HISTORY: "Host health history", ...averages },
  optimization_performance_history: {
    ...common,
    LBL_POOL_OPT_PERF_HISTORY: "Optimisation performance history",
    LBL_OPTIMIZATION_EVENT: "Optimisations",
    ...averages,
  },
  vm_movement_history: {
    ...common,
    LBL_VM_MOTION_HISTORY: "VM motion history",
    LBL_DATE: "Date",
    LBL_TIME: "Time",
    LBL_VM_NAME: "VM",
    LBL_FROM_HOST: "From",
    LBL_TO_HOST: "To",
    LBL_OPTIMIZATION: "Optimisation",
    LBL_REASON: "Reason",
    LBL_TOTAL_VM_MOVES: "Moves in all",
  },
  vm_performance_history: {
    ...common,
    LBL_VM_PERF_HISTORY: "VM performance history",
    LBL_VM: "VM",
    LBL_AVERAGE_CPU_USAGE: "Average CPU usage",
    LBL_AVERAGE_MEMORY_USAGE: "Average memory usage",
    LBL_AVERAGE_NETWORK_ACTIVITY: "Average network activity",
    LBL_AVERAGE_DISK_ACTIVITY: "Average disk activity",
    LBL_AVG_CPU_USAGE: "CPU usage",
    LBL_AVG_CPU_USAGE_PERCENT: "CPU usage (%)",
    LBL_AVG_FREE_MEMORY: "Free memory",
    LBL_AVG_FREE_MEMORY_MB: "Free memory (MB)",
    LBL_AVG_NETWORK_READS: "Network reads",
    LBL_AVG_NETWORK_WRITES: "Network writes",
    LBL_AVG_NETWORK_READS_BPS: "Network reads (bytes/s)",
    LBL_AVG_NETWORK_WRITES_BPS: "Network writes (bytes/s)",
    LBL_AVG_DISK_READS: "Disk reads",
    LBL_AVG_DISK_WRITES: "Disk writes",
    LBL_DISK_READS_BPS: "Disk reads (bytes/s)",
    LBL_DISK_WRITES_BPS: "Disk writes (bytes/s)",
    LBL_BPS: "Bytes per second",
    LBL_MB: "MB",
    LBL_PERCENT: "%",
  },
};
