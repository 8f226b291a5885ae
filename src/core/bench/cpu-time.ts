const NS_PER_US = 1000;

/** CPU time of the whole process so far, its helper threads (compiler, collector) included; ns. */
export function processCpuNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * NS_PER_US;
}

/** CPU time of this thread so far, ns. */
export function threadCpuNs(): number {
  // The system notes a thread's own time at its clock ticks, several ms apart; asking for the whole process brings it up to date.
  process.cpuUsage();
  const { user, system } = process.threadCpuUsage();
  return (user + system) * NS_PER_US;
}
