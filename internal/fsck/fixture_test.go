package fsck

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/customerkeys"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/store"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

const partitions = 2

// fixture is a database and a broker that hold payments as the engine leaves them.
type fixture struct {
	t        testing.TB
	db       *database.DB
	broker   *brokertest.Broker
	producer *kgo.Client
	frames   *stream.Frames
	inbox    [16]byte
	next     [partitions]int64
	pending  [partitions][]*kgo.Record // applied and not published
	payments map[string]*fixturePayment
	masters  *customerkeys.Masters // nil: what is encrypted is not opened
	at       time.Time
}

type fixturePayment struct {
	state     *lifecycle.Payment
	positions []int64
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{t: t, db: databasetest.New(t), broker: brokertest.New(t, partitions), payments: map[string]*fixturePayment{},
		at: time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)}
	var err error
	f.frames, err = stream.NewFrames(role)
	f.must(err)
	details, err := f.broker.Admin(t).ListTopics(t.Context(), topics.Inbox)
	f.must(err)
	f.inbox = details[topics.Inbox].ID
	f.producer = f.broker.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	return f
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// produce writes records and returns when the broker has them.
func (f *fixture) produce(records ...*kgo.Record) {
	f.t.Helper()
	f.produceOn(f.producer, records...)
}

func (f *fixture) exec(sql string, args ...any) {
	f.t.Helper()
	tag, err := f.db.Pool.Exec(f.t.Context(), sql, args...)
	f.must(err)
	if tag.RowsAffected() == 0 {
		f.t.Fatalf("%s: changed no row", sql)
	}
}

// publish commits what is pending in a partition, and its position, as the engine does.
func (f *fixture) publish(partition int32) {
	f.t.Helper()
	f.transact(partition, append(f.pending[partition], f.position(partition, f.next[partition]))...)
	f.pending[partition] = nil
}

// payAll pays for two customers of each partition and publishes it.
func (f *fixture) payAll() {
	f.t.Helper()
	f.storeAll()
	f.publishAll()
}

func (f *fixture) storeAll() {
	f.t.Helper()
	for _, names := range customers(f.t) {
		for _, name := range names {
			f.pay(name)
		}
	}
}

func (f *fixture) publishAll() {
	f.t.Helper()
	for partition := range int32(partitions) {
		f.publish(partition)
	}
}

// on is the fixture of a subtest, as it was saved.
func (f *fixture) on(t *testing.T) *fixture {
	sub := *f
	sub.t = t
	sub.restore()
	return &sub
}

func savedTables() []string {
	return []string{"stream_positions", "stream_log", "payments", "applied_inputs", "timers", "accounts", "entries", "ledger_chain", "wallets", "holds", "rounds", "customer_limits", "closed_periods", "payouts", "payment_links", "deposit_sources",
		"deposit_sources_built", "disputes", "mandates", "customers", "customer_keys"}
}

// save keeps what the tables hold for restore.
func (f *fixture) save() {
	f.t.Helper()
	for _, table := range savedTables() {
		_, err := f.db.Pool.Exec(f.t.Context(), `CREATE TABLE saved_`+table+` AS SELECT * FROM `+table)
		f.must(err)
	}
}

func (f *fixture) restore() {
	f.t.Helper()
	for _, table := range savedTables() {
		_, err := f.db.Pool.Exec(f.t.Context(), `DELETE FROM `+table)
		f.must(err)
		_, err = f.db.Pool.Exec(f.t.Context(), `INSERT INTO `+table+insertedColumns(table)+` FROM saved_`+table)
		f.must(err)
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

// deleteBefore deletes a topic's records of partition 0 before an offset, all of them before -1.
func (f *fixture) deleteBefore(topic string, offset int64) {
	f.t.Helper()
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: topic, At: offset})
	answers, err := f.broker.Admin(f.t).DeleteRecords(f.t.Context(), offsets)
	if err == nil {
		err = answers.Error()
	}
	f.must(err)
}

// produceOn writes records within the client's transaction.
func (f *fixture) produceOn(client *kgo.Client, records ...*kgo.Record) {
	f.t.Helper()
	f.must(client.ProduceSync(f.t.Context(), records...).FirstErr())
}

// transact commits records, and returns once readers see them.
func (f *fixture) transact(partition int32, records ...*kgo.Record) {
	f.t.Helper()
	client := f.broker.Client(f.t, kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.TransactionalID(stream.TransactionalID(role, partition)))
	f.must(client.BeginTransaction())
	f.must(client.ProduceSync(f.t.Context(), records...).FirstErr())
	f.must(client.EndTransaction(f.t.Context(), kgo.TryCommit))
	var names []string
	for _, r := range records {
		names = append(names, r.Topic)
	}
	slices.Sort(names)
	_, err := broker.CommittedEnds(f.t.Context(), f.broker.Admin(f.t), slices.Compact(names)...)
	f.must(err)
}

func (f *fixture) position(partition int32, next int64) *kgo.Record {
	f.t.Helper()
	value, err := topics.Marshal(stream.Position{Role: role, Next: next, TopicID: fmt.Sprintf("%x", f.inbox), Format: 1})
	f.must(err)
	return &kgo.Record{Topic: topics.Positions, Partition: partition, Key: []byte(role), Value: value}
}

// apply stores what one inbox record made of a payment, as the engine does.
func (f *fixture) apply(customer string, events []topics.PaymentEvent, entries ...ledger.Entry) {
	f.t.Helper()
	partition := home(customer)
	position := f.next[partition]
	f.next[partition]++
	f.at = f.at.Add(time.Second)
	in := &kgo.Record{Topic: topics.Inbox, Partition: partition, Key: []byte(customer), Value: fmt.Appendf(nil, `{"n":%d}`, position)}
	f.produce(in)

	id := paymentID(customer)
	p := f.payments[id.String()]
	if p == nil {
		p = &fixturePayment{}
		f.payments[id.String()] = p
	}
	var outputs []stream.Output
	for i := range events {
		outputs = append(outputs, f.event(p, customer, topics.EventID{Partition: partition, Position: position, Index: int16(i)}, &events[i]))
	}
	for i := range entries {
		e := &entries[i]
		e.ID, e.PaymentID, e.At = ledger.EntryID{Partition: partition, Position: position, Index: int16(i)}, id.String(), f.at
		outputs = append(outputs, f.entry(customer, e))
	}
	p.positions = append(p.positions, position)
	frame, err := f.frames.Encode(f.at, outputs)
	f.must(err)
	_, outputs, err = f.frames.Decode(partition, position, frame)
	f.must(err)
	for i := range outputs {
		f.pending[partition] = append(f.pending[partition], stream.PublishedRecord(partition, &outputs[i]))
	}
	f.store(partition, position, stream.InputHash(f.stored(in)), frame, customer, p, entries)
}

// stored is a record as the topic holds it: a cluster sets the timestamp.
func (f *fixture) stored(r *kgo.Record) *kgo.Record {
	f.t.Helper()
	client := f.broker.Client(f.t, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		r.Topic: {r.Partition: kgo.NewOffset().At(r.Offset).WithEpoch(-1)},
	}))
	defer client.Close()
	fetches := client.PollRecords(f.t.Context(), 1)
	f.must(fetches.Err())
	return fetches.Records()[0]
}

// home is the customer's partition, but 0 for customers named lost, wherever they belong.
func home(customer string) int32 {
	if strings.HasPrefix(customer, "lost") {
		return 0
	}
	return topics.PartitionOf("acme", customer, partitions)
}

func paymentID(customer string) topics.PaymentID {
	sum := sha256.Sum256([]byte(customer))
	return topics.PaymentID{Partition: home(customer), UUID: uuid.UUID(sum[:16])}
}

func (f *fixture) event(p *fixturePayment, customer string, id topics.EventID, e *topics.PaymentEvent) stream.Output {
	f.t.Helper()
	e.EventID, e.Tenant, e.CustomerID, e.PaymentID, e.At = id.String(), "acme", customer, paymentID(customer).String(), f.at
	var err error
	p.state, err = lifecycle.Evolve(p.state, e)
	f.must(err)
	e.Status = p.state.Status()
	totals := p.state.Totals()
	e.Totals = &totals
	return f.output(topics.Events, topics.TypePaymentEvent, customer, e)
}

func (f *fixture) entry(customer string, e *ledger.Entry) stream.Output {
	f.t.Helper()
	value := topics.LedgerEntry{EntryID: e.ID.String(), Template: e.Template, Tenant: "acme", CustomerID: customer,
		PaymentID: e.PaymentID, BookedAt: e.At}
	for _, p := range e.Postings {
		value.Postings = append(value.Postings, topics.LedgerPosting{AccountID: p.Account.ID().String(), Code: string(p.Account.Code),
			Owner: p.Account.Owner, Currency: string(p.Account.Currency), Amount: p.Minor})
	}
	return f.output(topics.Entries, topics.TypeLedgerEntry, customer, value)
}

func (f *fixture) output(topic, kind, customer string, value any) stream.Output {
	f.t.Helper()
	data, err := topics.Marshal(value)
	f.must(err)
	return stream.Output{Topic: topic, Key: []byte(customer), Value: data,
		Envelope: topics.Envelope{Type: kind, Tenant: "acme", Subject: paymentID(customer).String()}}
}

func (f *fixture) store(partition int32, position int64, hash, frame []byte, customer string, p *fixturePayment, entries []ledger.Entry) {
	f.t.Helper()
	id := [16]byte(p.state.ID.UUID)
	var batch pgx.Batch
	batch.Queue(`INSERT INTO stream_positions (role, partition, next, base, topic_id, last_hash, format) VALUES ($1, $2, $3, 0, $4, $5, 1)
ON CONFLICT (role, partition) DO UPDATE SET next = excluded.next, last_hash = excluded.last_hash`, role, partition, position+1, f.inbox[:], hash)
	batch.Queue(`INSERT INTO stream_log (partition, role, position, frame) VALUES ($1, $2, $3, $4)`, partition, role, position, frame)
	batch.Queue(`INSERT INTO payments (partition, id, tenant, customer, status, version, positions, state) VALUES ($1, $2, 'acme', $3, $4, $5, $6, $7)
ON CONFLICT (partition, id) DO UPDATE SET status = excluded.status, version = excluded.version, positions = excluded.positions, state = excluded.state`,
		partition, id, customer, string(p.state.Status()), position, p.positions, p.state.Append(nil))
	if timer := p.state.Timer; timer.Kind == "" {
		batch.Queue(`DELETE FROM timers WHERE partition = $1 AND payment = $2`, partition, id)
	} else {
		batch.Queue(`INSERT INTO timers (partition, payment, due, kind, generation, tenant, customer) VALUES ($1, $2, $3, $4, $5, 'acme', $6)
ON CONFLICT (partition, payment) DO UPDATE SET due = excluded.due, kind = excluded.kind, generation = excluded.generation`,
			partition, id, timer.Due, string(timer.Kind), timer.Generation, customer)
	}
	writer, err := store.OpenWriter(f.t.Context(), f.db.Pool, partition)
	f.must(err)
	writer.Queue(&batch, entries)
	f.openWallet(&batch, partition, position, customer, entries)
	f.must(f.db.InTx(f.t.Context(), func(tx pgx.Tx) error { return tx.SendBatch(f.t.Context(), &batch).Close() }))
}

// openWallet queues the row of a wallet that an entry is the first to move.
func (f *fixture) openWallet(batch *pgx.Batch, partition int32, position int64, customer string, entries []ledger.Entry) {
	for i := range entries {
		for _, posting := range entries[i].Postings {
			if wallets.Opens(posting.Account.Code) {
				batch.Queue(`INSERT INTO wallets (partition, id, tenant, customer, currencies, version, positions) VALUES ($1, $2, 'acme', $3, 'EUR', $4, $5)
ON CONFLICT (partition, id) DO NOTHING`, partition, wallets.Key("acme", customer), customer, position, []int64{position})
			}
		}
	}
}

// pay takes a payment of 100.00 EUR through authorisation, capture and a refund of 30.00.
func (f *fixture) pay(customer string) {
	f.t.Helper()
	c := ledger.Customer{Tenant: "acme", ID: customer, Currency: "EUR"}
	partition := home(customer)
	request := func(index int16) string {
		return topics.EventID{Partition: partition, Position: f.next[partition] - 1, Index: index}.String()
	}
	entry := func(e ledger.Entry, err error) ledger.Entry {
		f.t.Helper()
		f.must(err)
		return e
	}
	asked := &topics.RequestData{PSP: "sandbox", NotAfter: f.at.Add(time.Minute)}
	timer := func(generation int64, kind topics.TimerKind) *topics.TimerChange {
		return &topics.TimerChange{Kind: kind, Due: f.at.Add(time.Hour), Generation: generation}
	}
	f.apply(customer, []topics.PaymentEvent{
		{Type: topics.EventCreated, Amount: 10000, Currency: "EUR", Created: &topics.CreatedData{CaptureMethod: topics.CaptureManual}},
		{Type: topics.EventAuthorizationRequested, Amount: 10000, Currency: "EUR", Request: asked, Timer: timer(1, topics.TimerPoll)},
	})
	f.apply(customer, []topics.PaymentEvent{{Type: topics.EventAuthorized, Amount: 10000, RequestID: request(1), Timer: timer(2, topics.TimerExpire)}})
	f.apply(customer, []topics.PaymentEvent{{Type: topics.EventCaptureRequested, Amount: 10000, Request: asked, Timer: timer(3, "")}})
	f.apply(customer, []topics.PaymentEvent{{Type: topics.EventCaptured, Amount: 10000, RequestID: request(0)}},
		entry(ledger.DepositCaptured(c, 10000, 290, ledger.Standing{})))
	f.apply(customer, []topics.PaymentEvent{{Type: topics.EventRefundRequested, Amount: 3000, Request: asked, Timer: timer(4, topics.TimerPoll)}},
		entry(ledger.RefundRequested(c, 3000)))
	f.apply(customer, []topics.PaymentEvent{{Type: topics.EventRefunded, Amount: 3000, RequestID: request(0)}},
		entry(ledger.RefundSettled(c, 3000)))
}

// check runs fsck and returns what it found, and its notes.
func (f *fixture) check() (problems, notes []string, counts *Counts) {
	f.t.Helper()
	counts, err := Run(f.t.Context(), Config{
		Database: f.db, Kafka: f.broker.Config.Options(slog.New(slog.DiscardHandler)), Settle: 300 * time.Millisecond, CustomerKeys: f.masters,
		Problem: func(p Problem) { problems = append(problems, p.String()) },
		Note:    func(note string) { notes = append(notes, note) },
	})
	f.must(err)
	if int64(len(problems)) != counts.Problems.Load() {
		f.t.Errorf("%d problems were told, %d counted", len(problems), counts.Problems.Load())
	}
	return problems, notes, counts
}

func (f *fixture) wantNone() {
	f.t.Helper()
	if problems, notes, counts := f.check(); len(problems) > 0 || len(notes) > 0 {
		f.t.Fatalf("problems:\n%s\nnotes: %q\n%s", strings.Join(problems, "\n"), notes, counts)
	}
}

// customers are two of each partition.
func customers(t testing.TB) (of [partitions][]string) {
	for i := 0; len(of[0]) < 2 || len(of[1]) < 2; i++ {
		name := fmt.Sprintf("customer-%d", i)
		partition := topics.PartitionOf("acme", name, partitions)
		if len(of[partition]) < 2 {
			of[partition] = append(of[partition], name)
		}
	}
	return of
}
