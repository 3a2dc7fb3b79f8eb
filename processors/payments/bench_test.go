package payments_test

import (
	"fmt"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// BenchmarkFold is complete payments with automatic capture through the fold and the database: a batch of commands, then
// the batch of their results, each in one transaction with the log. It reports bytes in every table for each payment.
func BenchmarkFold(b *testing.B) {
	const batch = 500
	db := databasetest.New(b)
	in := newInbox(b, db, newProgram(b, db, 1, nil), 0)
	frames, err := stream.NewFrames(payments.Role)
	if err != nil {
		b.Fatal(err)
	}
	total := 0
	for b.Loop() {
		for range batch {
			total++
			in.put(topics.TypeAssessedCommand, benchCommand(total))
		}
		requests := outputsOf[topics.PSPRequest](b, foldLogged(b, in, frames), topics.PSPRequests)
		for i := range requests {
			in.put(topics.TypePSPReport, approved(&requests[i], true))
		}
		foldLogged(b, in, frames)
	}
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "payments/s")
	for _, table := range []string{"payments", "stream_log", "applied_inputs", "timers", "entries", "accounts"} {
		b.ReportMetric(float64(sizeOf(b, db, table))/float64(total), table+"-B")
	}
}

func benchCommand(n int) *topics.AssessedCommand {
	v7 := uuid.Must(uuid.NewV7())
	c := create(n, fmt.Sprintf("customer_%08d", n%10_000), topics.CaptureAutomatic)
	c.Command.CommandID, c.Decision.CommandID = v7.String(), v7.String()
	c.Command.Region, c.Command.TraceID, c.Command.MerchantReference = "eu", "4bf92f3577b34da6a3ce929d0e0e4736", "order-2026-000123"
	c.Command.Card = &topics.Card{Token: "tok_8a1f0c2d", Fingerprint: "fp_91c4e7", BIN: "411111", Last4: "1111", Scheme: "visa", Type: "credit", Country: "DE"}
	c.Decision.RuleSet = "9f86d081884c7d659a2feaa0c55ad015"
	c.Decision.Rules = []topics.RuleResult{{Rule: "velocity_card", Result: topics.RuleHit, Outcome: topics.OutcomePass}}
	return c
}

// foldLogged folds what is pending in one transaction, with the log that the runtime writes, and returns the outputs.
func foldLogged(b *testing.B, in *inbox, frames *stream.Frames) []stream.Output {
	b.Helper()
	records := in.pending
	in.pending = nil
	if err := in.state.Load(b.Context(), records); err != nil {
		b.Fatal(err)
	}
	var all []stream.Output
	positions, rows := make([]int64, len(records)), make([][]byte, len(records))
	for i, r := range records {
		outputs, dead := in.state.Apply(r)
		if dead != nil {
			b.Fatal(dead.Detail)
		}
		frame, err := frames.Encode(r.Time, outputs)
		if err != nil {
			b.Fatal(err)
		}
		positions[i], rows[i] = r.Position, frame
		all = append(all, outputs...)
	}
	err := in.db.InTx(b.Context(), func(tx pgx.Tx) error {
		var batch pgx.Batch
		batch.Queue(`INSERT INTO stream_log (partition, role, position, frame)
SELECT 0, $1, l.position, l.frame FROM unnest($2::int8[], $3::bytea[]) AS l (position, frame)`, payments.Role, positions, rows)
		in.state.Write(&batch)
		return tx.SendBatch(b.Context(), &batch).Close()
	})
	if err != nil {
		b.Fatal(err)
	}
	in.state.Written()
	return all
}

func sizeOf(b *testing.B, db *database.DB, table string) (bytes int64) {
	b.Helper()
	if db.Dialect != database.PostgreSQL {
		return 0
	}
	if err := db.Pool.QueryRow(b.Context(), `SELECT pg_total_relation_size($1::text::regclass)`, table).Scan(&bytes); err != nil {
		b.Fatal(err)
	}
	return bytes
}
