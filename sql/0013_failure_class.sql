-- What a failed or refused migration says of: vm, pair, host, pool, path or later (docs/errors.md); NULL where it did neither.
ALTER TABLE Migration ADD COLUMN FailureClass VARCHAR(10) CHARACTER SET ascii COLLATE ascii_general_ci;
