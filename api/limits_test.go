package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/topics"
)

// limits reads a customer's limits.
func (f *fixture) limits(t testing.TB, customer string) CustomerLimits {
	t.Helper()
	var l CustomerLimits
	a := want(t, f.get(t, "/v1/customers/"+customer+"/limits"), 200, "read the limits")
	if err := json.Unmarshal(a.body, &l); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
	return l
}

// deposit is the body of a deposit of an amount in EUR.
func deposit(customer string, amount int) string {
	return fmt.Sprintf(`{"customer_id":%q,"amount":%d,"currency":"EUR","capture_method":"automatic","authorize":true,"card":{"token":"tok_approve"}}`, customer, amount)
}

// TestNoDepositPassesBeyondALimit: of many deposits at once as many pass as the limit lets through, and the others say what
// is left.
func TestNoDepositPassesBeyondALimit(t *testing.T) {
	f := newFixture(t, nil)
	f.withEngine(t)
	f.ready(t)
	set := want(t, f.post(t, "/v1/customers/cus_1/limits", "l1", `{"kind":"deposit","period":"month","amount":10000,"currency":"EUR"}`), 200, "set a limit").change(t)
	if set.Status != "limit_set" || set.Setting == nil || set.Setting.Limit != 10000 || set.Setting.SetBy != topics.SetByCustomer || set.Setting.Next != nil {
		t.Fatalf("set %+v %+v", set, set.Setting)
	}
	const attempts = 40
	answers := make([]answer, attempts)
	var all sync.WaitGroup
	for i := range attempts {
		all.Go(func() { answers[i] = f.post(t, "/v1/intents", fmt.Sprint("d", i), deposit("cus_1", 3000)) })
	}
	all.Wait()
	passed := 0
	for i, a := range answers {
		if a.status == 201 || a.status == 202 {
			passed++
			continue
		}
		e := want(t, a, 402, "a deposit above the limit").error(t)
		l := e.Details.GamingLimit
		if e.Error != "blocked" || !slices.Equal(e.Details.Reasons, []string{"deposit_limit_month"}) || l == nil || l.Left != 1000 || l.Limit != 10000 || l.Asked != 3000 ||
			!strings.Contains(e.Message, "10.00 EUR may still be deposited this month, the limit is 100.00 EUR") {
			t.Errorf("blocked: %s", a.body)
		}
		if again := f.post(t, "/v1/intents", fmt.Sprint("d", i), deposit("cus_1", 3000)); again.status != 402 || again.header.Get("Idempotency-Replayed") == "" {
			t.Errorf("repeated: %d %s", again.status, again.body)
		}
	}
	if passed != 3 {
		t.Errorf("%d deposits of 30.00 EUR passed a limit of 100.00 EUR", passed)
	}
	want(t, f.post(t, "/v1/intents", "rest", deposit("cus_1", 1000)), 201, "deposit what is left")

	// A raise waits, and is shown.
	raised := want(t, f.post(t, "/v1/customers/cus_1/limits", "l2", `{"kind":"deposit","period":"month","amount":50000,"currency":"EUR"}`), 200, "raise").change(t)
	if n := raised.Setting.Next; raised.Setting.Limit != 10000 || n == nil || n.Limit != 50000 || n.From.Sub(*raised.At) != 24*time.Hour {
		t.Fatalf("raised %+v", raised.Setting)
	}
	want(t, f.post(t, "/v1/intents", "more", deposit("cus_1", 1)), 402, "deposit before the raise holds")
	shown := f.limits(t, "cus_1")
	if len(shown.Limits) != 1 || shown.Limits[0].Used != 10000 || *shown.Limits[0].Limit != 10000 || *shown.Limits[0].Left != 0 || shown.Limits[0].Next == nil {
		t.Errorf("limits %+v", shown)
	}
	if none := f.limits(t, "cus_2"); none.CustomerID != "cus_2" || len(none.Limits) != 0 || none.Day == "" {
		t.Errorf("limits of a customer without any: %+v", none)
	}
}

func TestStakesAboveALimit(t *testing.T) {
	f := newFixture(t, nil)
	f.withEngine(t)
	f.ready(t)
	f.give(t, "cus_1", 10000)
	want(t, f.post(t, "/v1/customers/cus_1/limits", "l1", `{"kind":"loss","period":"week","amount":700,"currency":"EUR","set_by":"operator","requested_by":"ann"}`), 200, "set a limit")
	stake := `{"amount":500,"currency":"EUR","reason":"game","round_id":"r1"}`
	want(t, f.post(t, "/v1/wallets/cus_1/debits", "s1", stake), 201, "a stake")
	e := want(t, f.post(t, "/v1/wallets/cus_1/debits", "s2", stake), 422, "a stake above the limit").error(t)
	if l := e.Details.GamingLimit; e.Error != "loss_limit" || l == nil || l.Left != 200 || l.Used != 500 || l.SetBy != topics.SetByOperator {
		t.Errorf("refused: %+v %+v", e, l)
	}
	want(t, f.post(t, "/v1/wallets/cus_1/credits", "w1", `{"amount":300,"currency":"EUR","reason":"game","round_id":"r1"}`), 201, "a win")
	want(t, f.post(t, "/v1/wallets/cus_1/debits", "s3", stake), 201, "a stake after it")

	want(t, f.post(t, "/v1/customers/cus_1/limits", "l2", `{"kind":"session","period":"day","seconds":3600}`), 200, "a session limit")
	want(t, f.post(t, "/v1/customers/cus_1/limits", "l3", `{"kind":"session","period":"day","remove":true}`), 200, "remove it")
	shown := f.limits(t, "cus_1")
	if len(shown.Limits) != 2 || shown.Limits[0].Used != 700 || shown.Limits[1].Kind != topics.GamingSession || shown.Limits[1].Next == nil || shown.Limits[1].Next.Limit != 0 {
		t.Errorf("limits %+v", shown)
	}
}

func TestWrongLimits(t *testing.T) {
	f := newFixture(t, nil)
	f.ready(t)
	for body, field := range map[string]string{
		`{"period":"day","amount":1,"currency":"EUR"}`:                                            "kind",
		`{"kind":"deposits","period":"day","amount":1,"currency":"EUR"}`:                          "kind",
		`{"kind":"deposit","period":"year","amount":1,"currency":"EUR"}`:                          "period",
		`{"kind":"deposit","period":"day","currency":"EUR"}`:                                      "amount",
		`{"kind":"deposit","period":"day","amount":1,"currency":"EUR","remove":true}`:             "amount",
		`{"kind":"deposit","period":"day","amount":1}`:                                            "currency",
		`{"kind":"deposit","period":"day","seconds":1,"currency":"EUR"}`:                          "seconds",
		`{"kind":"session","period":"day","amount":1,"currency":"EUR"}`:                           "amount and currency",
		`{"kind":"session","period":"day"}`:                                                       "seconds",
		`{"kind":"session","period":"day","seconds":60,"set_by":"brand"}`:                         "set_by",
		`{"kind":"session","period":"day","seconds":60,"set_by":"operator"}`:                      "requested_by",
		`{"kind":"session","period":"day","seconds":60,"description":"card 4111 1111 1111 1111"}`: "",
	} {
		a := f.post(t, "/v1/customers/cus_1/limits", "k"+body, body)
		e := want(t, a, http.StatusUnprocessableEntity, body).error(t)
		if field != "" && (e.Details == nil || e.Details.Field != field) {
			t.Errorf("%s: %s, want the field %s", body, a.body, field)
		}
	}
	if n := f.count(t, topics.WalletCommands); n != 0 {
		t.Errorf("%d commands were written", n)
	}
}
