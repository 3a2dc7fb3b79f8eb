package payments_test

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/chaos"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

func lastEvent(t testing.TB, in *inbox) topics.PaymentEvent {
	t.Helper()
	events := outputsOf[topics.PaymentEvent](t, in.published, topics.Events)
	if len(events) == 0 {
		t.Fatal("no event was published")
	}
	return events[len(events)-1]
}

// captured brings a payment of 100.00 EUR to captured and returns its id.
func captured(t testing.TB, in *inbox, n int, customer string) string {
	t.Helper()
	in.put(topics.TypeAssessedCommand, create(n, customer, topics.CaptureAutomatic))
	in.fold(10)
	requests := outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests)
	last := &requests[len(requests)-1]
	in.put(topics.TypePSPReport, approved(last, true))
	in.fold(10)
	return last.PaymentID
}

func TestRecordsThatAreNone(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 4, nil), 2)
	in.putBytes(topics.TypeAssessedCommand, []byte(`{"command":{"amount":"ten"}}`))
	in.putBytes(topics.TypePSPReport, []byte(`nonsense`))
	in.putBytes("weir.unheard.of", []byte(`{}`))
	in.putBytes(topics.TypeAssessedCommand, []byte(`{"command":{"command_id":"no uuid","tenant":"acme"}}`))
	elsewhere := topics.PaymentID{Partition: 3, UUID: id(1)}.String()
	in.put(topics.TypePSPReport, &topics.PSPReport{Source: topics.SourceResponse, Tenant: "acme", PaymentID: elsewhere})
	in.fold(10)
	if len(in.letters) != 5 {
		t.Fatalf("%d dead letters, want 5: %+v", len(in.letters), in.letters)
	}
	for i, e := range outputsOf[topics.PaymentEvent](t, in.published, topics.Events) {
		if e.Type != topics.EventDeadLettered || e.Refusal != topics.RefusedUndecodable || e.Detail == "" {
			t.Fatalf("event %d: %+v", i, e)
		}
	}
	for _, table := range []string{"payments", "applied_inputs", "timers", "entries", "accounts"} {
		if n := count(t, db, table); n != 0 {
			t.Fatalf("%d rows in %s", n, table)
		}
	}
}

func TestCommandInAnotherPartitionIsRefused(t *testing.T) {
	db := databasetest.New(t)
	const partitions = 4
	wrong := (topics.PartitionOf("acme", "anna", partitions) + 1) % partitions
	in := newInbox(t, db, newProgram(t, db, partitions, nil), wrong)
	in.put(topics.TypeAssessedCommand, create(1, "anna", topics.CaptureManual))
	in.fold(1)
	if e := lastEvent(t, in); e.Type != topics.EventCommandRefused || !strings.Contains(e.Detail, "partition") {
		t.Fatalf("event %+v", e)
	}
	if n := count(t, db, "payments"); n != 0 {
		t.Fatalf("%d payments", n)
	}
}

func TestPaymentOfAnotherPartitionIsUnknown(t *testing.T) {
	db := databasetest.New(t)
	const partitions = 4
	number := topics.PartitionOf("acme", "anna", partitions)
	in := newInbox(t, db, newProgram(t, db, partitions, nil), number)
	in.put(topics.TypeAssessedCommand, &topics.AssessedCommand{Command: topics.Command{
		CommandID: id(7).String(), Type: topics.CommandCapture, Tenant: "acme", CustomerID: "anna",
		PaymentID: topics.PaymentID{Partition: (number + 1) % partitions, UUID: id(1)}.String(),
	}})
	in.fold(1)
	if e := lastEvent(t, in); e.Refusal != topics.RefusedUnknownPayment || e.CustomerID != "anna" {
		t.Fatalf("event %+v", e)
	}
}

// Only the database knows that a command id was used in another partition.
func TestCommandIDOfAnotherCustomersPaymentIsRefused(t *testing.T) {
	db := databasetest.New(t)
	const partitions = 4
	anna, bob := "anna", "bob"
	first := newInbox(t, db, newProgram(t, db, partitions, nil), topics.PartitionOf("acme", anna, partitions))
	second := newInbox(t, db, newProgram(t, db, partitions, nil), topics.PartitionOf("acme", bob, partitions))
	if first.partition == second.partition {
		t.Fatal("the customers share a partition")
	}
	first.put(topics.TypeAssessedCommand, create(1, anna, topics.CaptureManual))
	first.fold(1)

	second.put(topics.TypeAssessedCommand, create(1, bob, topics.CaptureManual))
	record := second.pending[0]
	if err := second.state.Load(t.Context(), second.pending); err != nil {
		t.Fatal(err)
	}
	second.state.Apply(record)
	cause := second.write(t.Context())
	if !database.IsData(cause) {
		t.Fatalf("stored: %v", cause)
	}
	reason := stream.DeadLetter{Reason: topics.RefusedPoison, Detail: cause.Error(), Constraint: database.Constraint(cause)}
	second.restart()
	outputs, dead := second.state.Refuse(record, reason)
	if dead != nil {
		t.Errorf("a dead letter besides: %+v", dead)
	}
	if err := second.write(t.Context()); err != nil {
		t.Fatal(err)
	}
	second.state.Written()
	second.published = outputs
	if e := lastEvent(t, second); e.Type != topics.EventCommandRefused || e.Refusal != topics.RefusedDuplicateCommand ||
		e.CustomerID != bob || e.PaymentID != "" || e.Detail != "command_id: was used for a payment of another customer; want a new one" {
		t.Errorf("event %+v", e)
	}
	// Said once: the repeat is one of a command that was decided on.
	second.published, second.pending = nil, nil
	second.put(topics.TypeAssessedCommand, create(1, bob, topics.CaptureManual))
	second.fold(1)
	if len(second.published) != 0 || count(t, db, "payments") != 1 {
		t.Errorf("a repeat publishes %d records; %d payments", len(second.published), count(t, db, "payments"))
	}
}

func TestWebhookBeforeThePaymentCountsWhenItComesAgain(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	report := &topics.PSPReport{
		ReportID: id(100).String(), Source: topics.SourceWebhook, PSP: "sandbox", Tenant: "acme",
		PaymentID: topics.PaymentID{UUID: id(1)}.String(), RequestID: "0-1-1", Operation: topics.OperationAuthorize,
		Outcome: topics.PSPApproved, Amount: 10_000, Currency: "EUR", Captured: true, PSPReference: "psp",
	}
	in.put(topics.TypePSPReport, report)
	in.put(topics.TypeAssessedCommand, create(1, "anna", topics.CaptureAutomatic))
	in.put(topics.TypePSPReport, report)
	in.put(topics.TypePSPReport, report)
	in.fold(10)
	if got := balance(t, db, "customer_wallet"); got != -10_000 {
		t.Fatalf("wallet %d, want -10000 once", got)
	}
}

func TestRepeatAfterARestart(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	payment := captured(t, in, 1, "anna")
	refund := &topics.AssessedCommand{Command: topics.Command{
		CommandID: id(2).String(), Type: topics.CommandRefund, Tenant: "acme", CustomerID: "anna", PaymentID: payment,
		Amount: 4000, Currency: "EUR",
	}}
	in.put(topics.TypeAssessedCommand, refund)
	in.fold(1)
	in.restart()
	in.published = nil
	in.put(topics.TypeAssessedCommand, refund)
	in.put(topics.TypeAssessedCommand, create(1, "anna", topics.CaptureAutomatic))
	in.fold(10)
	if len(in.published) != 0 {
		t.Fatalf("%d records published by repeats", len(in.published))
	}
	if got := balance(t, db, "refunds_in_flight"); got != -4000 {
		t.Fatalf("refunds in flight %d", got)
	}
}

// The version check is the second line behind the runtime's fence: a state that was left behind may not write.
func TestStateThatWasLeftBehindCannotWrite(t *testing.T) {
	db := databasetest.New(t)
	program := newProgram(t, db, 1, nil)
	old := newInbox(t, db, program, 0)
	payment := captured(t, old, 1, "anna")
	newer := newInbox(t, db, program, 0)
	newer.next = old.next
	refund := func(n int) *topics.AssessedCommand {
		return &topics.AssessedCommand{Command: topics.Command{
			CommandID: id(n).String(), Type: topics.CommandRefund, Tenant: "acme", CustomerID: "anna", PaymentID: payment,
			Amount: 1000, Currency: "EUR",
		}}
	}
	newer.put(topics.TypeAssessedCommand, refund(2))
	newer.fold(1)
	old.put(topics.TypeAssessedCommand, refund(3))
	records := old.pending
	if err := old.state.Load(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	if _, dead := old.state.Apply(records[0]); dead != nil {
		t.Fatal(dead)
	}
	err := old.write(t.Context())
	if err == nil || database.IsData(err) {
		t.Fatalf("want an error that blames no record, got %v", err)
	}
	if got := balance(t, db, "refunds_in_flight"); got != -1000 {
		t.Fatalf("refunds in flight %d", got)
	}
}

func TestStateOfANewerRelease(t *testing.T) {
	db := databasetest.New(t)
	program := newProgram(t, db, 1, nil)
	in := newInbox(t, db, program, 0)
	payment := captured(t, in, 1, "anna")
	if _, err := db.Pool.Exec(t.Context(), `UPDATE payments SET state = '\x63'::bytea`); err != nil {
		t.Fatal(err)
	}
	in.restart()
	in.put(topics.TypeAssessedCommand, &topics.AssessedCommand{Command: topics.Command{
		CommandID: id(2).String(), Type: topics.CommandVoid, Tenant: "acme", CustomerID: "anna", PaymentID: payment,
	}})
	if err := in.state.Load(t.Context(), in.pending); !errors.Is(err, stream.ErrFutureFormat) {
		t.Fatalf("want ErrFutureFormat, got %v", err)
	}
}

// TestRestore rebuilds a database from what was published and compares.
func TestRestore(t *testing.T) {
	first := databasetest.New(t)
	in := newInbox(t, first, newProgram(t, first, 1, nil), 0)
	payment := captured(t, in, 1, "anna")
	in.put(topics.TypeAssessedCommand, create(2, "bob", topics.CaptureManual))
	in.put(topics.TypeAssessedCommand, &topics.AssessedCommand{Command: topics.Command{
		CommandID: id(3).String(), Type: topics.CommandRefund, Tenant: "acme", CustomerID: "anna", PaymentID: payment,
		Amount: 4000, Currency: "EUR",
	}})
	in.put(topics.TypeAssessedCommand, &topics.AssessedCommand{Command: topics.Command{
		CommandID: id(4).String(), Type: topics.CommandVoid, Tenant: "acme", CustomerID: "anna", PaymentID: payment,
	}})
	in.put(topics.TypeAssessedWallet, walletCommand(5, topics.WalletHold, 900, func(c *topics.WalletCommand) { c.ExpiresAt = start.Add(time.Hour) }))
	in.put(topics.TypeAssessedWallet, walletCommand(6, topics.WalletCaptureHold, 0, func(c *topics.WalletCommand) {
		c.HoldID, c.Reason, c.RoundID, c.EffectiveAt = id(5).String(), topics.ReasonGame, "round", start.Add(-time.Hour)
	}))
	in.put(topics.TypeAssessedWallet, walletCommand(7, topics.WalletHold, 800, func(c *topics.WalletCommand) { c.ExpiresAt = start.Add(time.Hour) }))
	in.put(topics.TypeAssessedWallet, walletCommand(8, topics.WalletRollbackRound, 0, func(c *topics.WalletCommand) { c.RoundID = "round" }))
	in.put(topics.TypeAssessedWallet, walletCommand(9, topics.WalletDebit, 99_999, nil)) // refused
	for n, kind := range []topics.WalletCommandType{topics.WalletCredit, topics.WalletDebit, topics.WalletClose} {
		in.put(topics.TypeAssessedWallet, walletCommand(10+n, kind, []int64{70, 70, 0}[n], func(c *topics.WalletCommand) { c.CustomerID = "carl" }))
	}
	for n, month := range []string{"2026-02", "2026-01", "February"} { // the second one is refused, the third one put aside
		in.put(topics.TypePeriodClose, topics.PeriodClose{CommandID: id(20 + n).String(), Tenant: "acme", Month: month, RequestedBy: "ana", ApprovedBy: "bo"})
	}
	for n, amount := range []int64{500, 400, 600} {
		in.put(topics.TypeAssessedWallet, walletCommand(30+n, topics.WalletSetLimit, amount, func(c *topics.WalletCommand) {
			c.Limit = &topics.LimitRequest{Kind: topics.GamingLoss, Period: topics.GamingDay}
		}))
	}
	in.put(topics.TypeAssessedWallet, walletCommand(33, topics.WalletDebit, 300, func(c *topics.WalletCommand) { c.Reason, c.RoundID = topics.ReasonGame, "counted" }))
	counted := create(34, "dora", topics.CaptureAutomatic)
	counted.Gaming = &topics.GamingTerms{Day: "2026-03-02"}
	in.put(topics.TypeAssessedCommand, counted)
	in.fold(10)

	second := databasetest.New(t)
	again := newInbox(t, second, newProgram(t, second, 1, nil), 0)
	records := restored(in)
	for _, batch := range [][]stream.Restored{records[:1], records[1:]} {
		restorer := again.state.(stream.Restorer)
		if err := restorer.LoadRestored(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		for _, r := range batch {
			if err := restorer.Restore(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := again.write(t.Context()); err != nil {
			t.Fatal(err)
		}
		again.state.Written()
	}
	for _, query := range []string{
		`SELECT partition, id::text, tenant, customer, status, version, positions::text, encode(state, 'hex') FROM payments ORDER BY id`,
		`SELECT partition, id::text, tenant, customer, currencies, closed, version, positions::text FROM wallets ORDER BY id`,
		`SELECT partition, id::text, hold::text, tenant, customer, region, currency, amount, captured, released, expires_at::text, version, positions::text FROM holds ORDER BY id`,
		`SELECT partition, id::text, tenant, customer, round, currency, net, rolled_back, version, positions::text FROM rounds ORDER BY id`,
		`SELECT partition, id::text, tenant, customer, state, before, version FROM customer_limits ORDER BY id`,
		`SELECT partition, id::text, position FROM applied_inputs ORDER BY id`,
		`SELECT partition, tenant, month, position FROM closed_periods`,
		`SELECT partition, payment::text, due::text, kind, generation FROM timers ORDER BY payment`,
		`SELECT partition, position, ordinal, booked_at::text, effective::text, payment::text, template, reference, link, accounts::text, amounts::text FROM entries ORDER BY position, ordinal`,
		`SELECT partition, entries, position, ordinal, encode(head, 'hex') FROM ledger_chain ORDER BY partition`,
		`SELECT partition, id::text, tenant, code, owner, currency, guarded, balance FROM accounts ORDER BY id`,
	} {
		if want, got := table(t, first, query), table(t, second, query); want != got || want == "" {
			t.Fatalf("%s\nwant\n%s\ngot\n%s", query, want, got)
		}
	}
}

// restored groups what was published by the record that caused it, as the runtime does.
func restored(in *inbox) []stream.Restored {
	var all []stream.Restored
	for _, record := range in.folded {
		r := stream.Restored{Partition: record.Partition, Position: record.Position, Time: record.Time}
		for _, o := range in.outputs[record.Position] {
			r.Outputs = append(r.Outputs, o)
		}
		if len(r.Outputs) > 0 {
			all = append(all, r)
		}
	}
	return all
}

func table(t testing.TB, db *database.DB, query string) string {
	t.Helper()
	rows, err := db.Pool.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			b.WriteString(strings.TrimSpace(strings.ReplaceAll(sprint(v), "\n", " ")) + " | ")
		}
		b.WriteByte('\n')
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestDueTimers: a due timer is sent once by an owner, again by the next one, and not after it was folded.
func TestDueTimers(t *testing.T) {
	db := databasetest.New(t)
	sent := make(chan topics.TimerDue, 10)
	failures := 1
	program := newProgram(t, db, 1, func(c *payments.Config) {
		c.TimerInterval = time.Millisecond
		c.Produce = func(_ context.Context, partition int32, due topics.TimerDue) error {
			if failures > 0 {
				failures--
				return errors.New("broker away")
			}
			sent <- due
			return nil
		}
	})
	in := newInbox(t, db, program, 0)
	in.now = time.Now().Add(-48 * time.Hour) // the payments' time to live is a day
	first := unused(in, 1)
	stop := background(t, in)
	due := next(t, sent, first)
	if due.Kind != topics.TimerExpire || due.Tenant != "acme" || due.CustomerID != "anna" {
		t.Fatalf("timer %+v", due)
	}
	next(t, sent, unused(in, 2)) // the table was read again, and the first was not sent again
	stop()

	in.restart()
	stop = background(t, in)
	again := next(t, sent, first)
	next(t, sent, topics.PaymentID{UUID: id(2)}.String())
	if again != due {
		t.Fatalf("timer %+v, want %+v", again, due)
	}
	in.put(topics.TypeTimerDue, due)
	in.put(topics.TypeTimerDue, again)
	in.fold(10)
	if e := lastEvent(t, in); e.Type != topics.EventExpired || e.PaymentID != first {
		t.Fatalf("event %+v", e)
	}
	stop()
	if n := count(t, db, "timers"); n != 1 {
		t.Fatalf("%d timers left, want that of the second payment", n)
	}
}

// TestTimersOutliveASilentConnection: the connection that a look for due timers uses falls silent, and is not closed. The next
// look uses another one.
func TestTimersOutliveASilentConnection(t *testing.T) {
	db := databasetest.New(t)
	address, err := url.Parse(db.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := chaos.NewProxy(address.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() }) // its connections end with it
	address.Host = proxy.Addr()
	through, err := database.Open(t.Context(), address.String(), 4, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(through.Close)
	silent, sent := proxy.Arm(chaos.Bytes([]byte("commit\x00")), 3, chaos.Mute), make(chan topics.TimerDue, 10)
	in := newInbox(t, db, newProgram(t, through, 1, func(c *payments.Config) {
		c.TimerInterval, c.BackgroundTimeout = time.Millisecond, time.Second
		c.Produce = func(_ context.Context, _ int32, due topics.TimerDue) error {
			select {
			case <-silent.Fired():
				sent <- due
				return nil
			default:
				return errors.New("not yet")
			}
		}
	}), 0)
	in.now = time.Now().Add(-48 * time.Hour)
	first := unused(in, 1)
	stop := background(t, in)
	next(t, sent, first)
	stop()
}

// unused creates a payment that is not authorised and returns its id.
func unused(in *inbox, n int) string {
	c := create(n, "anna", topics.CaptureManual)
	c.Command.Authorize = false
	in.put(topics.TypeAssessedCommand, c)
	in.fold(1)
	return topics.PaymentID{UUID: id(n)}.String()
}

// next is the timer that is sent next; it must be the payment's.
func next(t *testing.T, sent chan topics.TimerDue, payment string) topics.TimerDue {
	t.Helper()
	select {
	case due := <-sent:
		if due.PaymentID != payment {
			t.Fatalf("timer of %s was sent, want that of %s", due.PaymentID, payment)
		}
		return due
	case <-time.After(2 * time.Minute):
		t.Fatal("no timer was sent")
	}
	panic("unreachable")
}

// background runs the partition's own work until stop is called.
func background(t *testing.T, in *inbox) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	state := in.state.(stream.Backgrounder)
	go func() { done <- state.Background(ctx) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}
