package demo

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/weirhq/weir/internal/engine"
	"github.com/weirhq/weir/internal/fsck"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// report is what the demo says at its end.
type report struct {
	Options
	engine  *engine.Engine
	tenant  string
	board   *scoreboard
	seen    *observed
	wallets *walletSide
	payouts *payoutSide
	ways    []bool // those that came to their end
	took    time.Duration
}

// What the report shows at most: lines of one payment's life, and problems of the traffic.
const (
	linesOfLife  = 10
	mostProblems = 20
)

func (r *report) write(ctx context.Context) (problems int, err error) {
	out := r.Report
	fmt.Fprintf(out, "\n%d payments, half over Kafka, half over HTTP, in %.1f s (seed %d); %d repeated HTTP requests got the same answer.\n",
		r.Payments, r.took.Seconds(), r.Seed, r.board.repeats)
	sections := []struct {
		title string
		write func(context.Context, io.Writer) error
	}{
		{"Payments by status, declines by code", r.payments},
		{"Wallet commands by type, what became of them, refusals by code", r.walletCommands},
		{"Payouts by status, refusals by code", r.payoutsOf},
		{"Other ways to pay", r.waysToPay},
		{"Decisions by rule (each create and each authorize is one)", r.decisions},
		{"Latency, command to answer (unanswered PSP calls and the wait for their outcome included)", r.latency},
		{"Trial balance (debit +, credit -)", r.trialBalance},
		{"One payment's life", r.life},
		{"Checks", r.check},
	}
	for _, s := range sections {
		fmt.Fprintf(out, "\n%s\n", s.title)
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		if err := s.write(ctx, table); err != nil {
			return 0, fmt.Errorf("report: %s: %w", s.title, err)
		}
		if err := table.Flush(); err != nil {
			return 0, err
		}
	}
	r.next(out)
	return len(r.board.problems), nil
}

func (r *report) payments(ctx context.Context, out io.Writer) error {
	statuses, declines := map[topics.PaymentStatus]int{}, map[string]int{}
	total := 0
	for cursor := ""; ; {
		page, next, err := view.List(ctx, r.engine.Database.Pool, r.tenant, view.Filter{}, cursor, view.MaxLimit)
		if err != nil {
			return err
		}
		for _, intent := range page {
			total++
			statuses[intent.Status]++
			if intent.Status == topics.StatusDeclined {
				declines[declineName(intent)]++
			}
		}
		if cursor = next; next == "" {
			break
		}
	}
	for _, s := range sorted(statuses) {
		fmt.Fprintf(out, "  %d\t %s\n", statuses[s], s)
	}
	for _, code := range sorted(declines) {
		fmt.Fprintf(out, "  %d\t declined: %s\n", declines[code], code)
	}
	if len(r.Brokers) == 0 && total != r.Payments+r.payouts.all+paymentsByWays() {
		r.board.problem("the database holds %d payments, %d were created", total, r.Payments+r.payouts.all+paymentsByWays())
	}
	return nil
}

func declineName(i *view.Intent) string {
	if i.HardDecline {
		return i.DeclineCode + " (hard)"
	}
	return i.DeclineCode + " (soft)"
}

func (r *report) decisions(_ context.Context, out io.Writer) error {
	for _, outcome := range sorted(r.seen.outcomes) {
		fmt.Fprintf(out, "  %d\t outcome %s\n", r.seen.outcomes[outcome], outcome)
	}
	for _, rule := range sorted(r.seen.rules) {
		fmt.Fprintf(out, "  %d\t %s\n", r.seen.rules[rule], rule)
	}
	return nil
}

func (r *report) walletCommands(_ context.Context, out io.Writer) error {
	for _, kind := range sorted(r.wallets.commands) {
		fmt.Fprintf(out, "  %d\t %s\n", r.wallets.commands[kind], kind)
	}
	for _, kind := range sorted(r.wallets.happened) {
		fmt.Fprintf(out, "  %d\t became %s\n", r.wallets.happened[kind], kind)
	}
	for _, code := range sorted(r.wallets.refusals) {
		fmt.Fprintf(out, "  %d\t refused: %s\n", r.wallets.refusals[code], code)
	}
	return nil
}

func (r *report) latency(_ context.Context, out io.Writer) error {
	fmt.Fprintf(out, "  \tp50\tp95\tp99\t\n")
	for _, side := range []struct {
		name string
		of   []time.Duration
	}{
		{"HTTP create and authorise", r.board.overHTTP},
		{"Kafka command to event, read_committed", r.board.overBus},
	} {
		fmt.Fprintf(out, "  %s\t%s\t%s\t%s\t\n", side.name, milliseconds(quantile(side.of, 500)),
			milliseconds(quantile(side.of, 950)), milliseconds(quantile(side.of, 990)))
	}
	return nil
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

func (r *report) trialBalance(ctx context.Context, out io.Writer) error {
	rows, err := r.engine.Database.Pool.Query(ctx, `SELECT code, currency, CAST(sum(balance) AS int8) FROM accounts
		WHERE tenant = $1 GROUP BY code, currency ORDER BY currency, code`, r.tenant)
	if err != nil {
		return err
	}
	defer rows.Close()
	sums := map[ledger.Currency]int64{}
	for rows.Next() {
		var code string
		var currency ledger.Currency
		var balance int64
		if err := rows.Scan(&code, &currency, &balance); err != nil {
			return err
		}
		sums[currency] += balance
		if balance == 0 {
			continue
		}
		fmt.Fprintf(out, "  %s\t %s\t\n", code, ledger.Money{Minor: balance, Currency: currency})
	}
	for currency, sum := range sums {
		if sum != 0 {
			r.board.problem("trial balance: the balances in %s sum to %d", currency, sum)
		}
	}
	fmt.Fprintf(out, "  debits equal credits in %d currencies\t\t\n", len(sums))
	return rows.Err()
}

func (r *report) life(_ context.Context, out io.Writer) error {
	id := r.board.examples[lifeOf]
	events := r.seen.lives[id]
	fmt.Fprintf(out, "  %s\n  time\t event\t amount\t status after it\t\n", id)
	for i := range events[:min(len(events), linesOfLife)] {
		e := &events[i]
		amount := ""
		if e.Amount != 0 {
			amount = ledger.Money{Minor: e.Amount, Currency: ledger.Currency(e.Currency)}.String()
		}
		fmt.Fprintf(out, "  %s\t %s\t %s\t %s\t\n", e.At.Format("15:04:05.000"), e.Type, amount, e.Status)
	}
	return nil
}

func (r *report) check(ctx context.Context, out io.Writer) error {
	for i, p := range r.board.problems {
		if i == mostProblems {
			fmt.Fprintf(out, "  … and %d more\n", len(r.board.problems)-i)
			break
		}
		fmt.Fprintf(out, "  problem: %s\n", p)
	}
	found := 0
	counts, err := fsck.Run(ctx, fsck.Config{Database: r.engine.Database, Kafka: r.engine.Kafka,
		Problem: func(p fsck.Problem) {
			found++
			r.board.problem("fsck: %s", p)
			fmt.Fprintf(out, "  %s\n", p)
		}})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "  every payment ended as its story has it: %d of %d\n", r.ended(), r.Payments)
	fmt.Fprintf(out, "  every wallet holds what its story has: %d of %d\n", r.wallets.right, len(r.wallets.players))
	fmt.Fprintf(out, "  every payout ended as its story has it, and the wallet with it: %d of %d\n", r.payouts.right, r.payouts.all)
	fmt.Fprintf(out, "  every other way to pay came to its end: %d of %d\n", r.gone(), len(ways))
	fmt.Fprintf(out, "  checked: %s\n", counts)
	fmt.Fprintf(out, "  fsck: %d problems\n", found)
	return nil
}

func (r *report) ended() int {
	ended := 0
	for _, n := range r.board.stories {
		ended += n
	}
	return ended
}

func (r *report) next(out io.Writer) {
	fmt.Fprint(out, `
What to try next
  make run            leaves the engine serving, with its data in ./data; then, in another terminal:
  curl -sX POST http://127.0.0.1:8080/v1/intents -H 'Authorization: Bearer demo-key-for-development' \
    -H 'Idempotency-Key: order-1' -H 'Content-Type: application/json' \
    -d '{"customer_id":"cus_1","amount":1050,"currency":"EUR","authorize":true,"card":{"token":"tok_approved"}}'
  cp -r testdata/rules myrules; bin/weir run --rules myrules    serves with rules of your own:
  edit myrules/deposits.yaml meanwhile; bin/weir rules test myrules says what is wrong with it.
`)
}
