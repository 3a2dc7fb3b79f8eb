package backtest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/weirhq/weir/rules"
)

// twentyRules is a rule set with velocity, such as a card business has.
func twentyRules(b *testing.B) *rules.Set {
	b.Helper()
	var text strings.Builder
	text.WriteString(`version: 1
velocity:
  - { name: card_1h, aggregate: count, events: [attempt], by: card.fingerprint, window: 1h }
  - { name: card_24h, aggregate: count, events: [attempt], by: card.fingerprint, window: 24h }
  - { name: device_cards, aggregate: distinct, of: card.fingerprint, events: [attempt], by: context.device_id, window: 24h }
  - { name: ip_1h, aggregate: count, events: [attempt], by: context.ip, window: 1h }
  - { name: spent, aggregate: sum, currency: EUR, events: [approved], by: customer.id, window: 7d }
  - { name: declined, aggregate: count, events: [declined], by: customer.id, window: 24h }
rules:
`)
	for i := range 20 {
		when := []string{
			fmt.Sprintf(`velocity.card_1h > %d && velocity.card_24h > %d`, 3+i, 9+i),
			fmt.Sprintf(`velocity.device_cards >= %d || velocity.ip_1h > %d`, 4+i, 20+i),
			fmt.Sprintf(`velocity.spent > money("%d.00 EUR") && velocity.declined > 2`, 1000+i),
			fmt.Sprintf(`payment.amount > money("%d.00 EUR") && card.country != context.country`, 500+i),
		}[i%4]
		fmt.Fprintf(&text, "  - { name: rule_%d, when: '%s', outcome: step_up, on_missing: step_up, score: %d }\n", i, when, i)
	}
	set, err := rules.Compile([]rules.File{{Name: "rules.yaml", Text: []byte(text.String())}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	return set
}

// BenchmarkReplay reads lines, lets velocity answer, records outcomes and evaluates twenty rules.
func BenchmarkReplay(b *testing.B) {
	set := twentyRules(b)
	const events = 200_000
	var text bytes.Buffer
	random := uint64(1)
	draw := func(n uint64) uint64 {
		random = random*6364136223846793005 + 1442695040888963407
		return random >> 33 % n
	}
	for i := range events {
		at := 1772366404000 + i*200
		outcome := "approved_at"
		if draw(8) == 0 {
			outcome = "declined_at"
		}
		fmt.Fprintf(&text, `{"time":%d,"id":"pay_%08d","customer.id":"cus_%d","payment.amount":%d.%02d,"payment.currency":"EUR","card.fingerprint":"fp_%d","card.bin":"4%05d","card.country":"DE","context.country":"DE","context.ip":"10.%d.%d.7","context.device_id":"dev_%d","%s":%d}`+"\n",
			at, i, draw(50_000), 5+draw(300), draw(100), draw(60_000), draw(900), draw(250), draw(250), draw(55_000), outcome, at+2000)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		replay, err := New(Config{Definitions: set.Velocity(), Convert: noRates})
		if err != nil {
			b.Fatal(err)
		}
		evaluation, reader := set.NewEvaluation(), NewReader(bytes.NewReader(text.Bytes()))
		for range events {
			e, err := reader.Next()
			if err == nil {
				err = replay.Take(e)
			}
			if err != nil {
				b.Fatal(err)
			}
			evaluation.Evaluate(e.Input)
		}
	}
	b.ReportMetric(events*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
