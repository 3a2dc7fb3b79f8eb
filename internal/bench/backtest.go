package bench

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/weirhq/weir/internal/backtest"
	"github.com/weirhq/weir/rules"
	replayed "github.com/weirhq/weir/rules/backtest"
)

// historyEvents is how many attempts the history of one run has; each has an outcome two seconds later.
const (
	historyEvents = 500_000
	historyRuns   = 3
)

// backtest measures weir rules backtest: twenty rules with velocity by four fields, on lines that are read, answered and
// evaluated in this process. It is counted by the time that processors work, the collection of garbage included, as one
// core would take it.
func (b *bench) backtest(context.Context) error {
	set, err := rules.Compile([]rules.File{{Name: "rules.yaml", Text: []byte(twentyRules())}}, nil)
	if err != nil {
		return err
	}
	text := history()
	var rates []int64
	for range historyRuns {
		before, err := processorTime()
		if err != nil {
			return err
		}
		r, err := backtest.Run(backtest.Config{Source: replayed.NewReader(bytes.NewReader(text)), Input: "made-up history", Set: set, Cards: 100})
		if err != nil {
			return err
		}
		after, err := processorTime()
		if err != nil {
			return err
		}
		rates = append(rates, r.History.Attempts*int64(time.Second)/int64(after-before))
	}
	b.figure("backtest, 20 rules with velocity", "/s per core", "≥ 300000", rates...)
	return nil
}

// processorTime is how long processors have worked for this process.
func processorTime() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("processor time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// twentyRules are such as a card business has.
func twentyRules() string {
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
	return text.String()
}

// history is lines of attempts, five a second, with tens of thousands of cards, customers, devices and addresses.
func history() []byte {
	var text []byte
	random := uint64(1)
	draw := func(n uint64) uint64 {
		random = random*6364136223846793005 + 1442695040888963407
		return random >> 33 % n
	}
	for i := range int64(historyEvents) {
		at := 1_772_366_404_000 + i*200
		outcome := "approved_at"
		if draw(8) == 0 {
			outcome = "declined_at"
		}
		text = fmt.Appendf(text, `{"time":%d,"id":"pay_%08d","customer.id":"cus_%d","payment.amount":%d.%02d,"payment.currency":"EUR",`+
			`"card.fingerprint":"fp_%d","card.bin":"4%05d","card.country":"DE","context.country":"DE","context.ip":"10.%d.%d.7",`+
			`"context.device_id":"dev_%d","%s":%d}`+"\n", at, i, draw(50_000), 5+draw(300), draw(100), draw(60_000), draw(900),
			draw(250), draw(250), draw(55_000), outcome, at+2000)
	}
	return text
}
