-- What an agent writes after a call, and during it. `summary` is a JSON object with situation,
-- tried and outcome; `ticket` the reference that the ticket system gave.
ALTER TABLE wrap_ups ADD COLUMN summary TEXT;
ALTER TABLE wrap_ups ADD COLUMN notes TEXT;
ALTER TABLE wrap_ups ADD COLUMN machine_right INTEGER;
ALTER TABLE wrap_ups ADD COLUMN ticket TEXT;
