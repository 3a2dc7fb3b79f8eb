package proof

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/chain"
	"github.com/weirhq/weir/ledger/store"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

var began = time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)

// fixture is a database as the engine leaves it, as far as the ledger goes, and what was signed of it.
type fixture struct {
	t        testing.TB
	db       *database.DB
	frames   *stream.Frames
	next     map[int32]int64
	signer   note.Signer
	verifier note.Verifier
	signed   []byte // checkpoints, one after the other
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{t: t, db: databasetest.New(t), next: map[int32]int64{}}
	var err error
	f.frames, err = stream.NewFrames(role)
	f.must(err)
	secret, public, err := note.GenerateKey(rand.Reader, "weir/test")
	f.must(err)
	f.signer, err = note.NewSigner(secret)
	f.must(err)
	f.verifier, err = note.NewVerifier(public)
	f.must(err)
	return f
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) exec(sql string, args ...any) {
	f.t.Helper()
	tag, err := f.db.Pool.Exec(f.t.Context(), sql, args...)
	f.must(err)
	if tag.RowsAffected() == 0 {
		f.t.Fatalf("%s: changed no row", sql)
	}
}

// deposit is the n-th entry of these tests: every third has an effective time and every second a reference.
func deposit(t testing.TB, n int64) ledger.Entry {
	t.Helper()
	c := ledger.Customer{Tenant: "acme", ID: fmt.Sprint("customer-", n%3), Currency: "EUR"}
	e, err := ledger.DepositCaptured(c, 10_000+n, 290, ledger.Standing{})
	if err != nil {
		t.Fatal(err)
	}
	if n%3 == 0 {
		e.Effective = began.Add(-time.Hour)
	}
	if n%2 == 0 {
		e.Reference = fmt.Sprint("round-", n)
	}
	return e
}

// book applies one record that books entries; without entries, one that publishes something else.
func (f *fixture) book(partition int32, entries ...ledger.Entry) {
	f.t.Helper()
	position := f.next[partition]
	f.next[partition]++
	at := began.Add(time.Duration(position) * time.Second)
	outputs := []stream.Output{{Topic: topics.Events, Key: []byte("ana"), Value: []byte(`{}`), Envelope: topics.Envelope{Type: topics.TypePaymentEvent}}}
	for i := range entries {
		e := &entries[i]
		e.ID = ledger.EntryID{Partition: partition, Position: position, Index: int16(i)}
		e.At, e.PaymentID = at, topics.PaymentID{Partition: partition, UUID: uuid.UUID{15: byte(position)}}.String()
		outputs = append(outputs, f.output(e))
	}
	for i := range outputs {
		outputs[i].Envelope.ID = topics.EventID{Partition: partition, Position: position, Index: int16(max(i-1, 0))}.String()
		outputs[i].Envelope.Source, outputs[i].Envelope.Time = stream.SourceOf(role), at
	}
	frame, err := f.frames.Encode(at, outputs)
	f.must(err)
	writer, err := store.OpenWriter(f.t.Context(), f.db.Pool, partition)
	f.must(err)
	var batch pgx.Batch
	batch.Queue(`INSERT INTO stream_positions (role, partition, next, base, topic_id, last_hash, format) VALUES ($1, $2, $3, 0, '', '', 1)
ON CONFLICT (role, partition) DO UPDATE SET next = excluded.next`, role, partition, position+1)
	batch.Queue(`INSERT INTO stream_log (partition, role, position, frame) VALUES ($1, $2, $3, $4)`, partition, role, position, frame)
	writer.Queue(&batch, entries)
	f.must(f.db.InTx(f.t.Context(), func(tx pgx.Tx) error { return tx.SendBatch(f.t.Context(), &batch).Close() }))
}

func (f *fixture) output(e *ledger.Entry) stream.Output {
	f.t.Helper()
	value := topics.LedgerEntry{EntryID: e.ID.String(), Template: e.Template, Tenant: "acme", PaymentID: e.PaymentID, BookedAt: e.At,
		EffectiveAt: e.Effective, Reference: e.Reference}
	for _, p := range e.Postings {
		value.Postings = append(value.Postings, topics.LedgerPosting{AccountID: p.Account.ID().String(), Code: string(p.Account.Code),
			Owner: p.Account.Owner, Currency: string(p.Account.Currency), Amount: p.Minor})
	}
	data, err := topics.Marshal(value)
	f.must(err)
	return stream.Output{Topic: topics.Entries, Key: []byte("ana"), Value: data, Envelope: topics.Envelope{Type: topics.TypeLedgerEntry}}
}

// sign signs the head of a partition.
func (f *fixture) sign(partition int32) {
	f.t.Helper()
	head, err := store.Head(f.t.Context(), f.db.Pool, partition)
	f.must(err)
	signed, err := chain.Sign(head, began.Add(time.Duration(head.Entries)*time.Minute), f.signer)
	f.must(err)
	f.signed = append(f.signed, signed...)
}

// bookAll books in two partitions, one entry or two at a record, and signs now and then.
func (f *fixture) bookAll() {
	f.t.Helper()
	for n := range int64(12) {
		for partition := range int32(2) {
			switch n % 4 {
			case 1:
				f.book(partition)
			case 2:
				f.book(partition, deposit(f.t, n), deposit(f.t, n+100))
			default:
				f.book(partition, deposit(f.t, n))
			}
			if n%4 == 3 {
				f.sign(partition)
			}
		}
	}
}

// relink computes the links of a partition anew, and its head, as the writer would have: what somebody does who changes
// rows and knows how the chain is made.
func (f *fixture) relink(partition int32) {
	f.t.Helper()
	var hasher chain.Hasher
	head := chain.Genesis(partition)
	var batch pgx.Batch
	f.must(store.Walk(f.t.Context(), f.db.Pool, head.Last(), 1<<62, func(row *store.Row) error {
		head = hasher.Extend(&head, &row.Record)
		batch.Queue(`UPDATE entries SET link = $4 WHERE partition = $1 AND position = $2 AND ordinal = $3`, partition, row.Position, row.Index, head.Link())
		return nil
	}))
	batch.Queue(`UPDATE ledger_chain SET entries = $2, position = $3, ordinal = $4, head = $5 WHERE partition = $1`,
		partition, head.Entries, head.Position, head.Index, head.Hash[:])
	f.must(f.db.Pool.SendBatch(f.t.Context(), &batch).Close())
}

func savedTables() []string {
	return []string{"stream_positions", "stream_log", "accounts", "entries", "ledger_chain"}
}

func (f *fixture) save() {
	f.t.Helper()
	for _, table := range savedTables() {
		f.exec(`CREATE TABLE saved_` + table + ` AS SELECT * FROM ` + table)
	}
}

func (f *fixture) restore() {
	f.t.Helper()
	for _, table := range savedTables() {
		_, err := f.db.Pool.Exec(f.t.Context(), `DELETE FROM `+table)
		f.must(err)
		f.exec(`INSERT INTO ` + table + insertedColumns(table) + ` FROM saved_` + table)
	}
}

// insertedColumns leaves out what the database computes.
func insertedColumns(table string) string {
	if table != "entries" {
		return ` SELECT *`
	}
	const columns = `position, booked_at, link, effective, partition, ordinal, payment, template, reference, accounts, amounts`
	return ` (` + columns + `) SELECT ` + columns
}

// verify verifies everything, with the checkpoints or without them.
func (f *fixture) verify(checkpoints bool) (problems, notes []string, counts *Counts) {
	f.t.Helper()
	config := Config{
		Database: f.db, Partition: AllPartitions,
		Problem: func(p Problem) { problems = append(problems, p.String()) },
		Note:    func(note string) { notes = append(notes, note) },
	}
	if checkpoints {
		path := filepath.Join(f.t.TempDir(), "checkpoints")
		f.must(os.WriteFile(path, f.signed, 0o600))
		var err error
		config.Checkpoints, err = FromFile(path, f.verifier)
		f.must(err)
	}
	counts, err := Verify(f.t.Context(), config)
	f.must(err)
	slices.Sort(problems)
	return problems, notes, counts
}

// want verifies and compares: each problem must begin with its part of want.
func (f *fixture) want(checkpoints bool, want ...string) {
	f.t.Helper()
	problems, notes, _ := f.verify(checkpoints)
	ok := len(problems) == len(want)
	for i := 0; ok && i < len(want); i++ {
		ok = strings.Contains(problems[i], want[i])
	}
	if !ok {
		f.t.Errorf("problems:\n%s\nwant each to contain its one of:\n%s\nnotes: %q", strings.Join(problems, "\n"), strings.Join(want, "\n"), notes)
	}
}
