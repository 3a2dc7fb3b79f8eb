package payments_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// inbox feeds records to a Program as the runtime does, with a database and without a broker: what it publishes is
// collected. One inbox is one partition.
type inbox struct {
	t         testing.TB
	db        *database.DB
	program   *payments.Program
	partition int32
	state     stream.State
	next      int64
	now       time.Time
	pending   []stream.Record
	published []stream.Output
	letters   []stream.DeadLetter
	folded    []stream.Record
	outputs   map[int64][]stream.Output
}

func newProgram(t testing.TB, db *database.DB, partitions int32, change func(*payments.Config)) *payments.Program {
	t.Helper()
	config := payments.Config{Pool: db.Pool, Partitions: partitions, Limits: lifecycle.DefaultLimits()}
	if change != nil {
		change(&config)
	}
	program, err := payments.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

func newInbox(t testing.TB, db *database.DB, program *payments.Program, partition int32) *inbox {
	t.Helper()
	in := &inbox{t: t, db: db, program: program, partition: partition, now: start, outputs: make(map[int64][]stream.Output)}
	in.restart()
	return in
}

// restart opens a new state, as after a crash or a rebalance.
func (in *inbox) restart() {
	in.t.Helper()
	if in.state != nil {
		in.state.Close()
	}
	state, err := in.program.Open(in.t.Context(), in.partition, in.next)
	if err != nil {
		in.t.Fatal(err)
	}
	in.state = state
}

func (in *inbox) put(kind string, value any) {
	in.t.Helper()
	data, err := topics.Marshal(value)
	if err != nil {
		in.t.Fatal(err)
	}
	in.putBytes(kind, data)
}

func (in *inbox) putBytes(kind string, data []byte) {
	in.now = in.now.Add(time.Millisecond)
	in.pending = append(in.pending, stream.Record{
		Partition: in.partition, Position: in.next, Time: in.now, Value: data,
		Headers: []topics.Header{{Key: topics.HeaderType, Value: []byte(kind)}},
	})
	in.next++
}

// fold applies what is pending in batches of at most size records.
func (in *inbox) fold(size int) {
	in.t.Helper()
	for len(in.pending) > 0 {
		n := min(size, len(in.pending))
		in.batch(in.pending[:n])
		in.pending = in.pending[n:]
	}
}

func (in *inbox) batch(records []stream.Record) {
	in.t.Helper()
	ctx := in.t.Context()
	if err := in.state.Load(ctx, records); err != nil {
		in.t.Fatal(err)
	}
	var published []stream.Output
	for _, r := range records {
		outputs, dead := in.state.Apply(r)
		if dead != nil {
			outputs, dead = in.state.Refuse(r, *dead)
			in.letters = append(in.letters, *dead)
		}
		published = append(published, outputs...)
		in.outputs[r.Position] = outputs
	}
	if err := in.write(ctx); err != nil {
		in.t.Fatal(err)
	}
	in.state.Written()
	in.folded = append(in.folded, records...)
	in.published = append(in.published, published...)
}

func (in *inbox) write(ctx context.Context) error {
	return in.db.InTx(ctx, func(tx pgx.Tx) error {
		var batch pgx.Batch
		in.state.Write(&batch)
		return tx.SendBatch(ctx, &batch).Close()
	})
}

func outputsOf[T any](t testing.TB, outputs []stream.Output, topic string) []T {
	t.Helper()
	var all []T
	for _, o := range outputs {
		if o.Topic != topic {
			continue
		}
		var v T
		if err := topics.Unmarshal(o.Value, &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

func id(n int) uuid.UUID {
	return uuid.Must(uuid.FromString(fmt.Sprintf("018e0000-0000-7000-8000-%012x", n)))
}

func create(n int, customer string, method topics.CaptureMethod) *topics.AssessedCommand {
	return &topics.AssessedCommand{
		Command: topics.Command{
			CommandID: id(n).String(), Type: topics.CommandCreate, Tenant: "acme", CustomerID: customer, Amount: 10_000,
			Currency: "EUR", Authorize: true, CaptureMethod: method, Card: &topics.Card{Token: "tok_visa"}, TraceID: "trace",
		},
		Decision: topics.Decision{CommandID: id(n).String(), Outcome: topics.OutcomePass, RuleSet: "test", Evaluated: 3},
	}
}

func approved(request *topics.PSPRequest, captured bool) *topics.PSPReport {
	return &topics.PSPReport{
		ReportID: id(0).String(), Source: topics.SourceResponse, PSP: request.PSP, Tenant: request.Tenant,
		CustomerID: request.CustomerID, PaymentID: request.PaymentID, RequestID: request.RequestID,
		Operation: request.Operation, Outcome: topics.PSPApproved, Amount: request.Amount, Currency: request.Currency,
		Captured: captured, Fee: 50, PSPReference: "psp_" + request.RequestID,
	}
}

func TestAutomaticCapture(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	in.put(topics.TypeAssessedCommand, create(1, "anna", topics.CaptureAutomatic))
	in.fold(10)
	requests := outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests)
	if len(requests) != 1 || !requests[0].Capture || requests[0].Amount != 10_000 {
		t.Fatalf("requests %+v", requests)
	}
	decisions := outputsOf[topics.Decision](t, in.published, topics.Decisions)
	if len(decisions) != 1 {
		t.Fatalf("%d decisions published", len(decisions))
	}
	if d := decisions[0]; d.Tenant != "acme" || d.CustomerID != "anna" || d.PaymentID != requests[0].PaymentID || !d.At.Equal(in.now) {
		t.Fatalf("decision %+v does not say whose it is, and when", d)
	}
	in.put(topics.TypePSPReport, approved(&requests[0], true))
	in.fold(10)
	var types []topics.EventType
	for _, e := range outputsOf[topics.PaymentEvent](t, in.published, topics.Events) {
		types = append(types, e.Type)
	}
	want := fmt.Sprint([]topics.EventType{
		topics.EventCreated, topics.EventAuthorizationRequested, topics.EventAuthorized, topics.EventCaptured,
	})
	if fmt.Sprint(types) != want {
		t.Fatalf("events %v, want %v", types, want)
	}
	intent, err := view.Get(t.Context(), db.Pool, "acme", requests[0].PaymentID)
	if err != nil {
		t.Fatal(err)
	}
	if intent.Status != topics.StatusCaptured || intent.Captured != 10_000 || intent.Version != 1 {
		t.Fatalf("view %+v", intent)
	}
	if got := balance(t, db, "customer_wallet"); got != -10_000 {
		t.Fatalf("wallet %d", got)
	}
	if n := count(t, db, "timers"); n != 0 {
		t.Fatalf("%d timers left", n)
	}
}

func balance(t testing.TB, db *database.DB, code string) (sum int64) {
	t.Helper()
	err := db.Pool.QueryRow(t.Context(), `SELECT coalesce(sum(balance), 0)::int8 FROM accounts WHERE code = $1`, code).Scan(&sum)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func count(t testing.TB, db *database.DB, table string) (n int) {
	t.Helper()
	if err := db.Pool.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// deliveryOf is the report id of a webhook on a request: the same for each delivery.
func deliveryOf(r *topics.PSPRequest) string {
	return uuid.NewV5(uuid.Nil, r.PaymentID+r.RequestID).String()
}

func sprint(v any) string { return fmt.Sprint(v) }

// writeLog writes the rows that the runtime writes beside a batch.
func writeLog(t testing.TB, in *inbox) {
	t.Helper()
	frames, err := stream.NewFrames(payments.Role)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range in.folded {
		if len(in.outputs[r.Position]) == 0 {
			continue
		}
		frame, err := frames.Encode(r.Time, in.outputs[r.Position])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.db.Pool.Exec(t.Context(), `INSERT INTO stream_log (partition, role, position, frame) VALUES ($1, $2, $3, $4)`,
			in.partition, payments.Role, r.Position, frame); err != nil {
			t.Fatal(err)
		}
	}
}
