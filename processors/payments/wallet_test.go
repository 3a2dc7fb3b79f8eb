package payments_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/internal/fsck"
	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/store"
	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// walletCommand is an assessed wallet command of anna in EUR, with what the type needs.
func walletCommand(n int, kind topics.WalletCommandType, amount int64, change func(*topics.WalletCommand)) *topics.AssessedWalletCommand {
	c := topics.WalletCommand{CommandID: id(n).String(), Type: kind, Tenant: "acme", CustomerID: "anna", Amount: amount, TraceID: "trace"}
	if amount > 0 {
		c.Currency = "EUR"
	}
	if kind == topics.WalletCredit || kind == topics.WalletDebit || kind == topics.WalletCaptureHold {
		c.Reason = topics.ReasonBonus
	}
	if change != nil {
		change(&c)
	}
	return &topics.AssessedWalletCommand{Command: c}
}

func walletEvents(t testing.TB, in *inbox) []topics.WalletEvent {
	t.Helper()
	return outputsOf[topics.WalletEvent](t, in.published, topics.WalletEvents)
}

// mixed is rounds of wallet commands and payments of the same customers. Ids of commands begin at 1.
func mixed(partitions int32) (rounds [4][]any) {
	random := rand.New(rand.NewPCG(3, 4))
	n := 0
	var holds []*topics.WalletCommand
	for customer := range 3 { // they spend, at the beginning of the second round, all that is available
		for amount := int64(1 << 16); amount > 0; amount /= 2 {
			n++
			rounds[1] = append(rounds[1], walletCommand(n, topics.WalletDebit, amount, func(c *topics.WalletCommand) {
				c.CustomerID = fmt.Sprintf("customer-%d", customer)
			}))
		}
	}
	next := func(round int, kind topics.WalletCommandType, amount int64, hold string) string {
		n++
		rounds[round] = append(rounds[round], walletCommand(n, kind, amount, func(c *topics.WalletCommand) { c.CustomerID, c.HoldID = "customer-5", hold }))
		return id(n).String()
	}
	next(0, topics.WalletCredit, 9000, "")
	next(0, topics.WalletCaptureHold, 5001, next(0, topics.WalletHold, 5000, ""))
	for i := range rounds {
		for range 70 {
			n++
			customer := fmt.Sprintf("customer-%d", random.IntN(6))
			if n%9 == 0 { // an event with the id of the command beside it
				rounds[i] = append(rounds[i], login(n, func(v *topics.AssessedCustomerEvent) {
					v.Event.CustomerID, v.AssessedAt = customer, start.AddDate(1, 0, 0) // whatever months are closed before it
				}))
			}
			if random.IntN(6) == 0 {
				c := create(n, customer, topics.CaptureAutomatic)
				c.Gaming = gamingTerms(customer)
				rounds[i] = append(rounds[i], c)
				if i+1 < len(rounds) { // a refund of a part of it, which takes from the wallet
					n++
					payment := topics.PaymentID{Partition: topics.PartitionOf("acme", customer, partitions), UUID: id(n - 1)}.String()
					refund := &topics.AssessedCommand{Command: topics.Command{CommandID: id(n).String(),
						Type: topics.CommandRefund, Tenant: "acme", CustomerID: customer, PaymentID: payment, Amount: 3000, Currency: "EUR"}}
					if d := ruled(n, topics.StageRefund); d != nil {
						refund.Decision = *d
					}
					rounds[i+1] = append(rounds[i+1], refund)
				}
				continue
			}
			kinds := []topics.WalletCommandType{topics.WalletCredit, topics.WalletCredit, topics.WalletDebit, topics.WalletDebit, topics.WalletHold,
				topics.WalletHold, topics.WalletCaptureHold, topics.WalletReleaseHold, topics.WalletRollbackRound, topics.WalletClose, topics.WalletSetLimit}
			c := walletCommand(n, kinds[random.IntN(len(kinds))], 0, func(c *topics.WalletCommand) { c.CustomerID = customer })
			fill(&c.Command, random, holds)
			c.Gaming, c.Decision = gamingTerms(customer), ruled(n, topics.StageWallet)
			if c.Command.Type == topics.WalletHold {
				holds = append(holds, &c.Command)
			}
			rounds[i] = append(rounds[i], c)
		}
	}
	addPayouts(&rounds, partitions)
	addLinks(&rounds, partitions)
	addDisputes(&rounds, partitions)
	addMethods(&rounds, partitions)
	addMandates(&rounds, partitions)
	addCustomers(&rounds)
	return rounds
}

// ruled is a decision on every third command: one of each outcome in turn.
func ruled(n int, stage topics.Stage) *topics.Decision {
	if n%3 != 0 {
		return nil
	}
	outcomes := []topics.Outcome{topics.OutcomePass, topics.OutcomeHold, topics.OutcomeAllow, topics.OutcomeBlock}
	return &topics.Decision{CommandID: id(n).String(), Stage: stage, Outcome: outcomes[n/3%4], Reasons: []string{"a_rule"}, RuleSet: "abc", Evaluated: 2}
}

// gamingTerms are those of customers of a brand with limits; the others' brand has none.
func gamingTerms(customer string) *topics.GamingTerms {
	if customer < "customer-4" {
		return nil
	}
	limit := func(kind topics.GamingKind, period topics.GamingPeriod, minor int64) topics.GamingTerm {
		return topics.GamingTerm{Kind: kind, Period: period, Amounts: map[string]int64{"EUR": minor, "JPY": minor}, Outcome: topics.OutcomeBlock}
	}
	return &topics.GamingTerms{Day: "2026-03-01", TimeZone: "Europe/Malta", Limits: []topics.GamingTerm{
		limit(topics.GamingDeposit, topics.GamingWeek, 30_000), limit(topics.GamingLoss, topics.GamingDay, 5_000)}}
}

// fill gives a command what its type needs. A capture or release is of a hold of anybody, or of none.
func fill(c *topics.WalletCommand, random *rand.Rand, holds []*topics.WalletCommand) {
	switch c.Type {
	case topics.WalletCredit, topics.WalletDebit, topics.WalletHold:
		c.Amount, c.Currency = 1+random.Int64N(6000), []string{"EUR", "EUR", "JPY"}[random.IntN(3)]
	case topics.WalletSetLimit:
		c.Limit = &topics.LimitRequest{Kind: topics.GamingLoss, Period: topics.GamingDay}
		c.Amount, c.Currency = 1_000*(1+random.Int64N(9)), "EUR"
	case topics.WalletCaptureHold, topics.WalletReleaseHold:
		c.HoldID = id(999_999).String()
		if len(holds) > 0 {
			of := holds[random.IntN(len(holds))]
			c.HoldID, c.CustomerID = of.CommandID, of.CustomerID
		}
		if c.Type == topics.WalletCaptureHold && random.IntN(2) == 0 {
			c.Amount, c.Currency = 1+random.Int64N(7000), "EUR"
		}
	}
	if (c.Reason != "" && random.IntN(2) == 0) || c.Type == topics.WalletRollbackRound {
		if c.RoundID = fmt.Sprint("round-", random.IntN(4)); c.Reason != "" {
			c.Reason = topics.ReasonGame
		}
	}
	if c.Type == topics.WalletHold && random.IntN(2) == 0 {
		c.ExpiresAt = start.Add(time.Hour)
	}
	if c.Reason != "" && random.IntN(3) == 0 { // of the last month, which is closed meanwhile
		c.EffectiveAt = start.AddDate(0, -1, 0)
	}
}

// Where variants give records the same positions, the chains of the ledger end in the same heads, too.
func TestVariantsOfWalletsEndInTheSameState(t *testing.T) {
	variants := []variant{
		{name: "one by one", partitions: 1, batch: 1},
		{name: "large batches", partitions: 1, batch: 1000},
		{name: "restarts", partitions: 1, batch: 50, restart: true},
		{name: "every input twice", partitions: 1, batch: 13, repeat: true},
		{name: "every input twice, restarts", partitions: 1, batch: 29, repeat: true, restart: true},
		{name: "five partitions", partitions: 5, batch: 20},
		{name: "five partitions, one by one, a cache of two", partitions: 5, batch: 1, cache: 2},
		{name: "a cache of two", partitions: 1, batch: 3, cache: 2},
		{name: "customers in another order", partitions: 1, batch: 17, shuffle: true},
		{name: "all at once", partitions: 3, batch: 11, restart: true, repeat: true, shuffle: true, cache: 2},
	}
	type positions struct {
		partitions      int32
		repeat, shuffle bool
	}
	want, heads := "", map[positions]string{}
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			got, chained := runMixed(t, v)
			if want == "" {
				want = got
				checkMixture(t, got)
			}
			if got != want {
				t.Fatalf("differs from %q:\n%s", variants[0].name, difference(want, got))
			}
			of := positions{v.partitions, v.repeat, v.shuffle}
			if heads[of] == "" {
				heads[of] = chained
			}
			if chained != heads[of] {
				t.Errorf("the chains end in\n%swith the same positions before in\n%s", chained, heads[of])
			}
		})
	}
}

// checkMixture sees to it that the traffic reaches enough.
func checkMixture(t *testing.T, dump string) {
	for _, part := range []string{
		" credited  ", " debited  ", " limit_set  ", " loss_limit ", " blocked {", `"lost":`, `"settings":[{`, " held  ", " hold_captured  ", " hold_released  ", " hold_expired  ", " round_rolled_back  ", " unknown_account ", " currency_mismatch ", " finished ",
		" exceeds_authorized ", " insufficient_funds ", " wrong_state ", "customer_debt", "closed 2026-02 EUR game_revenue",
		"balance retained_earnings  EUR", " captured {", " partially_refunded {",
		" blocked payout blocked ", " held payout held ", " released payout ", " rejected payout ", " cancelled payout ", " expired payout ",
		" paid payout paid ", " failed payout failed ", " queued payout queued ", " returned payout returned ", " won dispute won ", " accepted dispute accepted ", " funds_withdrawn dispute lost ", " closed_loop ", "some was paid out",
		" unapplied_received ", " unapplied_returned ", " returned ", " stray_released ", " late_capture ", " duplicate_operation ", " payment_returned ",
		" mandate_activated ", " mandate_failed ", " mandate_revoked ", " attempt_declined ", " queued  ", " mandate_not_active ", " exceeds_mandate ",
		" use_released  ", " use_captured  ",
	} {
		if !strings.Contains(dump, part) {
			t.Errorf("nothing in the traffic leads to %s:\n%s", part, dump)
		}
	}
}

// runMixed sends the traffic through a variant and returns what is stored and what was told, and the heads of the chains.
func runMixed(t *testing.T, v variant) (state, heads string) {
	t.Helper()
	db, inboxes := playMixed(t, v)
	return strings.Join(slices.Concat(storedOf(t, db), toldOf(t, inboxes), toldOfPayments(t, inboxes)), "\n"), headsOf(t, db, v.partitions)
}

// playMixed sends the traffic through a variant, closes months meanwhile and lets every hold run out.
func playMixed(t *testing.T, v variant) (*database.DB, []*inbox) {
	t.Helper()
	db := databasetest.New(t)
	var due []topics.TimerDue
	program := newProgram(t, db, v.partitions, func(c *payments.Config) { c.CachePayments, c.CacheWallets, c.CacheBytes = v.cache, v.cache, v.cache })
	inboxes := make([]*inbox, v.partitions)
	for i := range inboxes {
		inboxes[i] = newInbox(t, db, program, int32(i))
	}
	schemas := schematest.Compile(t)
	for i, round := range mixed(v.partitions) {
		if v.shuffle {
			round = reordered(round)
		}
		for _, value := range round {
			switch c := value.(type) {
			case *topics.AssessedCommand:
				inboxes[topics.PartitionOf("acme", c.Command.CustomerID, v.partitions)].twice(v.repeat, topics.TypeAssessedCommand, c)
			case *topics.AssessedCustomerEvent:
				inboxes[topics.PartitionOf("acme", c.Event.CustomerID, v.partitions)].twice(v.repeat, topics.TypeAssessedCustomerEvent, c)
			case *topics.AssessedWalletCommand:
				inboxes[topics.PartitionOf("acme", c.Command.CustomerID, v.partitions)].twice(v.repeat, topics.TypeAssessedWallet, c)
			case *topics.AssessedPayoutCommand:
				inboxes[topics.PartitionOf("acme", c.Command.CustomerID, v.partitions)].twice(v.repeat, topics.TypeAssessedPayout, c)
			case *topics.AssessedLinkCommand:
				inboxes[topics.PartitionOf("acme", c.Command.CustomerID, v.partitions)].twice(v.repeat, topics.TypeAssessedLink, c)
			case *topics.AssessedDisputeCommand:
				inboxes[topics.PartitionOf("acme", c.Command.CustomerID, v.partitions)].twice(v.repeat, topics.TypeAssessedDispute, c)
			case *topics.CustomerCommand:
				inboxes[topics.PartitionOf("acme", c.CustomerID, v.partitions)].twice(v.repeat, topics.TypeCustomerCommand, c)
			case *topics.PSPReport:
				inboxes[topics.PartitionOf("acme", c.CustomerID, v.partitions)].twice(v.repeat, topics.TypePSPReport, c)
			}
		}
		for settle(t, v, inboxes, schemas) {
		}
		if i == 1 {
			unaskedRefunds(inboxes, v)
			for settle(t, v, inboxes, schemas) {
			}
		}
		if i > 0 {
			month := ledger.MonthOf(start.AddDate(0, i-3, 0)) // the one before the last, then the last, then one that is not over
			for _, in := range inboxes {
				in.twice(v.repeat, topics.TypePeriodClose, topics.PeriodClose{CommandID: id(900_000 + i).String(), Tenant: "acme",
					Month: month.String(), RequestedBy: "ana", ApprovedBy: "bo"})
			}
		}
	}
	for _, d := range slices.Concat(dueTimers(t, db), payoutTimers(t, db), retryTimers(t, db)) {
		due = append(due, d)
		inboxes[topics.PartitionOf("acme", d.CustomerID, v.partitions)].twice(v.repeat, topics.TypeTimerDue, d)
	}
	for settle(t, v, inboxes, schemas) {
	}
	if n := count(t, db, `timers WHERE kind = 'hold_expire'`); n != 0 || len(due) == 0 {
		t.Errorf("%d timers ran out, %d are left", len(due), n)
	}
	for _, in := range inboxes {
		wantSound(t, in)
	}
	checkChain(t, db, v.partitions)
	return db, inboxes
}

// headsOf are the heads of the chains of a database.
func headsOf(t *testing.T, db *database.DB, partitions int32) (heads string) {
	t.Helper()
	for partition := range partitions {
		head, err := store.Head(t.Context(), db.Pool, partition)
		if err != nil && count(t, db, fmt.Sprintf("entries WHERE partition = %d", partition)) > 0 {
			t.Fatal(err)
		}
		heads += fmt.Sprintf("%d of %d entries: %x\n", partition, head.Entries, head.Hash)
	}
	return heads
}

// reordered puts the records of a round into another order, in which those of each customer keep theirs.
func reordered(round []any) []any {
	of := map[string][]any{}
	var order []string // whose turn it is
	for _, value := range round {
		customer := ""
		switch c := value.(type) {
		case *topics.AssessedCommand:
			customer = c.Command.CustomerID
		case *topics.AssessedWalletCommand:
			customer = c.Command.CustomerID
		case *topics.AssessedCustomerEvent:
			customer = c.Event.CustomerID
		case *topics.AssessedPayoutCommand:
			customer = c.Command.CustomerID
		case *topics.AssessedLinkCommand:
			customer = c.Command.CustomerID
		case *topics.AssessedDisputeCommand:
			customer = c.Command.CustomerID
		case *topics.CustomerCommand:
			customer = c.CustomerID
		case *topics.PSPReport:
			customer = c.CustomerID
		}
		of[customer] = append(of[customer], value)
		order = append(order, customer)
	}
	rand.New(rand.NewPCG(5, 6)).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	var all []any
	for _, customer := range order {
		all = append(all, of[customer][0])
		of[customer] = of[customer][1:]
	}
	return all
}

// unaskedRefunds has the PSP refund what nobody asked to refund, so that customers who have spent it owe it.
func unaskedRefunds(inboxes []*inbox, v variant) {
	for _, in := range inboxes {
		seen := map[string]bool{}
		for _, o := range in.outputsInOrder() {
			if o.Topic != topics.PSPRequests {
				continue
			}
			var r topics.PSPRequest
			if topics.Unmarshal(o.Value, &r) != nil || seen[r.PaymentID] {
				continue
			}
			seen[r.PaymentID] = true
			report := answer(&r)
			report.Operation, report.RequestID, report.Amount, report.Captured = topics.OperationRefund, "", 6_000, false
			report.Outcome, report.DeclineCode, report.ReportID = topics.PSPApproved, "", deliveryOf(&topics.PSPRequest{RequestID: "unasked" + r.PaymentID[9:]})
			in.twice(v.repeat, topics.TypePSPReport, report)
		}
	}
}

func (in *inbox) outputsInOrder() (all []stream.Output) {
	for _, r := range in.folded {
		all = append(all, in.outputs[r.Position]...)
	}
	return all
}

// dueTimers are the holds' timers, in the order of their customers.
func dueTimers(t *testing.T, db *database.DB) (due []topics.TimerDue) {
	t.Helper()
	rows, err := db.Pool.Query(t.Context(), `SELECT replace(payment::text, '-', ''), due, generation, tenant, customer FROM timers
WHERE kind = 'hold_expire' ORDER BY payment`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		d := topics.TimerDue{TimerID: "timer", Kind: topics.TimerHoldExpire}
		if err := rows.Scan(&d.HoldKey, &d.Due, &d.Generation, &d.Tenant, &d.CustomerID); err != nil {
			t.Fatal(err)
		}
		d.Due = d.Due.UTC()
		due = append(due, d)
	}
	return due
}

// wantSound has fsck look at a partition, with the rows that the runtime writes beside the fold's.
func wantSound(t *testing.T, in *inbox) {
	t.Helper()
	writeLog(t, in)
	if _, err := in.db.Pool.Exec(t.Context(), `INSERT INTO stream_positions (role, partition, next, base, topic_id, last_hash, format)
VALUES ($1, $2, $3, 0, '', '', $4)`, payments.Role, in.partition, in.next, payments.Format); err != nil {
		t.Fatal(err)
	}
	var problems []string
	if _, err := fsck.Run(t.Context(), fsck.Config{Database: in.db, Problem: func(p fsck.Problem) {
		if p.Partition == in.partition {
			problems = append(problems, p.String())
		}
	}}); err != nil || len(problems) > 0 {
		t.Errorf("fsck: %v, %d problems:\n%s", err, len(problems), strings.Join(problems[:min(len(problems), 20)], "\n"))
	}
}

// storedOf is what is stored of payments and wallets, and all balances, without what tells of positions and partitions.
func storedOf(t *testing.T, db *database.DB) []string {
	t.Helper()
	lines := strings.Split(dump(t, db), "\n")
	for _, query := range []string{
		`SELECT 'wallet', tenant, customer, currencies, closed IS NOT NULL FROM wallets`,
		`SELECT 'hold', hold::text, customer, currency, amount, captured, released FROM holds`,
		`SELECT 'round', round, customer, currency, net, rolled_back, array_length(positions, 1) FROM rounds`,
		`SELECT 'payout', id::text, customer, status, currency, reserved, array_length(positions, 1) FROM payouts`,
		`SELECT 'link', id::text, customer, status, regexp_replace(state, '"(latest|updated_at|created_at|due)":"[^"]*"', '', 'g'), array_length(positions, 1) FROM payment_links`,
		`SELECT 'customer', customer, regexp_replace(state, '"(event_id|created_at|updated_at)":"[^"]*"', '', 'g'), array_length(positions, 1) FROM customers`,
		`SELECT 'source', customer, CASE WHEN state ~ '"[A-Z]{3}",[0-9]+,[1-9]' THEN 'some was paid out' ELSE '' END, regexp_replace(state, '"[0-9-]+T[^"]*","[^"]*"', '', 'g') FROM deposit_sources`,
		`SELECT 'dispute', payment::text, customer, status, currency, taken, array_length(positions, 1) FROM disputes`,
		`SELECT DISTINCT 'closed period', tenant, month FROM closed_periods`,
		// Times of records, by which time is counted and raises wait, differ between variants.
		`SELECT 'limits', customer, regexp_replace(state, '("from"|"seconds"|"last_stake_ms"):("[^"]*"|[0-9]*)', '\1', 'g') FROM customer_limits`,
	} {
		for line := range strings.Lines(table(t, db, query)) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	slices.Sort(lines)
	return lines
}

// toldOf is what each customer was told, in order, and the trial balances of the months that were closed.
func toldOf(t *testing.T, inboxes []*inbox) []string {
	t.Helper()
	lines := monthsClosed(t, inboxes)
	slices.Sort(lines)
	told := map[string][]string{}
	for _, in := range inboxes {
		for _, e := range outputsOf[topics.WalletEvent](t, in.outputsInOrder(), topics.WalletEvents) {
			told[e.CustomerID] = append(told[e.CustomerID], fmt.Sprintf("%s told %s %s  %s %d %s %v", e.CustomerID, e.CommandID, e.Type, e.Refusal,
				e.Amount, e.Currency, e.Balance))
		}
		for _, e := range outputsOf[topics.PayoutEvent](t, in.outputsInOrder(), topics.PayoutEvents) {
			told[e.CustomerID] = append(told[e.CustomerID], fmt.Sprintf("%s told %s %s payout %s %s %d %s %v", e.CustomerID, e.CommandID, e.Type, e.Status, e.Refusal,
				e.Amount, e.Currency, e.Balance))
		}
		for _, e := range outputsOf[topics.DisputeEvent](t, in.outputsInOrder(), topics.DisputeEvents) {
			told[e.CustomerID] = append(told[e.CustomerID], fmt.Sprintf("%s told %s %s dispute %s %s %d %v", e.CustomerID, e.CommandID, e.Type, e.Status, e.Refusal,
				e.Amount, e.Balance))
		}
		for _, d := range outputsOf[topics.Decision](t, in.outputsInOrder(), topics.Decisions) {
			if d.Stage == topics.StageWallet || d.Stage == topics.StagePayout {
				told[d.CustomerID] = append(told[d.CustomerID], fmt.Sprintf("%s decided %s %s %s", d.CustomerID, d.CommandID, d.Outcome, d.ApprovedBy))
			}
			if d.EventID != "" {
				told[d.CustomerID] = append(told[d.CustomerID], fmt.Sprintf("%s event %s %s", d.CustomerID, d.EventID, d.Outcome))
			}
		}
	}
	for i := range 6 {
		for j, line := range told[fmt.Sprintf("customer-%d", i)] {
			lines = append(lines, fmt.Sprintf("%d %s", j, line))
		}
	}
	return lines
}

// monthsClosed is the trial balance of each month that was closed, of all partitions together.
func monthsClosed(t *testing.T, inboxes []*inbox) (lines []string) {
	t.Helper()
	sums := map[string]int64{}
	for _, in := range inboxes {
		for _, c := range outputsOf[topics.PeriodClosed](t, in.outputsInOrder(), topics.LedgerPeriods) {
			sums["closed "+c.Month+" answers "+string(c.Refusal)+"/"]++
			for _, line := range c.Lines {
				sums[fmt.Sprintf("closed %s %s %s", c.Month, line.Currency, line.Code)] += line.Amount
			}
		}
	}
	for what, sum := range sums {
		if strings.HasSuffix(what, "/") {
			sum /= int64(len(inboxes)) // each answers
		}
		if sum != 0 {
			lines = append(lines, fmt.Sprintf("%s %d", what, sum))
		}
	}
	return lines
}

func TestAHoldRunsOut(t *testing.T) {
	db := databasetest.New(t)
	sent := make(chan topics.TimerDue, 1)
	program := newProgram(t, db, 1, func(c *payments.Config) {
		c.TimerInterval = time.Hour
		c.Produce = func(_ context.Context, _ int32, due topics.TimerDue) error { sent <- due; return nil }
	})
	in := newInbox(t, db, program, 0)
	in.put(topics.TypeAssessedWallet, walletCommand(1, topics.WalletCredit, 100, nil))
	in.put(topics.TypeAssessedWallet, walletCommand(2, topics.WalletHold, 60, func(c *topics.WalletCommand) {
		c.ExpiresAt, c.Region = start.Add(time.Hour), "eu"
	}))
	in.fold(10)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- in.state.(stream.Backgrounder).Background(ctx) }()
	due := <-sent
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if due.Kind != topics.TimerHoldExpire || due.PaymentID != "" || !due.Due.Equal(start.Add(time.Hour)) || due.CustomerID != "anna" {
		t.Fatalf("timer %+v", due)
	}
	in.put(topics.TypeTimerDue, due)
	in.put(topics.TypeTimerDue, due)
	in.fold(10)
	events := walletEvents(t, in)
	last := events[len(events)-1]
	if len(events) != 3 || last.Type != topics.WalletHoldExpired || last.Region != "eu" || *last.Balance != (topics.WalletBalance{Available: 100}) {
		t.Fatalf("events %+v", events)
	}
	if n := count(t, db, "timers"); n != 0 {
		t.Errorf("%d timers are left", n)
	}
	wantSound(t, in)
}
