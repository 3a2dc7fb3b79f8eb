package webhooks

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// databaseWithin is for one look at the database: a connection whose other end has fallen silent must not stop a partition.
const databaseWithin = 15 * time.Second

// rows are the table of parked webhooks. Each statement is a transaction of its own. A row is its partition's owner's; where
// two processes believe to be that for a moment, both may send its report, which the inbox takes once.
type rows struct{ pool *pgxpool.Pool }

// Parked is a webhook that waits for its payment to become known.
type Parked struct {
	ID       uuid.UUID
	PSP      string
	ParkedAt time.Time
	Due      time.Time
	Attempts int32
	Letter   topics.DeadLetter // what it becomes if that never happens
}

// Record is the webhook's record as it was.
func (p *Parked) Record() stream.Record {
	l := &p.Letter
	r := stream.Record{Partition: l.Partition, Position: l.Offset, Time: l.Time, Key: l.Key, Value: l.Value}
	for _, h := range l.Headers {
		r.Headers = append(r.Headers, topics.Header{Key: h.Key, Value: h.Value})
	}
	return r
}

// ParkedID names the row of a record: the same for the same record alone, whatever becomes of the topic's offsets.
func ParkedID(r stream.Record) uuid.UUID {
	h := sha256.New()
	place := binary.LittleEndian.AppendUint64(nil, uint64(r.Position))
	h.Write(binary.LittleEndian.AppendUint64(place, uint64(r.Time.UnixMilli())))
	h.Write(r.Value)
	return uuid.UUID(h.Sum(nil)[:16])
}

// aside is the dead letter of a record as a record of the dead-letter topic.
func aside(r stream.Record, reason stream.DeadLetter) (*kgo.Record, error) {
	original := &kgo.Record{Topic: topics.PSPWebhooks, Partition: r.Partition, Offset: r.Position, Timestamp: r.Time, Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		original.Headers = append(original.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return stream.Letter(Name, original, reason, topics.PSPWebhooksDeadLetters)
}

const (
	insertParked = `INSERT INTO parked_webhooks (partition, id, psp, parked_at, due, attempts, letter)
VALUES ($1, $2, $3, $4, $5, 0, $6) ON CONFLICT (partition, id) DO NOTHING`

	selectDue = `SELECT id, psp, parked_at, due, attempts, letter FROM parked_webhooks
WHERE partition = $1 AND due <= $2 ORDER BY due LIMIT $3`

	selectParked = `SELECT id, psp, parked_at, due, attempts, letter FROM parked_webhooks
WHERE partition = $1 AND id > $2 ORDER BY id LIMIT $3`

	deferParked = `UPDATE parked_webhooks SET due = $3, attempts = $4 WHERE partition = $1 AND id = $2`

	deleteParked = `DELETE FROM parked_webhooks WHERE partition = $1 AND id = $2`
)

// park keeps a record; fresh says that it was not kept before. It is there for certain where err is nil.
func (t rows) park(ctx context.Context, r stream.Record, psp, why string, now time.Time, wait time.Duration) (fresh bool, err error) {
	kept, err := aside(r, stream.DeadLetter{Reason: topics.RefusedUnknownPayment, Detail: why})
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, databaseWithin)
	defer cancel()
	tag, err := t.pool.Exec(ctx, insertParked, r.Partition, ParkedID(r), psp, now, now.Add(wait), kept.Value)
	if err != nil {
		return false, fmt.Errorf("park a webhook: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// due are rows of a partition that are to be tried again, the longest overdue first.
func (t rows) due(ctx context.Context, partition int32, now time.Time, limit int) ([]Parked, error) {
	return t.read(ctx, selectDue, partition, now, limit)
}

func (t rows) read(ctx context.Context, sql string, arguments ...any) ([]Parked, error) {
	ctx, cancel := context.WithTimeout(ctx, databaseWithin)
	defer cancel()
	result, _ := t.pool.Query(ctx, sql, arguments...)
	found, err := pgx.CollectRows(result, func(row pgx.CollectableRow) (p Parked, err error) {
		var letter []byte
		if err := row.Scan(&p.ID, &p.PSP, &p.ParkedAt, &p.Due, &p.Attempts, &letter); err != nil {
			return p, err
		}
		return p, topics.Unmarshal(letter, &p.Letter)
	})
	if err != nil {
		return nil, fmt.Errorf("read parked webhooks: %w", err)
	}
	return found, nil
}

func (t rows) send(ctx context.Context, changes *pgx.Batch) error {
	if changes.Len() == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, databaseWithin)
	defer cancel()
	return t.pool.SendBatch(ctx, changes).Close()
}

func (t rows) remove(ctx context.Context, partition int32, id uuid.UUID) error {
	ctx, cancel := context.WithTimeout(ctx, databaseWithin)
	defer cancel()
	_, err := t.pool.Exec(ctx, deleteParked, partition, id)
	return err
}

const pageParked = 500

// EachParked hands out what is parked in a partition, by id. An error of handle ends it and is returned.
func EachParked(ctx context.Context, pool *pgxpool.Pool, partition int32, handle func(*Parked) error) error {
	for last := uuid.Nil; ; {
		page, err := rows{pool}.read(ctx, selectParked, partition, last, pageParked)
		if err != nil {
			return err
		}
		for i := range page {
			if err := handle(&page[i]); err != nil {
				return err
			}
			last = page[i].ID
		}
		if len(page) < pageParked {
			return nil
		}
	}
}
