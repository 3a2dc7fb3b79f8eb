package webhooks_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/internal/until"
	"github.com/weirhq/weir/processors/webhooks"
	"github.com/weirhq/weir/topics"
)

// world is a role with a broker and a database of its own. What folds store, the tests do.
type world struct {
	t      *testing.T
	broker *brokertest.Broker
	db     *database.DB
	out    *kgo.Client
	in     *kgo.Client

	reports []topics.PSPReport
	letters []topics.DeadLetter
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, broker: brokertest.New(t, partitions), db: databasetest.New(t)}
	w.out = w.broker.Client(t)
	w.in = w.broker.Client(t, kgo.ConsumeTopics(topics.Inbox, topics.PSPWebhooksDeadLetters), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	return w
}

// quick looks for what is parked all the time.
var quick = webhooks.Parking{For: time.Hour, First: time.Millisecond, Most: 4 * time.Millisecond, Look: 2 * time.Millisecond}

// run starts the role; the function that it returns stops it.
func (w *world) run(parking webhooks.Parking) (stop func()) {
	w.t.Helper()
	role, err := webhooks.New(webhooks.Config{
		Kafka: w.broker.Config.Options(slog.New(slog.DiscardHandler)), Database: w.db, Mappers: webhooks.Mappers{"acquirer": echo{}},
		Partitions: partitions, Parking: parking,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- role.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(stop)
	return stop
}

// deliver writes webhooks as the API does.
func (w *world) deliver(at time.Time, bodies ...string) {
	w.t.Helper()
	for _, body := range bodies {
		record := &kgo.Record{Topic: topics.PSPWebhooks, Key: []byte("msg_1"), Value: []byte(body), Timestamp: at}
		for _, h := range raw("acquirer", body).Headers {
			record.Headers = append(record.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		if err := w.out.ProduceSync(w.t.Context(), record).FirstErr(); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) exec(sql string, arguments ...any) {
	w.t.Helper()
	if _, err := w.db.Pool.Exec(w.t.Context(), sql, arguments...); err != nil {
		w.t.Fatal(err)
	}
}

// create stores a payment, learn what a PSP calls it.
func (w *world) create(id string) {
	p, err := topics.ParsePaymentID(id)
	if err != nil {
		w.t.Fatal(err)
	}
	w.exec(`INSERT INTO payments (partition, id, tenant, customer, status, version, positions, state) VALUES ($1, $2, 'acme', 'ana', 'created', 0, '{0}', '')`, p.Partition, p.UUID)
}

func (w *world) learn(id, reference string) {
	p, err := topics.ParsePaymentID(id)
	if err != nil {
		w.t.Fatal(err)
	}
	w.exec(`INSERT INTO psp_references (partition, psp, reference, payment, tenant, position) VALUES ($1, 'acquirer', $2, $3, 'acme', 0)`, p.Partition, reference, p.UUID)
}

// until reads what the role has written until enough is there.
func (w *world) until(reports, letters int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
	defer cancel()
	for len(w.reports) < reports || len(w.letters) < letters {
		fetches := w.in.PollFetches(ctx)
		if ctx.Err() != nil {
			w.t.Fatalf("%d reports and %d letters, want %d and %d", len(w.reports), len(w.letters), reports, letters)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Topic == topics.PSPWebhooksDeadLetters {
				var letter topics.DeadLetter
				if err := topics.Unmarshal(r.Value, &letter); err != nil {
					w.t.Error(err)
				}
				w.letters = append(w.letters, letter)
				return
			}
			var report topics.PSPReport
			if err := topics.Unmarshal(r.Value, &report); err != nil {
				w.t.Error(err)
			}
			partition, err := topics.PartitionOfReference(report.PaymentID)
			if err != nil || partition != r.Partition || string(r.Key) != report.PaymentID || !slices.ContainsFunc(r.Headers, func(h kgo.RecordHeader) bool {
				return h.Key == topics.HeaderType && string(h.Value) == topics.TypePSPReport
			}) {
				w.t.Errorf("a report of %s stands in partition %d under %q: %v, %v", report.PaymentID, r.Partition, r.Key, r.Headers, err)
			}
			w.reports = append(w.reports, report)
		})
	}
	if len(w.reports) != reports || len(w.letters) != letters {
		w.t.Fatalf("%d reports and %d letters, want %d and %d: %+v", len(w.reports), len(w.letters), reports, letters, w.letters)
	}
}

// parked waits until so many webhooks are parked, and says how often the first of them was tried again.
func (w *world) parked(want int) (attempts int32) {
	w.t.Helper()
	until.True(w.t, 2*time.Minute, fmt.Sprintf("%d webhooks are parked", want), func() bool {
		var all []webhooks.Parked
		for partition := range int32(partitions) {
			err := webhooks.EachParked(w.t.Context(), w.db.Pool, partition, func(p *webhooks.Parked) error {
				if p.ID != webhooks.ParkedID(p.Record()) {
					w.t.Errorf("the row %s is not that of its record", p.ID)
				}
				all = append(all, *p)
				return nil
			})
			if err != nil {
				w.t.Fatal(err)
			}
		}
		if len(all) > 0 {
			attempts = all[0].Attempts
		}
		return len(all) == want
	})
	return attempts
}

func id(partition, n int) string {
	return topics.PaymentID{Partition: int32(partition), UUID: uuid.UUID{15: byte(n)}}.String()
}

func TestFromTopicToInbox(t *testing.T) {
	w := newWorld(t)
	w.create(payment)
	w.run(quick)
	w.deliver(time.Now(), payment, "odd", "order 17")
	w.deliver(time.Now().Add(-topics.DedupHorizon-time.Minute), payment) // read again, after its id was forgotten
	w.deliver(time.Now(), payment)
	if w.broker.Cluster == nil { // a cluster sets the time of a record, so that none is old there
		w.until(3, 2)
	} else {
		w.until(2, 3)
	}
	if slices.ContainsFunc(w.reports, func(r topics.PSPReport) bool { return r != w.reports[0] }) || w.reports[0].PaymentID != payment || w.reports[0].Tenant != "acme" {
		t.Errorf("reports %+v", w.reports)
	}
	for reason, want := range map[topics.RefusalCode]string{topics.RefusedUnknownEvent: "odd", topics.RefusedUndecodable: "order 17"} {
		if !slices.ContainsFunc(w.letters, func(l topics.DeadLetter) bool {
			return l.Reason == reason && string(l.Value) == want && l.Role == webhooks.Name
		}) {
			t.Errorf("no dead letter of %q for %s: %+v", want, reason, w.letters)
		}
	}
	w.parked(0)
}

// TestWebhookBeforeItsPayment: by our id, by the PSP's reference beside another system's, and by that reference alone.
func TestWebhookBeforeItsPayment(t *testing.T) {
	w := newWorld(t)
	w.run(quick)
	w.create(id(1, 9))
	w.deliver(time.Now(), id(2, 1), "ref:pi_1", "shop:7:pi_2", "ref:pi_1", id(1, 9))
	w.until(1, 0) // what is known passes what is not
	w.parked(4)
	w.create(id(2, 1))
	w.until(2, 0)
	w.create(id(0, 2))
	w.create(id(3, 3))
	w.learn(id(3, 3), "pi_2")
	w.learn(id(0, 2), "pi_1")
	w.until(5, 0)
	w.parked(0)
	count := map[string]int{}
	for _, r := range w.reports {
		if r.Tenant != "acme" {
			t.Errorf("tenant %q", r.Tenant)
		}
		count[r.PaymentID+" "+r.PSPReference]++
	}
	for name, want := range map[string]int{id(1, 9) + " ": 1, id(2, 1) + " ": 1, id(0, 2) + " pi_1": 2, id(3, 3) + " pi_2": 1} {
		if count[name] != want {
			t.Errorf("%s: %d reports, want %d: %v", name, count[name], want, count)
		}
	}
	if slices.ContainsFunc(w.reports, func(r topics.PSPReport) bool {
		return r.PaymentID == id(0, 2) && r.ReportID != topics.WebhookReportID("acquirer", "evt_ref:pi_1")
	}) {
		t.Error("the two deliveries of one event have reports of two ids")
	}
}

func TestPaymentThatIsNeverKnown(t *testing.T) {
	w := newWorld(t)
	parking := quick
	parking.For = 30 * time.Millisecond
	w.run(parking)
	w.deliver(time.Now(), "ref:pi_1", id(2, 1))
	w.until(0, 2)
	w.parked(0)
	for _, l := range w.letters {
		if l.Reason != topics.RefusedUnknownPayment || !strings.Contains(l.Detail, "it was tried") || l.Topic != topics.PSPWebhooks ||
			string(l.Key) != "msg_1" || len(l.Headers) == 0 || string(l.Value) != "ref:pi_1" && string(l.Value) != id(2, 1) {
			t.Errorf("dead letter %+v", l)
		}
	}
}

// TestWebhookOfAPayout: it finds its payout as others do their payments.
func TestWebhookOfAPayout(t *testing.T) {
	w := newWorld(t)
	w.run(quick)
	payout := topics.PayoutID{Partition: 2, UUID: uuid.UUID{15: 7}}
	w.deliver(time.Now(), payout.String())
	w.parked(1)
	w.exec(`INSERT INTO payouts (partition, id, tenant, customer, currency, status, reserved, version, positions, state) VALUES ($1, $2, 'acme', 'ana', 'EUR', 'sent', 0, 0, '{0}', '{}')`, payout.Partition, payout.UUID)
	w.until(1, 0)
	if r := w.reports[0]; r.PaymentID != payout.String() || r.Tenant != "acme" {
		t.Errorf("report %+v", r)
	}
}

// TestReferenceOfTwoPayments: nothing is guessed.
func TestReferenceOfTwoPayments(t *testing.T) {
	w := newWorld(t)
	for n := range 2 {
		w.create(id(n, n+1))
		w.learn(id(n, n+1), "pi_1")
	}
	w.run(quick)
	w.deliver(time.Now(), "ref:pi_1")
	w.until(0, 1)
	if l := w.letters[0]; l.Reason != topics.RefusedUnknownPayment || !strings.Contains(l.Detail, "several payments") {
		t.Errorf("dead letter %+v", l)
	}
}

// TestCrashes puts the world into the state that a crash at each step leaves, and lets the next owner go on.
func TestCrashes(t *testing.T) {
	w := newWorld(t)
	stop := w.run(quick)
	w.deliver(time.Now(), "ref:pi_1")
	w.parked(1)
	stop()
	// After the row was written and before the offset was committed: the record is read again.
	adm := w.broker.Admin(t)
	if _, err := adm.DeleteGroups(t.Context(), "weir-"+webhooks.Name); err != nil {
		t.Fatal(err)
	}
	slow := webhooks.Parking{For: time.Hour, First: time.Hour, Look: 2 * time.Millisecond}
	stop = w.run(slow)
	w.create(id(2, 1))
	w.deliver(time.Now(), id(2, 1))
	w.until(1, 0)
	w.parked(1)
	stop()
	// After the report was written and before the row was deleted: it is sent again, with the same id.
	w.exec(`CREATE TABLE before_the_crash AS SELECT * FROM parked_webhooks`)
	w.learn(id(2, 1), "pi_1")
	w.exec(`UPDATE parked_webhooks SET due = now()`)
	stop = w.run(quick)
	w.until(2, 0)
	w.parked(0)
	stop()
	w.exec(`INSERT INTO parked_webhooks SELECT * FROM before_the_crash`)
	w.exec(`UPDATE parked_webhooks SET due = now()`)
	w.run(quick)
	w.until(3, 0)
	w.parked(0)
	if w.reports[1] != w.reports[2] || w.reports[1].PaymentID != id(2, 1) {
		t.Errorf("reports %+v, want the last two alike", w.reports)
	}
}

// TestDatabaseIsAway: a webhook that cannot be looked up waits; none is put aside or lost.
func TestDatabaseIsAway(t *testing.T) {
	w := newWorld(t)
	w.create(payment)
	w.exec(`ALTER TABLE payments RENAME TO payments_away`)
	w.run(quick)
	var bodies []string
	for range 100 {
		bodies = append(bodies, payment)
	}
	w.deliver(time.Now(), bodies...)
	w.exec(`ALTER TABLE payments_away RENAME TO payments`)
	w.until(100, 0)
}

func TestParkedLonger(t *testing.T) {
	w := newWorld(t)
	w.run(quick)
	w.deliver(time.Now(), "ref:pi_1")
	until.True(t, 2*time.Minute, "it is tried again and again", func() bool { return w.parked(1) >= 3 })
	if got := fmt.Sprint(w.reports, w.letters); got != "[] []" {
		t.Error(got)
	}
}

// The database takes a NUL in no text: the webhook is put aside, and those behind it in its partition go on.
func TestANULInAReferenceHoldsNobodyUp(t *testing.T) {
	w := newWorld(t)
	w.create(payment)
	w.run(quick)
	w.deliver(time.Now(), "ref:a\x00b", payment)
	w.until(1, 1)
}
