package payments

import (
	"context"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// TestSweepForgetsOldInputs fills a log of 60 days, one record a day, and sweeps.
func TestSweepForgetsOldInputs(t *testing.T) {
	db := databasetest.New(t)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const days, first = 60, 17 // positions begin at 17 and every second one published nothing
	fill(t, db.Pool, now, days, first)
	program, err := New(Config{Pool: db.Pool, Partitions: 1, Limits: lifecycle.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	state, err := program.Open(t.Context(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	sweep := sweeper{partition: state.(*partition)}
	for range 3 {
		if err := sweep.step(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		now = now.Add(sweepInterval)
	}
	var oldest int64
	var left int
	if err := db.Pool.QueryRow(t.Context(), `SELECT min(position), count(*) FROM applied_inputs`).Scan(&oldest, &left); err != nil {
		t.Fatal(err)
	}
	// Kept are today and 31 days, the horizon and its margin.
	if want := int64(first + 2*(days-32)); oldest != want || left != 32 {
		t.Fatalf("oldest position %d and %d rows, want %d and 32", oldest, left, want)
	}
}

func fill(t *testing.T, pool *pgxpool.Pool, now time.Time, days, first int) {
	t.Helper()
	frames, err := stream.NewFrames(Role)
	if err != nil {
		t.Fatal(err)
	}
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := pool.Exec(context.Background(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	for day := range days {
		position := int64(first + 2*day)
		frame, err := frames.Encode(now.AddDate(0, 0, day-days+1), []stream.Output{{Topic: topics.Events, Value: []byte("{}")}})
		if err != nil {
			t.Fatal(err)
		}
		exec(`INSERT INTO stream_log (partition, role, position, frame) VALUES (0, $1, $2, $3)`, Role, position, frame)
		exec(`INSERT INTO applied_inputs (partition, id, position) VALUES (0, $1, $2)`, uuid.Must(uuid.NewV4()), position)
	}
}
