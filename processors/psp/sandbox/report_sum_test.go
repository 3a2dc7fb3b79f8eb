package sandbox

import (
	"encoding/csv"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestReportSums: whatever the amounts, the rows of the report move what the payment's own sums say, and the totals are
// those of the rows, also where no amount could hold them.
func TestReportSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := performer{cfg: Config{}.withDefaults(), tokens: newTokenTable()}
		now := rapid.Int64Range(0, 1<<40)
		var rows []movement
		want := map[string]*big.Int{}
		for n := range rapid.IntRange(1, 6).Draw(t, "payments") {
			token := rapid.SampledFrom([]string{"tok_approved", "tok_by_hand", "tok_capture_fails", "tok_refund_pending", "tok_refund_reversed"}).Draw(t, "token")
			amount := rapid.Int64Range(1, 1<<63-1).Draw(t, "amount")
			currency := rapid.SampledFrom([]string{"EUR", "JPY"}).Draw(t, "currency")
			at := time.Unix(0, now.Draw(t, "time"))
			p, refused := f.authorize("a"+strconv.Itoa(n), "", &Request{MerchantReference: "r", Amount: amount, Currency: currency, Card: &Card{token}, Capture: true}, at)
			if refused != nil {
				t.Fatal(refused)
			}
			for m := range rapid.IntRange(0, 4).Draw(t, "steps") {
				last := &p.Operations[len(p.Operations)-1]
				if to := last.SettlesTo; to != "" || rapid.Bool().Draw(t, "settle") {
					if can := p.outcomes(last); to == "" && len(can) > 0 {
						last.SettlesTo = rapid.SampledFrom(can).Draw(t, "status")
					}
					if last.SettlesTo != "" {
						f.settle(p, last, at)
					}
					continue
				}
				// What is refused changes nothing.
				_ = f.follow(p, Refund, "r"+strconv.Itoa(n)+"-"+strconv.Itoa(m), "", &Request{Amount: rapid.Int64Range(1, amount).Draw(t, "refund")}, at)
			}
			pending := int64(0)
			for i := range p.Operations {
				if op := &p.Operations[i]; op.Kind == Refund && op.Status == Pending {
					pending += op.Amount
				}
			}
			moved := new(big.Int)
			for _, row := range p.movements() {
				moved.Add(moved, big.NewInt(row.gross))
				rows = append(rows, row)
			}
			if moved.Cmp(big.NewInt(p.Captured-p.Refunded+pending)) != 0 {
				t.Fatalf("%+v: rows move %s", p, moved)
			}
			if want[currency] == nil {
				want[currency] = new(big.Int)
			}
			want[currency].Add(want[currency], moved)
		}
		text, err := renderReport(rows)
		if err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		counted, totals := 0, 0
		for _, r := range records[1:] {
			gross, fee, net := number(t, r[4]), number(t, r[5]), number(t, r[6])
			if new(big.Int).Add(net, fee).Cmp(gross) != 0 {
				t.Fatalf("%v: net is not gross - fee", r)
			}
			if r[3] != "total" {
				counted++
				continue
			}
			totals += int(number(t, r[0]).Int64())
			if gross.Cmp(want[r[7]]) != 0 {
				t.Fatalf("%v: want %s", r, want[r[7]])
			}
			delete(want, r[7])
		}
		if counted != len(rows) || totals != len(rows) {
			t.Fatalf("%d rows, %d in totals; want %d", counted, totals, len(rows))
		}
		for currency, left := range want {
			if left.Sign() != 0 {
				t.Fatalf("no total of %s: want %s", currency, left)
			}
		}
	})
}

func number(t *rapid.T, text string) *big.Int {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		t.Fatalf("%q: not a whole number", text)
	}
	return n
}
