package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/deliveries"
	"github.com/weirhq/weir/processors/webhooks"
	"github.com/weirhq/weir/topics"
)

// webhooks runs weir webhooks on the world, whose PSP is the sandbox.
func (w *deadLetterWorld) webhooks(t *testing.T, want int, args ...string) string {
	t.Helper()
	args = append(append([]string{"webhooks"}, args...), "--brokers", strings.Join(w.broker.Config.Brokers, ","), "--database-url", w.db.URL(),
		"--set", "kafka.partitions=2", "--set", "psp.sandbox.base_url=http://127.0.0.1:1")
	code, out, errOut := weir(t, nil, args...)
	if code != want {
		t.Fatalf("%v: exit code %d, want %d\n%s%s", args, code, want, out, errOut)
	}
	return out + errOut
}

// tell writes a webhook of the sandbox as the API does, to partition 0.
func (w *deadLetterWorld) tell(t *testing.T, event, kind, payment, reference string) {
	t.Helper()
	operation, status, _ := strings.Cut(kind, ".")
	body := fmt.Sprintf(`{"id":%q,"type":%q,"data":{"operation":%q,"status":%q,"merchant_account":"acme","merchant_reference":%q,"authorization":%q,"amount":1050,"currency":"EUR","captured":true}}`,
		event, kind, operation, status, payment, reference)
	r := &kgo.Record{Topic: topics.PSPWebhooks, Partition: 0, Key: []byte(event), Value: []byte(body)}
	for _, h := range topics.WebhookEnvelope("sandbox", event, "", time.Now()).Headers() {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: topics.HeaderVerified, Value: []byte("true")})
	if err := w.client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// row begins the line that a list has of a webhook: a time of day, such as 10:20:30, holds 0:2 as well.
func row(webhook string) string { return "Z  " + webhook + " " }

// TestLogOfWebhooks: each state that a delivery may have, what show tells, a payment that comes after its webhook, and a replay
// that changes nothing.
func TestLogOfWebhooks(t *testing.T) {
	w := newDeadLetterWorld(t)
	w.start(t, config.Setting{Key: "roles", Value: "risk,payments,psp,webhooks,statements,sandbox"})
	command, payment := w.create(t, "cus_1")
	w.produce(t, command)
	until(t, func() string { return w.life(t, payment) }, "captured")
	id, err := topics.ParsePaymentID(payment)
	if err != nil {
		t.Fatal(err)
	}
	var reference string
	if err := w.db.Pool.QueryRow(t.Context(), `SELECT reference FROM psp_references WHERE payment = $1`, id.UUID).Scan(&reference); err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(payment, payment[9:13], "0000", 1)

	w.tell(t, "ev_ours", "authorize.approved", payment, reference)
	w.tell(t, "ev_theirs", "authorize.approved", "", reference)
	w.tell(t, "ev_odd", "balance.changed", "", reference)
	w.tell(t, "ev_early", "authorize.approved", other, "")
	w.tell(t, "ev_refund", "refund.approved", "order 7", reference)
	until(t, func() string { return w.webhooks(t, exitOK, "list") }, row("0:0"), row("0:1"), row("0:2"), row("0:3"), row("0:4"), "parked", "unknown_event")
	list := until(t, func() string { return w.webhooks(t, exitOK, "list", "--state", "applied") }, row("0:0"), row("0:1"), row("0:4"))
	if strings.Contains(list, row("0:2")) || strings.Contains(list, row("0:3")) || strings.Count(list, payment) != 3 {
		t.Errorf("applied:\n%s", list)
	}
	for args, want := range map[string]string{
		"list --state parked":              row("0:3"),
		"list --state dead_lettered":       row("0:2"),
		"list --payment " + other:          "parked",
		"list --payment " + reference:      "applied",
		"list --payment nobody":            "RECEIVED",
		"show 0:0":                         "none: it said nothing new",
		"show 0:1":                         `"merchant_reference":"","authorization":"` + reference + `"`,
		"show 0:2":                         "unknown_event: webhook of sandbox: unknown kind of event",
		"show 0:3":                         "tried ",
		"show 0:4":                         "refunded",
		"list --json --payment " + payment: `"state":"applied"`,
	} {
		if got := w.webhooks(t, exitOK, strings.Fields(args)...); !strings.Contains(got, want) {
			t.Errorf("%s: want %q, got\n%s", args, want, got)
		}
	}
	w.webhooks(t, exitUsage, "list", "--psp", "nobody")
	// The payment that was told of too early comes to be; its webhook is taken then.
	early, err := topics.ParsePaymentID(other)
	if err != nil {
		t.Fatal(err)
	}
	value, err := topics.Marshal(topics.Command{CommandID: early.UUID.String(), Type: topics.CommandCreate, Tenant: "acme", CustomerID: "cus_1",
		Amount: 1050, Currency: "EUR", Authorize: true, CaptureMethod: topics.CaptureAutomatic, Card: &topics.Card{Token: "tok_approved"}})
	if err != nil {
		t.Fatal(err)
	}
	w.produce(t, value)
	until(t, func() string { return w.webhooks(t, exitOK, "show", "0:3") }, "applied", "by record ")
	if life := until(t, func() string { return w.life(t, other) }, "captured"); strings.Count(life, "10.50 EUR") < 2 || strings.Contains(life, "case_opened") {
		t.Errorf("the payment that was told of too early:\n%s", life)
	}

	before := w.life(t, payment)
	if got := w.webhooks(t, exitOK, "replay", "0:0", "0:4"); !strings.Contains(got, "2 of 2 would be written again") {
		t.Error(got)
	}
	w.webhooks(t, exitOK, "replay", "0:0", "0:4", "--yes")
	until(t, func() string { return w.webhooks(t, exitOK, "list", "--state", "applied") }, row("0:5"), row("0:6"))
	if got := w.webhooks(t, exitOK, "show", "0:6"); !strings.Contains(got, "psp.webhooks.v1:0:4") {
		t.Error(got)
	}
	if after := w.life(t, payment); after != before {
		t.Errorf("the replay changed the payment:\n%s\nbefore:\n%s", after, before)
	}
	for args, want := range map[string]string{
		"show 0:99": "there is none", "show 7": "want partition:offset", "replay": "nothing is chosen", "replay 0:99": "1 webhooks are named, 0 are there",
		"list --state lost": "want one of", "list --since soon": "--since",
	} {
		code := exitUsage
		if strings.HasSuffix(args, "99") {
			code = exitProblem
		}
		if got := w.webhooks(t, code, strings.Fields(args)...); !strings.Contains(got, want) {
			t.Errorf("%s: want %q, got\n%s", args, want, got)
		}
	}
	w.fsck(t)
}

func TestWhatAWebhookSays(t *testing.T) {
	for want, report := range map[string]*deliveries.Report{
		"":                                  nil,
		"authorize approved 10.50 EUR":      {Operation: topics.OperationAuthorize, Outcome: topics.PSPApproved, Amount: 1050, Currency: "EUR"},
		"dispute funds_withdrawn 60.00 EUR": {Operation: topics.OperationDispute, Outcome: topics.PSPApproved, DisputeFact: topics.FactFundsWithdrawn, Amount: 6000, Currency: "EUR"},
		"dispute won":                       {Operation: topics.OperationDispute, Outcome: topics.PSPApproved, DisputeFact: topics.FactWon},
	} {
		if got := saidBy(&deliveries.Delivery{Report: report}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestWebhooksOfAPSPThatThereIsNot: an empty table would look as if nothing had come.
func TestWebhooksOfAPSPThatThereIsNot(t *testing.T) {
	mappers := webhooks.Mappers{"sandbox": nil, "acme": nil}
	for psp, want := range map[string]string{"": "", "acme": "", "nope": "known: acme, sandbox", "sandbx": `did you mean "sandbox"?`} {
		err := knownPSP(psp, mappers)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("--psp %s: %v, want %q", psp, err, want)
		}
	}
}
