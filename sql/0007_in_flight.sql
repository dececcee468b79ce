-- Where a VM is just being migrated to, whoever began it; NULL where it is not. Plans count it as arrived.
ALTER TABLE VmDetail ADD COLUMN MigratingTo CHAR(36) CHARACTER SET ascii COLLATE ascii_general_ci;
