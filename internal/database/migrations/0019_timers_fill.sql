-- +goose Up
-- A timer is put off by its due time, which is in an index: the room that was left in the page for its new version was never used.
ALTER TABLE timers SET (fillfactor = 100);

-- +goose Down
ALTER TABLE timers SET (fillfactor = 50);
