package payments

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// ErrNoPayment says that there is no payment of an id.
var ErrNoPayment = errors.New("no such payment")

// historyPage bounds the rows of stream_log that are read at once.
const historyPage = 200

// History calls f with every event that changed a payment, in order, as it was published. Commands that were refused
// changed nothing and are left out.
func History(ctx context.Context, pool *pgxpool.Pool, paymentID string, f func(*topics.PaymentEvent) error) error {
	id, err := topics.ParsePaymentID(paymentID)
	if err != nil {
		return err
	}
	var positions []int64
	err = pool.QueryRow(ctx, `SELECT positions FROM payments WHERE partition = $1 AND id = $2`, id.Partition, id.UUID).Scan(&positions)
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("payment %s: %w", paymentID, ErrNoPayment)
	}
	if err != nil {
		return fmt.Errorf("payment %s: %w", paymentID, err)
	}
	frames, err := stream.NewFrames(Role)
	if err != nil {
		return err
	}
	for len(positions) > 0 {
		n := min(len(positions), historyPage)
		if err := historyOf(ctx, pool, frames, id, positions[:n], f); err != nil {
			return fmt.Errorf("payment %s: %w", paymentID, err)
		}
		positions = positions[n:]
	}
	return nil
}

func historyOf(ctx context.Context, pool *pgxpool.Pool, frames *stream.Frames, id topics.PaymentID, positions []int64,
	f func(*topics.PaymentEvent) error) error {
	rows, err := pool.Query(ctx, `SELECT position, frame FROM stream_log
WHERE partition = $1 AND role = $2 AND position = ANY($3::int8[]) ORDER BY position`, id.Partition, Role, positions)
	if err != nil {
		return err
	}
	subject := id.String()
	var position int64
	var frame []byte
	found := 0
	_, err = pgx.ForEachRow(rows, []any{&position, &frame}, func() error {
		found++
		_, outputs, err := frames.Decode(id.Partition, position, frame)
		if err != nil {
			return err
		}
		for i := range outputs {
			if outputs[i].Topic != topics.Events || outputs[i].Envelope.Subject != subject {
				continue
			}
			var e topics.PaymentEvent
			if err := topics.Unmarshal(outputs[i].Value, &e); err != nil {
				return fmt.Errorf("event %s: %w", outputs[i].Envelope.ID, err)
			}
			if err := f(&e); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && found != len(positions) {
		err = fmt.Errorf("%d of %d records are in the log; weir fsck tells which are missing", found, len(positions))
	}
	return err
}
