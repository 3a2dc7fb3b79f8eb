package proof

import (
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/store"
	"github.com/weirhq/weir/topics"
)

// BenchmarkVerify verifies entries of two postings in two partitions.
func BenchmarkVerify(b *testing.B) {
	f := newFixture(b)
	const partitions, batches, size = 2, 200, 1000
	for partition := range int32(partitions) {
		writer := store.NewWriter(partition)
		entries := make([]ledger.Entry, size)
		for n := range int64(batches) {
			for i := range entries {
				e, err := ledger.DepositCaptured(ledger.Customer{Tenant: "acme", ID: "ana", Currency: "EUR"}, 1000, 0, ledger.Standing{})
				f.must(err)
				e.ID = ledger.EntryID{Partition: partition, Position: n*size + int64(i)}
				e.At, e.PaymentID = began.Add(time.Duration(n)*time.Second), topics.PaymentID{Partition: partition, UUID: uuid.UUID{0: byte(n), 15: byte(i)}}.String()
				entries[i] = e
			}
			var batch pgx.Batch
			writer.Queue(&batch, entries)
			f.must(f.db.InTx(b.Context(), func(tx pgx.Tx) error { return tx.SendBatch(b.Context(), &batch).Close() }))
		}
		f.exec(`INSERT INTO stream_positions (role, partition, next, base, topic_id, last_hash, format) VALUES ($1, $2, $3, 0, '', '', 1)`,
			role, partition, batches*size)
	}
	b.ReportAllocs()
	for b.Loop() {
		counts, err := Verify(b.Context(), Config{Database: f.db, Partition: AllPartitions})
		if err != nil || counts.Problems.Load() > 0 || counts.Entries.Load() != partitions*batches*size {
			b.Fatalf("%v, %s, %d problems", err, counts, counts.Problems.Load())
		}
	}
	b.ReportMetric(float64(partitions*batches*size*b.N)/b.Elapsed().Seconds(), "entries/s")
}
