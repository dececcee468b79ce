-- Whether the pause also has running migrations cancelled (PAUSE CONTROL NOW); a pause of before lets them go on.
ALTER TABLE Pause ADD COLUMN CancelRunning BOOLEAN NOT NULL DEFAULT FALSE;
