package risk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

const twoRoutes = `version: 1
cascade: { attempts: 2, within: 30s }
defer: 5m
health: { window: 1m, at_least: 3, error_rate: 50% }
routes:
  - { name: german, psp: acme, when: card.country == "DE" && risk.score < 100 }
  - { name: rest, psp: beta }
tests:
  - { given: { card.country: FR, risk.score: 0 }, expect: [rest] }
`

// noControls says that no kill switch is on.
func noControls() topics.Controls { return nil }

// routed is an Assessor that makes plans by a routing file, and the file.
func routed(t *testing.T, text string, controls func() topics.Controls) (*Assessor, string) {
	t.Helper()
	a, path := testAssessor(t), filepath.Join(t.TempDir(), "routes.yaml")
	write(t, path, text)
	var err error
	if a.routes, err = openRoutes(path, []string{"acme", "beta"}, controls, slog.New(slog.DiscardHandler), a.metrics); err != nil {
		t.Fatal(err)
	}
	return a, path
}

// told is a plan on one line.
func told(p *topics.RoutePlan) string {
	if p == nil {
		return "no plan"
	}
	var parts []string
	for _, c := range p.Candidates {
		parts = append(parts, c.PSP)
	}
	for _, l := range p.LeftOut {
		parts = append(parts, "not "+l.PSP+": "+l.Reason)
	}
	if p.Partial {
		return "partial: " + strings.Join(parts, ", ")
	}
	return strings.Join(parts, ", ")
}

func TestPlansGoWithCommandsThatAuthorise(t *testing.T) {
	a, _ := routed(t, twoRoutes, noControls)
	for _, c := range []struct{ name, value, want string }{
		{"create and authorize", create(), "acme, beta"},
		{"another country", create(`"DE","type"`, `"FR","type"`), "beta, not acme: condition"},
		{"no country", create(`"country":"DE","type"`, `"type"`), "beta, not acme: missing"},
		{"held for a reviewer", create(`"amount":4000`, `"amount":400000`), "acme, beta"},
		{"create alone", create(`"authorize":true,`, ``), "acme, beta"}, // kept for the authorisation
		{"capture", `{"command_id":"` + commandID + `","type":"capture","tenant":"acme","customer_id":"cus_1","payment_id":"` + paymentID + `"}`, "no plan"},
		{"refused", create(`"currency":"EUR"`, `"currency":"XXX"`), "no plan"},
		// Neither card nor amount is known: the plan that the payment was created with is followed.
		{"authorize", `{"command_id":"` + commandID + `","type":"authorize","tenant":"acme","customer_id":"cus_1","payment_id":"` + paymentID + `"}`, "partial: beta, not acme: missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, in, _ := assess(t, a, c.value)
			if got := told(in.Route); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if _, err := schematest.Compile(t).CheckRecord(m.Topic, m.Envelope.Type, m.Value); err != nil {
				t.Error(err)
			}
			if p := in.Route; p != nil && (p.Attempts != 2 || p.WithinSeconds != 30 || p.DeferSeconds != 300 || p.Version != a.routes.current.Load().set.Hash()) {
				t.Errorf("plan %+v", p)
			}
		})
	}
	if _, in, _ := assess(t, testAssessor(t), create()); in.Route != nil {
		t.Errorf("a plan without a routing file: %+v", in.Route)
	}
}

func TestABlockedPaymentHasNoPlan(t *testing.T) {
	a, _ := routed(t, twoRoutes, noControls)
	a.rules = func() *rules.Set {
		return compile(t, "rules:\n  - { name: none, when: payment.amount > money(\"1.00 EUR\"), outcome: block, on_missing: block }\n")
	}
	if _, in, _ := assess(t, a, create()); in.Decision.Outcome != topics.OutcomeBlock || in.Route != nil {
		t.Errorf("%s, %s", in.Decision.Outcome, told(in.Route))
	}
}

func TestKillSwitchesLeavePSPsOut(t *testing.T) {
	var controls topics.Controls
	a, _ := routed(t, twoRoutes, func() topics.Controls { return controls })
	german := topics.RouteControl{Scope: topics.RouteScope{PSP: "acme", Country: "DE"}, Disabled: true, Reason: "outage"}
	controls = controls.With(&german)
	_, in, _ := assess(t, a, create())
	if got := told(in.Route); got != "beta, not acme: disabled" {
		t.Error(got)
	}
	all := topics.RouteControl{Scope: topics.RouteScope{Method: topics.MethodCard}, Disabled: true, Reason: "outage"}
	controls = controls.With(&all)
	if _, in, _ := assess(t, a, create()); told(in.Route) != "acme, beta" { // the payment waits for one of them
		t.Error(told(in.Route))
	}
}

func TestABadRoutingFileNeverReplacesAGoodOne(t *testing.T) {
	a, path := routed(t, twoRoutes, noControls)
	r := a.routes
	var log bytes.Buffer
	r.log = slog.New(slog.NewTextHandler(&log, nil))
	good := r.current.Load().set.Hash()
	for name, text := range map[string]string{
		"a mistake":      strings.Replace(twoRoutes, "card.country ==", "card.contry ==", 1),
		"a failing test": strings.Replace(twoRoutes, "expect: [rest]", "expect: [german]", 1),
		"an unknown PSP": strings.Replace(twoRoutes, "psp: beta", "psp: gamma", 1),
		"nothing":        "",
	} {
		write(t, path, text)
		r.reload()
		if r.broken() == nil || r.current.Load().set.Hash() != good {
			t.Errorf("%s: %v is taken for good", name, r.broken())
		}
		if r.reload(); strings.Count(log.String(), "level=ERROR") != 1 {
			t.Errorf("%s: told other than once, although it is read again and again:\n%s", name, log.String())
		}
		log.Reset()
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { r.watch(ctx); close(done) }()
	write(t, path, strings.Replace(twoRoutes, "attempts: 2", "attempts: 3", 1))
	eventually(t, "the new routes are in force", func() bool { return r.current.Load().set.Hash() != good })
	eventually(t, "the file is good again", func() bool { return r.broken() == nil })
	cancel()
	<-done
	var problems rules.Problems
	write(t, path, "version: 1\nrouts: []\n")
	if err := CheckRoutes(path, nil); !errors.As(err, &problems) {
		t.Errorf("check: %v", err)
	}
}

// What becomes of payments is learnt from their events: before the first plan, and while weir runs.
func TestRoutesLearnFromEvents(t *testing.T) {
	b := brokertest.New(t, partitions)
	client := b.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	position := int64(0)
	event := func(e topics.PaymentEvent) {
		t.Helper()
		p := int32(position) % 2
		e.EventID, e.At = topics.EventID{Partition: p, Position: position}.String(), time.Now()
		position++
		if e.Type == topics.EventAttemptDeclined {
			e.RequestID = topics.EventID{Partition: p, Position: position - 3}.String() // the request, in the same partition
		}
		value, err := topics.Marshal(&e)
		if err != nil {
			t.Fatal(err)
		}
		header := kgo.RecordHeader{Key: topics.HeaderID, Value: []byte(e.EventID)}
		for range 2 { // it may come again
			if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topics.Events, Partition: p, Value: value, Headers: []kgo.RecordHeader{header}}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask := func(psp string) {
		event(topics.PaymentEvent{Type: topics.EventAuthorizationRequested, Amount: 1000, Currency: "EUR",
			Request: &topics.RequestData{PSP: psp, Route: "german", Attempt: 1}})
	}
	fail := func() {
		event(topics.PaymentEvent{Type: topics.EventAttemptDeclined, PSP: &topics.PSPData{DeclineCode: topics.DeclineNotSent, Unsent: true}})
	}
	for range 2 {
		ask("acme")
		ask("acme")
		fail()
		fail()
	}
	a, _ := routed(t, twoRoutes, noControls)
	l := newLearner(a.routes, b.Config.Options(slog.New(slog.DiscardHandler)))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { l.run(ctx); close(done) }()
	l.wait(ctx)
	want := func(want string) bool {
		d, dead := readPayment(a, stream.Record{Time: time.Now(), Value: []byte(create())})
		if dead != nil {
			t.Fatal(dead)
		}
		a.decide(d, a.rules())
		return told(d.route) == want
	}
	if !want("beta, not acme: unhealthy") {
		t.Error("what was there before the start is not known")
	}
	for range 2 {
		ask("beta")
		ask("beta")
		fail()
		fail()
	}
	eventually(t, fmt.Sprintf("beta is unhealthy, too: both are named (%d events)", position), func() bool { return want("acme, beta") })
	cancel()
	<-done
}

// The role has plans from its first command on, and ends when it is told to.
func TestTheRoleMakesPlans(t *testing.T) {
	b := brokertest.New(t, partitions)
	path := filepath.Join(t.TempDir(), "routes.yaml")
	write(t, path, twoRoutes)
	role, err := New(Config{Kafka: b.Config.Options(slog.New(slog.DiscardHandler)), Partitions: partitions, Routing: path, PSPs: []string{"acme", "beta"}, Controls: noControls})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- role.Run(ctx) }()
	produce(t, b, create())
	records := read(t, b, topics.Inbox, 1)
	var in topics.AssessedCommand
	if err := topics.Unmarshal(records[0].Value, &in); err != nil {
		t.Fatal(err)
	}
	if got := told(in.Route); got != "acme, beta" {
		t.Errorf("got %s", got)
	}
	write(t, path, "version: 1\n")
	eventually(t, "the broken file is told", func() bool { return role.RulesBroken() != nil })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := New(Config{Partitions: partitions, Routing: path, Controls: noControls}); err == nil || !strings.Contains(err.Error(), "the file has no routes") {
		t.Errorf("a broken file at the start: %v", err)
	}
}
