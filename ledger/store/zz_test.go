package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

func zentries(n int, base int64) []ledger.Entry {
	var out []ledger.Entry
	for i := range n {
		c := ledger.Customer{Tenant: "acme", ID: fmt.Sprintf("customer_%08d", (base+int64(i))%10000), Currency: "EUR"}
		e, err := ledger.DepositCaptured(c, 1000, 30, ledger.Standing{})
		if err != nil {
			panic(err)
		}
		var id [16]byte
		rand.Read(id[:])
		e.ID = ledger.EntryID{Position: base + int64(i), Partition: 1}
		e.PaymentID = topics.PaymentID{Partition: 1, UUID: id}.String()
		e.At = time.Now()
		out = append(out, e)
	}
	return out
}

func BenchmarkID(b *testing.B) {
	e := zentries(1, 0)[0]
	for b.Loop() {
		for i := range e.Postings {
			_ = e.Postings[i].Account.ID()
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	e := zentries(1, 0)[0]
	for b.Loop() {
		e.Validate()
	}
}

func BenchmarkQueueOnly(b *testing.B) {
	e := zentries(500, 0)
	w := NewWriter(1)
	b.ReportAllocs()
	for b.Loop() {
		var batch pgx.Batch
		w.Queue(&batch, e)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/entry")
}

func BenchmarkPgxEncode(b *testing.B) {
	e := zentries(500, 0)
	w := NewWriter(1)
	var batch pgx.Batch
	w.Queue(&batch, e)
	m := pgtype.NewMap()
	oids := []uint32{pgtype.Int4OID, pgtype.Int8ArrayOID, pgtype.Int2ArrayOID, pgtype.TimestamptzArrayOID, pgtype.UUIDArrayOID, pgtype.TextArrayOID,
		pgtype.UUIDArrayOID, pgtype.Int8ArrayOID, pgtype.UUIDArrayOID, pgtype.Int8ArrayOID, pgtype.UUIDArrayOID, pgtype.Int8ArrayOID}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = buf[:0]
		for i, a := range batch.QueuedQueries[0].Arguments {
			var err error
			buf, err = m.Encode(oids[i], 1, a, buf)
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/entry")
}

func BenchmarkBinaryEncode(b *testing.B) {
	e := zentries(500, 0)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = buf[:0]
		for i := range e {
			for j := range e[i].Postings {
				id := e[i].Postings[j].Account.ID()
				buf = binary.BigEndian.AppendUint32(buf, 16)
				buf = append(buf, id[:]...)
				buf = binary.BigEndian.AppendUint32(buf, 8)
				buf = binary.BigEndian.AppendUint64(buf, 17)
			}
			buf = binary.BigEndian.AppendUint64(buf, 17)
			buf = binary.BigEndian.AppendUint64(buf, 17)
			buf = binary.BigEndian.AppendUint64(buf, 17)
			buf = append(buf, e[i].Template...)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/entry")
}

func zconn(b testing.TB) *pgx.Conn {
	c, err := pgx.Connect(context.Background(), os.Getenv("ZURL"))
	if err != nil {
		b.Skip(err)
	}
	return c
}

func BenchmarkDB(b *testing.B) {
	c := zconn(b)
	ctx := context.Background()
	c.Exec(ctx, "truncate entries, accounts")
	w := NewWriter(1)
	n := int64(0)
	for b.Loop() {
		b.StopTimer()
		e := zentries(500, n)
		b.StartTimer()
		n += 500
		tx, err := c.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable})
		if err != nil {
			b.Fatal(err)
		}
		var batch pgx.Batch
		w.Queue(&batch, e)
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			b.Fatal(err)
		}
		if err := tx.Commit(ctx); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/entry")
	var t, i int64
	c.QueryRow(ctx, "select pg_table_size('entries'), pg_indexes_size('entries')").Scan(&t, &i)
	b.ReportMetric(float64(t)/float64(n), "tableB")
	b.ReportMetric(float64(i)/float64(n), "indexB")
}
