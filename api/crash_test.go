package api

import (
	"context"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirhq/weir/api/idempotency"
	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/chaos"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/topics"
)

// payments counts what the database holds.
func (f *fixture) payments(t testing.TB) (n int) {
	t.Helper()
	if err := f.db.Pool.QueryRow(t.Context(), `SELECT count(*) FROM payments`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// abandon makes a claim old enough to be taken over.
func (f *fixture) abandon(t testing.TB, key string) {
	t.Helper()
	tag, err := f.db.Pool.Exec(t.Context(),
		`UPDATE idempotency_keys SET created_at = created_at - $2::interval WHERE key = $1`, key, f.api.limits.TakeOverAfter)
	if err != nil || tag.RowsAffected() != 1 {
		t.Fatalf("key %s: %d rows, %v", key, tag.RowsAffected(), err)
	}
}

// carry takes an order as far as a process that dies then would: the key is claimed, and perhaps the command produced.
func (f *fixture) carry(t testing.TB, o interface {
	order
	produce(context.Context) error
}, key string, produced bool) {
	t.Helper()
	sum, err := o.parameters()
	if err != nil {
		t.Fatal(err)
	}
	claim, err := f.api.store.Claim(t.Context(), idempotency.Request{
		Tenant: "acme", Key: key, Fingerprint: sum, CommandID: uuid.Must(uuid.NewV7()),
	})
	if err != nil || claim.Verdict != idempotency.Fresh {
		t.Fatalf("%s, %v", claim.Verdict, err)
	}
	if err := bind(o, claim.CommandID, testPartitions); err != nil {
		t.Fatal(err)
	}
	if produced {
		if err := o.produce(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// half carries a create request as far as a process that dies then would.
func (f *fixture) half(t testing.TB, key, body string, produced bool) *paymentOrder {
	t.Helper()
	o := &paymentOrder{
		call:    &call{api: f.api, pattern: "POST /v1/intents"},
		command: topics.Command{Type: topics.CommandCreate, Tenant: "acme", Region: "eu", TraceID: "died"},
	}
	if err := decodeCreate([]byte(body), &o.command); err != nil {
		t.Fatal(err)
	}
	f.carry(t, o, key, produced)
	return o
}

// A process that dies at any step of a write leaves what the repeat repairs: one payment under the id that was claimed.
func TestDeathBetweenTheSteps(t *testing.T) {
	for _, test := range []struct {
		name     string
		produced bool // before the death
		applied  bool // before the repeat
		commands int64
	}{
		{name: "claimed", commands: 1},
		{name: "produced", produced: true, commands: 2}, // the same command id: applied once
		{name: "applied", produced: true, applied: true, commands: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, nil).ready(t)
			body := authorize("tok_approved", "")
			if test.applied {
				f.withEngine(t)
			}
			o := f.half(t, "k", body, test.produced)
			if test.applied {
				eventually(t, "the command is applied and answered", func() bool {
					a := f.get(t, "/v1/intents/"+o.payment.String())
					return a.status == 200 && a.intent(t).Status == "authorized"
				})
			}
			at := f.post(t, "/v1/intents", "k", body)
			switch {
			case test.applied: // the log has the answer
				if want(t, at, 201, "at once").intent(t).ID != o.payment.String() || at.header.Get("Idempotency-Replayed") != "true" {
					t.Errorf("at once: got %s, want %s", at.body, o.payment)
				}
			case at.status != 409 || at.error(t).Error != "in_flight":
				t.Fatalf("at once: got %d %s, want 409", at.status, at.body)
			}
			f.abandon(t, "k")
			repeat := make(chan answer, 1)
			go func() { repeat <- f.post(t, "/v1/intents", "k", body) }()
			if !test.applied {
				eventually(t, "the command is produced", func() bool { return f.count(t, topics.Commands) == test.commands })
				f.withEngine(t)
			}
			// The repeat may meet its own deadline while the engine starts; the next one then goes on.
			a := <-repeat
			for a.status == 202 {
				a = f.post(t, "/v1/intents", "k", body)
			}
			if want(t, a, 201, "repeat").intent(t).ID != o.payment.String() {
				t.Errorf("got %s, want %s", a.body, o.payment)
			}
			if f.payments(t) != 1 || f.count(t, topics.Commands) != test.commands {
				t.Errorf("%d payments from %d commands, want 1 from %d", f.payments(t), f.count(t, topics.Commands), test.commands)
			}
			if again := f.post(t, "/v1/intents", "k", body); string(again.body) != string(a.body) || test.applied && string(at.body) != string(a.body) {
				t.Errorf("the repeats differ:\n%s%s%s", at.body, a.body, again.body)
			}
		})
	}
}

// A refusal is no state of the payment: the repeat finds it in the event log.
func TestDeathBeforeARefusalIsAnswered(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	intent := want(t, f.post(t, "/v1/intents", "k1", goodCreate), 201, "create").intent(t)
	refused := want(t, f.post(t, "/v1/intents/"+intent.ID+"/capture", "k2", ""), 409, "capture")
	_, err := f.db.Pool.Exec(t.Context(), `UPDATE idempotency_keys SET status = 0, body = NULL WHERE key = 'k2'`)
	if err != nil {
		t.Fatal(err)
	}
	f.abandon(t, "k2")
	again := want(t, f.post(t, "/v1/intents/"+intent.ID+"/capture", "k2", ""), 409, "repeat")
	if string(again.body) != string(refused.body) {
		t.Errorf("got %s, want %s", again.body, refused.body)
	}
	if n := f.count(t, topics.Commands); n != 2 {
		t.Errorf("%d commands, want 2", n)
	}
}

// throughProxy serves an API whose connections to the database go through a proxy.
func throughProxy(t testing.TB) (*fixture, *chaos.Proxy) {
	t.Helper()
	direct := databasetest.New(t)
	address, err := url.Parse(direct.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := chaos.NewProxy(address.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	address.Host = proxy.Addr()
	db, err := database.Open(t.Context(), address.String(), 4, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	f := newFixtureOn(t, brokertest.New(t, testPartitions), db, nil).ready(t)
	f.db = direct // what the test and the engine use
	return f, proxy
}

// The database's answer to a claim or to a stored answer is lost, or the statement itself: nothing is paid twice, and the
// repeat gets the payment. Who was answered before the answer is stored learns of none of it.
func TestLostAnswersOfTheDatabase(t *testing.T) {
	for _, test := range []struct {
		name      string
		statement int // the how manieth that carries the key: 0 the claim, 1 the answer
		fault     chaos.Fault
		first     int  // status of the first answer
		abandoned bool // the repeat must wait for the take-over time
	}{
		{name: "claim never arrives", statement: 0, fault: chaos.LoseRequest, first: 503},
		{name: "claim done", statement: 0, fault: chaos.LoseAnswer, first: 503, abandoned: true},
		{name: "answer never stored", statement: 1, fault: chaos.LoseRequest, first: 201},
		{name: "answer stored", statement: 1, fault: chaos.LoseAnswer, first: 201},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, proxy := throughProxy(t)
			f.withEngine(t)
			const key = "a-key-to-look-for"
			body := authorize("tok_approved", "")
			trap := proxy.Arm(chaos.Bytes([]byte(key)), test.statement, test.fault)
			first := want(t, f.post(t, "/v1/intents", key, body), test.first, "first")
			fired(t, trap)
			if test.abandoned {
				want(t, f.post(t, "/v1/intents", key, body), 409, "at once")
				f.abandon(t, key)
			}
			a := want(t, f.post(t, "/v1/intents", key, body), 201, "repeat")
			replayed := a.header.Get("Idempotency-Replayed") == "true"
			if a.intent(t).Status != "authorized" || replayed != (test.first == 201) || replayed && string(a.body) != string(first.body) {
				t.Errorf("got %s, replayed %v, first %s", a.body, replayed, first.body)
			}
			if f.payments(t) != 1 || f.count(t, topics.Commands) != 1 {
				t.Errorf("%d payments from %d commands, want one", f.payments(t), f.count(t, topics.Commands))
			}
		})
	}
}

func fired(t testing.TB, trap *chaos.Trap) {
	t.Helper()
	select {
	case <-trap.Fired():
	case <-time.After(patience):
		t.Fatal("the trap did not fire")
	}
}

func TestDatabaseAway(t *testing.T) {
	f, proxy := throughProxy(t)
	f.withEngine(t)
	proxy.Down()
	for _, a := range []answer{f.post(t, "/v1/intents", "k1", goodCreate), f.get(t, "/v1/intents"), f.get(t, "/readyz")} {
		if a.status != 503 {
			t.Errorf("got %d %s, want 503", a.status, a.body)
		}
	}
	if n := f.count(t, topics.Commands); n != 0 {
		t.Errorf("%d commands were produced without a claim", n)
	}
	proxy.Up()
	eventually(t, "the API goes on", func() bool { return f.post(t, "/v1/intents", "k1", goodCreate).status == 201 })
}

// The broker's answer to a command is lost: the command stands in the topic once, and is answered.
func TestLostAnswersOfTheBroker(t *testing.T) {
	for name, fault := range map[string]chaos.Fault{"command never arrives": chaos.LoseRequest, "command stored": chaos.LoseAnswer} {
		t.Run(name, func(t *testing.T) {
			b := brokertest.New(t, testPartitions)
			proxy, err := chaos.NewProxy(b.Config.Brokers[0])
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { proxy.Close() })
			f := newFixtureOn(t, b, databasetest.New(t), func(c *Config) {
				c.Broker = append(c.Broker, kgo.Dialer(proxy.Dial))
			}).ready(t)
			f.withEngine(t)
			trap := proxy.Arm(chaos.KafkaRequest(int16(kmsg.Produce)), 0, fault)
			want(t, f.post(t, "/v1/intents", "k", authorize("tok_approved", "")), 201, "create")
			fired(t, trap)
			if n := f.count(t, topics.Commands); n != 1 {
				t.Errorf("%d commands, want 1", n)
			}
		})
	}
}

// What is being answered when the process is told to stop is answered.
func TestGracefulStop(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Limits.AnswerWithin = shutdownWithin }).ready(t)
	e := f.withEngine(t)
	e.hold(true)
	result := make(chan answer, 1)
	go func() { result <- f.post(t, "/v1/intents", "k", authorize("tok_approved", "")) }()
	f.records(t, topics.PSPRequests, 1)
	stopped := make(chan struct{})
	go func() { f.stop(); close(stopped) }()
	eventually(t, "no new connection is taken", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		conn, err := dialContext(ctx, f.url)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	var id topics.PaymentID
	if err := f.db.Pool.QueryRow(t.Context(), `SELECT partition, id FROM payments`).Scan(&id.Partition, &id.UUID); err != nil {
		t.Fatal(err)
	}
	f.answer(t, id.String(), topics.PSPApproved)
	want(t, <-result, 201, "the request that was open")
	<-stopped
}
