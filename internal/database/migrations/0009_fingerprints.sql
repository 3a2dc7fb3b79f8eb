-- +goose Up
-- A command id is one of its tenant's, and asks for one thing: the same id in another scope is another command, and with
-- another fingerprint it is refused. 0, in both, is what was remembered before: it stands for any. The table is made anew,
-- for its key and for the order of its columns: the scope takes no space, where alignment had left a gap.
CREATE TABLE scoped_inputs (
    partition   int4 NOT NULL,
    scope       int4 NOT NULL DEFAULT 0, -- hash of the tenant, and whether the id is a command's or a webhook fact's
    id          uuid NOT NULL,
    position    int8 NOT NULL,
    fingerprint int8 NOT NULL DEFAULT 0, -- of what the command asks for; 0: not known, or a webhook's
    PRIMARY KEY (partition, id, scope)
);
INSERT INTO scoped_inputs (partition, id, position) SELECT partition, id, position FROM applied_inputs
ORDER BY partition, id;
DROP TABLE applied_inputs;
ALTER TABLE scoped_inputs RENAME TO applied_inputs;

-- +goose Down
CREATE TABLE plain_inputs (
    partition int4 NOT NULL,
    id        uuid NOT NULL,
    position  int8 NOT NULL,
    PRIMARY KEY (partition, id)
);
INSERT INTO plain_inputs (partition, id, position) SELECT partition, id, max(position) FROM applied_inputs GROUP BY partition, id;
DROP TABLE applied_inputs;
ALTER TABLE plain_inputs RENAME TO applied_inputs;
