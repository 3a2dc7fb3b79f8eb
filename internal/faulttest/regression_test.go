package faulttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// What users of other ledgers ran into with several clients at once. Each case cites the public issue; those that one
// client meets are in processors/payments.
func regressions(t *testing.T, w *world) {
	t.Run("a spending limit is passed twice by debits at once", func(t *testing.T) { spendingLimit(t, w) })
	t.Run("a balance that is not the sum of its movements", func(t *testing.T) { mixedBurst(t, w) })
	t.Run("the same webhook is applied twice", func(t *testing.T) { webhookTwice(t, w) })
}

// wallet sends a command for a wallet over HTTP.
func (w *world) wallet(t *testing.T, customer, path, body string) *answer {
	t.Helper()
	return w.post(t, "/v1/wallets/"+customer+path, body, nil)
}

// available is what a customer has, in EUR, and what of it is held.
func (w *world) available(t *testing.T, customer string) (available, held int64) {
	t.Helper()
	a := w.call(t, http.MethodGet, "/v1/wallets/"+customer, "", nil)
	var shown struct {
		Balances []topics.WalletBalance `json:"balances"`
	}
	if err := json.Unmarshal(a.body, &shown); err != nil || a.status != http.StatusOK || len(shown.Balances) != 1 {
		t.Fatalf("the wallet of %s: %s", customer, a)
	}
	return shown.Balances[0].Available, shown.Balances[0].Held
}

// produceWallet writes a command for a wallet as a producer would.
func (w *world) produceWallet(t *testing.T, c topics.WalletCommand) {
	t.Helper()
	c.CommandID, c.Tenant = newID(), tenant
	value, err := topics.Marshal(c)
	if err != nil {
		t.Error(err)
		return
	}
	w.produce(t, &kgo.Record{Topic: topics.WalletCommands, Partition: topics.PartitionOf(tenant, c.CustomerID, partitions),
		Key: []byte(c.CustomerID), Value: value})
}

// walletEvents waits for so many events of a customer's wallet and counts them by type and refusal.
func (w *world) walletEvents(t *testing.T, customer string, n int) map[string]int {
	t.Helper()
	told := map[string]int{}
	w.seen(t, topics.WalletEvents, fmt.Sprintf("event %d of %s", n, customer), func(r *kgo.Record) bool {
		var e topics.WalletEvent
		if err := topics.Unmarshal(r.Value, &e); err != nil {
			t.Fatalf("event %s: %v", r.Value, err)
		}
		if e.CustomerID == customer {
			told[strings.TrimSpace(string(e.Type)+" "+string(e.Refusal))]++
			n--
		}
		return n == 0
	})
	return told
}

// https://github.com/LerianStudio/midaz/issues/2285: debits at once are each checked against what there was before all of
// them. Here they come over HTTP and Kafka, together with holds and a refund of the same customer.
func spendingLimit(t *testing.T, w *world) {
	customer := "cus_" + newID()
	if a := w.wallet(t, customer, "/credits", `{"amount":100,"currency":"EUR","reason":"bonus"}`); a.status != http.StatusCreated {
		t.Fatalf("%s", a)
	}
	const each = 8
	codes := outcomes(together(3*each, func(i int) *answer {
		switch i % 3 {
		case 0:
			return w.wallet(t, customer, "/debits", `{"amount":60,"currency":"EUR","reason":"purchase"}`)
		case 1:
			return w.wallet(t, customer, "/holds", `{"amount":60,"currency":"EUR"}`)
		}
		w.produceWallet(t, topics.WalletCommand{Type: topics.WalletDebit, CustomerID: customer, Amount: 60, Currency: "EUR", Reason: topics.ReasonPurchase})
		return &answer{Error: "by Kafka"}
	}))
	told := w.walletEvents(t, customer, 1+3*each)
	available, held := w.available(t, customer)
	if told["debited"]+told["held"] != 1 || told["command_refused insufficient_funds"] != 3*each-1 || available != 40 || held != 60*int64(told["held"]) {
		t.Errorf("%v, answers %v, available %d, held %d", told, codes, available, held)
	}
}

// https://github.com/LerianStudio/midaz/issues/1267: a burst of credits, debits and holds at once leaves a balance that is not
// what the accepted ones add up to.
func mixedBurst(t *testing.T, w *world) {
	customer := "cus_" + newID()
	if a := w.wallet(t, customer, "/credits", `{"amount":50,"currency":"EUR","reason":"bonus"}`); a.status != http.StatusCreated {
		t.Fatalf("%s", a)
	}
	const burst = 90
	accepted := make([]int64, burst) // what each has added, as it was answered
	together(burst, func(i int) *answer {
		amount := int64(1 + i%17)
		path, sign := []string{"/credits", "/debits", "/holds"}[i%3], []int64{1, -1, -1}[i%3]
		reason := `"reason":"bonus",`
		if i%3 == 2 {
			reason = ""
		}
		a := w.wallet(t, customer, path, fmt.Sprintf(`{%s"amount":%d,"currency":"EUR"}`, reason, amount))
		switch {
		case a.status == http.StatusCreated:
			accepted[i] = sign * amount
		case a.Error != string(topics.RefusedInsufficientFunds):
			t.Errorf("%s: %s", path, a)
		}
		return a
	})
	want := int64(50)
	for _, amount := range accepted {
		want += amount
	}
	booked, err := strconv.ParseInt(w.scalar(t, `SELECT coalesce(-sum(p.amount), 0)::text FROM entries e,
		unnest(e.accounts, e.amounts) AS p (account, amount) JOIN accounts a ON a.id = p.account
		WHERE a.code = 'customer_wallet' AND a.owner = $1 AND a.partition = e.partition`, customer), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if available, _ := w.available(t, customer); available != want || booked != want {
		t.Errorf("available %d, by the entries %d, by the answers %d", available, booked, want)
	}
}

// https://github.com/formancehq/stack/issues/1464: the gateway calls twice for one payment, and it is applied twice. Here it
// calls many times at once, under one delivery id and under several.
func webhookTwice(t *testing.T, w *world) {
	a := w.paid(t, 10_000, "EUR", false)
	customer := w.customer(t, a.ID)
	before, _ := w.available(t, customer)
	var charged struct {
		PSPReference string `json:"psp_reference"`
	}
	if err := json.Unmarshal(a.body, &charged); err != nil {
		t.Fatal(err)
	}
	// Nobody asked for this refund: it is the PSP's fact all the same.
	refund := fact(t, a.ID, "", "refund", "approved", 700, map[string]any{"authorization": charged.PSPReference})
	now := time.Now()
	one := signed(t, webhookSecret, "msg_"+newID(), now, refund)
	together(12, func(i int) *answer {
		headers := one
		if i%2 == 1 {
			headers = signed(t, webhookSecret, "msg_"+newID(), now, refund)
		}
		answered := w.post(t, "/webhooks/sandbox", refund, headers)
		if answered.status != http.StatusOK {
			t.Errorf("delivery %d: %s", i, answered)
		}
		return answered
	})
	w.until(t, a.ID, "partially_refunded")
	w.digested(t, a.ID)
	after, _ := w.available(t, customer)
	if shown := w.get(t, a.ID); shown.Refunded != 700 || before-after != 700 {
		t.Errorf("refunded %d, the wallet went from %d to %d", shown.Refunded, before, after)
	}
}
