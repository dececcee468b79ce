-- What a live migration shrinks a guest to; NULL where it does not.
ALTER TABLE VmDetail ADD COLUMN ShrinksToBytes BIGINT;
-- Clock rate of the host's CPUs in MHz; NULL where unknown.
ALTER TABLE HostDetail ADD COLUMN CpuMhz INT;
