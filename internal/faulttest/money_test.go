package faulttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/topics"
)

// together sends the same kind of request several times at once.
func together(n int, send func(i int) *answer) []*answer {
	answers := make([]*answer, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { answers[i] = send(i) })
	}
	group.Wait()
	return answers
}

// attacks try to get money that is not there.
func attacks(t *testing.T, w *world) {
	t.Run("two refunds of 60 at once on a capture of 100", func(t *testing.T) {
		id := w.paid(t, 100, "EUR", false).ID
		codes := outcomes(together(2, func(int) *answer { return w.post(t, "/v1/intents/"+id+"/refunds", `{"amount":60}`, nil) }))
		w.until(t, id, "partially_refunded")
		if a := w.get(t, id); a.Refunded+a.Refunding != 60 || codes["exceeds_captured"] != 1 {
			t.Errorf("%v; %s", codes, a)
		}
	})
	t.Run("twenty refunds of everything at once", func(t *testing.T) {
		id := w.paid(t, 100, "EUR", false).ID
		codes := outcomes(together(20, func(int) *answer { return w.post(t, "/v1/intents/"+id+"/refunds", `{}`, nil) }))
		if a := w.until(t, id, "refunded"); a.Refunded != 100 || codes[""] != 1 {
			t.Errorf("%v; %s", codes, a)
		}
	})
	t.Run("one refund, twenty times at once with one key", func(t *testing.T) {
		id, key := w.paid(t, 100, "EUR", false).ID, newID()
		together(20, func(int) *answer {
			return w.post(t, "/v1/intents/"+id+"/refunds", `{"amount":5}`, header{"Idempotency-Key": key})
		})
		if a := w.until(t, id, "partially_refunded"); a.Refunded != 5 {
			t.Errorf("%s", a)
		}
	})
	t.Run("one create, twenty times at once with one key", func(t *testing.T) {
		key, ids := newID(), map[string]bool{}
		for _, a := range together(20, func(int) *answer {
			return w.post(t, "/v1/intents", `{"customer_id":"cus_once","amount":100,"currency":"EUR","authorize":true,"capture_method":"automatic","card":{"token":"tok_approved"}}`, header{"Idempotency-Key": key})
		}) {
			if a.ID != "" {
				ids[a.ID] = true
			} else if a.Error != "in_flight" {
				t.Errorf("got %s", a)
			}
		}
		if len(ids) != 1 {
			t.Errorf("payments %v, want one", ids)
		}
		if n := w.scalar(t, `SELECT count(*)::text FROM payments WHERE tenant = $1 AND customer = 'cus_once'`, tenant); n != "1" {
			t.Errorf("%s payments are stored", n)
		}
	})
	t.Run("captures of everything at once", func(t *testing.T) {
		id := w.paid(t, 100, "EUR", true).ID
		together(10, func(i int) *answer {
			return w.post(t, "/v1/intents/"+id+"/capture", fmt.Sprintf(`{"amount":%d}`, 60+i), nil)
		})
		wait(t, "one capture", func() bool { return w.get(t, id).Captured > 0 }, func() string { return w.get(t, id).String() })
		w.passed(t, tenant, w.customer(t, id))
		if a := w.get(t, id); a.Captured > 100 || a.Captured < 60 {
			t.Errorf("%s", a)
		}
	})
	t.Run("capture and void at once, and a capture after the void", func(t *testing.T) {
		for range 5 {
			id := w.paid(t, 100, "EUR", true).ID
			together(2, func(i int) *answer {
				return w.post(t, "/v1/intents/"+id+[]string{"/void", "/capture"}[i], `{}`, nil)
			})
			wait(t, "one of both", func() bool { s := w.get(t, id).Status; return s == "voided" || s == "captured" }, func() string { return w.get(t, id).String() })
			a := w.get(t, id)
			if again := w.post(t, "/v1/intents/"+id+"/capture", `{}`, nil); again.status < 400 {
				t.Errorf("captured after it was %s: %s", a.Status, again)
			}
			if (a.Status == "voided") != (a.Captured == 0) {
				t.Errorf("%s", a)
			}
		}
	})
	t.Run("the largest amounts, many times over", func(t *testing.T) {
		customer := "cus_" + newID()
		for range 3 {
			a := w.post(t, "/v1/intents", fmt.Sprintf(`{"customer_id":%q,"amount":%d,"currency":"EUR","authorize":true,"capture_method":"automatic","card":{"token":"tok_approved"}}`, customer, topics.MaxAmount), nil)
			w.until(t, a.ID, "captured")
			for range 3 {
				if r := w.post(t, "/v1/intents/"+a.ID+"/refunds", fmt.Sprintf(`{"amount":%d}`, topics.MaxAmount/3), nil); r.status != http.StatusCreated {
					t.Errorf("a third is refunded: %s", r)
				}
			}
			if r := w.post(t, "/v1/intents/"+a.ID+"/refunds", `{"amount":1}`, nil); r.status < 400 {
				t.Errorf("refunded above what was captured: %s", r)
			}
			w.until(t, a.ID, "refunded")
		}
	})
	for currency, c := range map[string]struct{ amount, fits int64 }{"JPY": {1050, 1050}, "KWD": {1050, 1050}, "CLF": {1050, 1050}} {
		t.Run("exponents: minor units stay what they are in "+currency, func(t *testing.T) {
			id := w.paid(t, c.amount, currency, false).ID
			if a := w.post(t, "/v1/intents/"+id+"/refunds", fmt.Sprintf(`{"amount":%d,"currency":"EUR"}`, c.fits), nil); a.Error != "currency_mismatch" {
				t.Errorf("refund in euros: %s", a)
			}
			if a := w.post(t, "/v1/intents/"+id+"/refunds", fmt.Sprintf(`{"amount":%d}`, c.fits*100), nil); a.Error != "exceeds_captured" {
				t.Errorf("refund of a hundredfold: %s", a)
			}
			if a := w.post(t, "/v1/intents/"+id+"/refunds", fmt.Sprintf(`{"amount":%d,"currency":%q}`, c.fits, currency), nil); a.status != http.StatusCreated {
				t.Errorf("refund of all: %s", a)
			}
			w.until(t, id, "refunded")
		})
	}
	t.Run("one payment's money for another's refund", func(t *testing.T) {
		// Two payments of one customer share a wallet; each gives back no more than it took.
		customer := "cus_" + newID()
		open := func(amount int) string {
			a := w.post(t, "/v1/intents", fmt.Sprintf(`{"customer_id":%q,"amount":%d,"currency":"EUR","authorize":true,"capture_method":"automatic","card":{"token":"tok_approved"}}`, customer, amount), nil)
			return w.until(t, a.ID, "captured").ID
		}
		small, _ := open(100), open(100_000)
		if a := w.post(t, "/v1/intents/"+small+"/refunds", `{"amount":101}`, nil); a.Error != "exceeds_captured" {
			t.Errorf("got %s", a)
		}
	})
	t.Run("a command id again for another customer", func(t *testing.T) {
		command := topics.Command{CommandID: newID(), Type: topics.CommandCreate, Tenant: tenant, CustomerID: "cus_a", Amount: 100, Currency: "EUR",
			Authorize: true, CaptureMethod: topics.CaptureAutomatic, Card: &topics.Card{Token: "tok_approved"}, IssuedAt: time.Now().UTC()}
		w.command(t, command)
		w.until(t, paymentOf(t, command), "captured")
		elsewhere := stranger("cus_a")
		for _, other := range []string{neighbour("cus_a"), elsewhere} {
			w.unmoved(t, func() {
				command.CustomerID = other
				w.command(t, command)
				w.passed(t, tenant, other)
			})
		}
		e := w.event(t, "the refusal of the create elsewhere", func(e *topics.PaymentEvent) bool {
			return e.CommandID == command.CommandID && e.CustomerID == elsewhere
		})
		if e.Type != topics.EventCommandRefused || e.Refusal != topics.RefusedDuplicateCommand || !strings.Contains(e.Detail, "command_id") {
			t.Errorf("got %+v, want a refusal that names the command id", e)
		}
	})
}

func outcomes(answers []*answer) map[string]int {
	codes := map[string]int{}
	for _, a := range answers {
		codes[a.Error]++
	}
	return codes
}

func (w *world) customer(t *testing.T, payment string) string {
	t.Helper()
	var shown struct {
		Customer string `json:"customer_id"`
	}
	if err := json.Unmarshal(w.get(t, payment).body, &shown); err != nil {
		t.Fatal(err)
	}
	return shown.Customer
}

// notTheirs is how a command for a payment of somebody else is refused: only the partition of both knows the payment.
func (w *world) notTheirs(t *testing.T, c topics.Command) topics.RefusalCode {
	t.Helper()
	id, err := topics.ParsePaymentID(c.PaymentID)
	if err != nil {
		t.Fatal(err)
	}
	if id.Partition == topics.PartitionOf(c.Tenant, c.CustomerID, partitions) {
		return topics.RefusedCustomerMismatch
	}
	return topics.RefusedUnknownPayment
}

// strangers try to see or move what belongs to another tenant.
func strangers(t *testing.T, w *world) {
	mine := w.paid(t, 10_000, "EUR", true)
	as := header{"Authorization": "Bearer " + rivalKey}
	for name, c := range map[string]struct{ method, path, body string }{
		"read":                   {http.MethodGet, mine.ID, ""},
		"read in capitals":       {http.MethodGet, strings.ToUpper(mine.ID[4:]), ""},
		"read under capitals":    {http.MethodGet, "pay_" + strings.ToUpper(mine.ID[4:]), ""},
		"read refunds":           {http.MethodGet, mine.ID + "/refunds", ""},
		"capture":                {http.MethodPost, mine.ID + "/capture", `{}`},
		"void":                   {http.MethodPost, mine.ID + "/void", `{}`},
		"refund":                 {http.MethodPost, mine.ID + "/refunds", `{}`},
		"with their customer id": {http.MethodPost, mine.ID + "/capture", `{"amount":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			w.unmoved(t, func() {
				theirs := w.call(t, c.method, "/v1/intents/"+c.path, c.body, as)
				nobodys := w.call(t, c.method, strings.Replace("/v1/intents/"+c.path, mine.ID[9:13], "0000", 1), c.body, as)
				if theirs.status != http.StatusNotFound || theirs.Error != "not_found" {
					t.Errorf("got %s; want 404", theirs)
				}
				if theirs.Msg != nobodys.Msg || theirs.status != nobodys.status {
					t.Errorf("what another tenant has is told from what nobody has: %s, %s", theirs, nobodys)
				}
			})
		})
	}
	id, err := topics.ParsePaymentID(mine.ID)
	if err != nil {
		t.Fatal(err)
	}
	for name, cursor := range map[string]string{
		"the highest id": "ffffffff-ffff-ffff-ffff-ffffffffffff", "another tenant's id": id.UUID.String(), "in braces": "{" + uuid.Max.String() + "}",
		"as a URN": "urn:uuid:" + uuid.Max.String(),
	} {
		t.Run("a cursor that is "+name, func(t *testing.T) {
			a := w.call(t, http.MethodGet, "/v1/intents?limit=100&cursor="+cursor, "", as)
			if a.status != http.StatusOK && a.status != http.StatusBadRequest {
				t.Errorf("got %s", a)
			}
			w.onlyTheirs(t, a)
		})
	}
	for name, query := range map[string]string{
		"SQL in the cursor": "cursor='%20OR%20tenant='acme", "SQL in the customer": "customer_id=x'%20OR%20'1'='1", "another tenant": "tenant=acme",
		"SQL in the status": "status=captured'--", "an endless page": "limit=1000000", "a page of none": "limit=0", "a page below zero": "limit=-1",
		"a zero byte": "customer_id=%00", "a broken escape": "cursor=%zz", "a separator of old": "customer_id=a;tenant=acme",
	} {
		t.Run(name, func(t *testing.T) {
			a := w.call(t, http.MethodGet, "/v1/intents?"+query, "", as)
			if a.status == http.StatusOK {
				w.onlyTheirs(t, a)
			} else if a.status != http.StatusBadRequest && a.status != http.StatusUnprocessableEntity || a.Msg == "" {
				t.Errorf("got %s; want 400 or 422 that says why", a)
			}
		})
	}
	t.Run("a header that names the tenant", func(t *testing.T) {
		w.onlyTheirs(t, w.call(t, http.MethodGet, "/v1/intents", "", header{"Authorization": "Bearer " + rivalKey, "X-Tenant": tenant, "Ce_tenant": tenant}))
	})
	t.Run("an envelope that names another tenant than the command", func(t *testing.T) {
		w.unmoved(t, func() {
			command := topics.Command{CommandID: newID(), Type: topics.CommandCapture, Tenant: rival, CustomerID: w.customer(t, mine.ID), PaymentID: mine.ID}
			w.command(t, command)
			if e := w.refused(t, command.CommandID); e.Refusal != w.notTheirs(t, command) || e.Status != "" || e.Totals != nil || e.Tenant != rival {
				t.Errorf("the refusal tells of another tenant's payment: %+v", e)
			}
		})
	})
}

// onlyTheirs checks that a list holds payments of the rival and nothing of the other tenant.
func (w *world) onlyTheirs(t *testing.T, a *answer) {
	t.Helper()
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if a.status != http.StatusOK {
		return
	}
	if err := json.Unmarshal(a.body, &list); err != nil {
		t.Fatal(err)
	}
	for _, one := range list.Data {
		id, err := topics.ParsePaymentID(one.ID)
		if err != nil {
			t.Fatal(err)
		}
		if owner := w.scalar(t, `SELECT tenant FROM payments WHERE partition = $1 AND id = $2`, id.Partition, id.UUID); owner != rival {
			t.Errorf("the list of %s holds %s of %s", rival, one.ID, owner)
		}
	}
}

// brokenRules breaks the rule file while the engine runs.
func brokenRules(t *testing.T, w *world) {
	blocked := func() bool {
		a := w.post(t, "/v1/intents", `{"amount":100,"currency":"EUR","authorize":true,"context":{"country":"KP"},"card":{"token":"tok_approved"}}`, nil)
		return a.status == http.StatusPaymentRequired && a.Error == "blocked"
	}
	if !blocked() {
		t.Fatal("the rule is not in force")
	}
	metric := func(name string) bool {
		return bytes.Contains(w.call(t, http.MethodGet, "/metrics", "", nil).body, []byte("\n"+name+"\n"))
	}
	writeFile(t, w.rules, strings.Replace(goodRules, `== "KP"`, `=== "KP"`, 1))
	wait(t, "weir_rules_broken to be 1", func() bool { return metric(`weir_rules_broken{set="live"} 1`) }, w.log.String)
	if !blocked() {
		t.Error("the last good rules are not in force any more")
	}
	wait(t, "the log to say so", func() bool {
		return strings.Contains(w.log.String(), "last good set stays in force") && strings.Contains(w.log.String(), "rules.yaml:4:")
	}, func() string { return "" })
	writeFile(t, w.rules, strings.Replace(goodRules, `"KP"`, `"IR"`, 1))
	wait(t, "the mended rules", func() bool { return metric(`weir_rules_broken{set="live"} 0`) && !blocked() }, w.log.String)
}
