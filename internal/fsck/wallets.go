package fsck

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// madeBy is what the rows of wallets, holds and rounds have in common: whose they are, and the records that made them.
type madeBy struct {
	ID               [16]byte
	Tenant, Customer string
	Version          int64
	Positions        []int64
}

// ascending says that the row names at least one record, each once and in order, the last of them as its version.
func (r *madeBy) ascending() bool {
	return inOrder(r.Positions) && r.Positions[len(r.Positions)-1] == r.Version
}

func (r *madeBy) place() (id [16]byte, positions []int64) { return r.ID, r.Positions }

// wallets checks wallets, holds and rounds against the fold of their events (W1, W2), and what is held against the ledger.
func (p *partitionCheck) wallets(ctx context.Context) error {
	for _, check := range []func(context.Context) error{p.walletRows, p.opened, p.holds, p.heldSums, p.rounds} {
		if err := check(ctx); err != nil {
			return fmt.Errorf("wallets: %w", err)
		}
	}
	return nil
}

type walletRow struct {
	madeBy
	Currencies string
	Closed     *int64
}

// walletRows checks who closed the wallets, and that each record that a row names opened or closed it.
func (p *partitionCheck) walletRows(ctx context.Context) error {
	return walkRows(ctx, p, `SELECT id, tenant, customer, version, positions, currencies, closed FROM wallets
WHERE partition = $1 AND id >= $2 ORDER BY id LIMIT $3`, func(r *walletRow, frames map[int64][]byte) {
		p.Counts.Wallets.Add(1)
		subject := "wallet of " + r.Tenant + " " + r.Customer
		p.home("wallet", subject, &r.madeBy, wallets.Key(r.Tenant, r.Customer))
		if len(r.Positions) == 0 && r.Version == 0 && r.Closed == nil {
			return // of the time before there were wallets: opened by payments
		}
		var closed *int64
		ok := p.fold("wallet", subject, &r.madeBy, frames, func(e *topics.WalletEvent, position int64) (bool, error) {
			if e.Type == topics.WalletClosed {
				closed = &position
			}
			return e.Type == topics.WalletClosed, nil
		}, func(e *topics.LedgerEntry) bool {
			for _, line := range e.Postings {
				if e.Tenant == r.Tenant && line.Owner == r.Customer && wallets.Opens(ledger.AccountCode(line.Code)) {
					return true
				}
			}
			return false
		})
		if ok && (closed == nil) != (r.Closed == nil) || ok && closed != nil && *closed != *r.Closed {
			p.problem("wallet", subject, "closed by %s, its events say by %s", recordAt(r.Closed), recordAt(closed))
		}
	})
}

func recordAt(position *int64) string {
	if position == nil {
		return "none"
	}
	return fmt.Sprint("record ", *position)
}

// opened checks that each wallet is open in exactly the currencies in which its customer has accounts.
func (p *partitionCheck) opened(ctx context.Context) error {
	type row struct{ Tenant, Customer, Currencies, Accounts string }
	rows, err := collect[row](ctx, p.checker, `
WITH known AS (
	SELECT tenant, owner, string_agg(currency, ' ' ORDER BY currency) AS currencies
	FROM (SELECT DISTINCT tenant, owner, currency FROM accounts WHERE partition = $1 AND code IN ('customer_wallet', 'customer_debt')) AS each
	GROUP BY tenant, owner
), stored AS (SELECT tenant, customer, currencies FROM wallets WHERE partition = $1)
SELECT COALESCE(stored.tenant, known.tenant), COALESCE(stored.customer, known.owner), COALESCE(stored.currencies, 'none'), COALESCE(known.currencies, 'none')
FROM stored FULL JOIN known ON known.tenant = stored.tenant AND known.owner = stored.customer
WHERE COALESCE(stored.currencies, 'none') <> COALESCE(known.currencies, 'none') ORDER BY 1, 2 LIMIT $2`, p.snapshot.partition, maxListed+1)
	if err != nil {
		return fmt.Errorf("compare wallets with accounts: %w", err)
	}
	for _, r := range listed(p, "wallet", rows) {
		p.problem("wallet", "wallet of "+r.Tenant+" "+r.Customer, "open in %s, its customer has accounts in %s", r.Currencies, r.Accounts)
	}
	return nil
}

type holdRow struct {
	madeBy
	Hold                       uuid.UUID
	Region, Currency           string
	Amount, Captured, Released int64
	ExpiresAt                  *time.Time
	timerRow
}

// holds folds each hold again and compares, its timer too.
func (p *partitionCheck) holds(ctx context.Context) error {
	return walkRows(ctx, p, `
SELECT h.id, h.tenant, h.customer, h.version, h.positions, h.hold, h.region, h.currency, h.amount, h.captured, h.released, h.expires_at,
	t.due, t.kind, t.generation
FROM holds h LEFT JOIN LATERAL (
	SELECT due, kind, generation FROM timers WHERE partition = h.partition AND payment = h.id AND tenant = h.tenant AND customer = h.customer LIMIT 1) t ON true
WHERE h.partition = $1 AND h.id >= $2 ORDER BY h.id LIMIT $3`, func(r *holdRow, frames map[int64][]byte) {
		p.Counts.Holds.Add(1)
		subject := "hold " + r.Hold.String()
		p.home("hold", subject, &r.madeBy, wallets.KeyOf(r.Tenant, r.Customer, r.Hold.String()))
		var h wallets.Hold
		ok := p.fold("hold", subject, &r.madeBy, frames, func(e *topics.WalletEvent, _ int64) (bool, error) {
			if !wallets.ChangesOf(e).Hold || e.Hold == nil || e.Hold.HoldID != r.Hold.String() {
				return false, nil
			}
			return true, h.Evolve(e)
		}, nil)
		if !ok {
			return
		}
		stored := wallets.Hold{ID: r.Hold.String(), Region: r.Region, Currency: ledger.Currency(r.Currency), Amount: r.Amount,
			Captured: r.Captured, Released: r.Released, Movements: len(r.Positions)}
		if r.ExpiresAt != nil {
			stored.ExpiresAt = r.ExpiresAt.UTC()
		}
		if stored != h {
			p.problem("hold", subject, "the row is %+v, the fold of its events gives %+v", stored, h)
		}
		p.holdTimer(subject, r, &h)
	})
}

func (p *partitionCheck) holdTimer(subject string, r *holdRow, h *wallets.Hold) {
	if r.Kind == nil {
		if h.Waits() {
			p.problem("timer", subject, "it expires at %s, there is no timer for it", stamp(h.ExpiresAt))
		}
		return
	}
	p.Counts.Timers.Add(1)
	if !h.Waits() || *r.Kind != string(topics.TimerHoldExpire) || *r.Generation != wallets.Generation || !r.Due.Equal(h.ExpiresAt) {
		p.problem("timer", subject, "there is a timer %s of generation %d due %s; %d is left of the hold, which expires at %s",
			*r.Kind, *r.Generation, stamp(*r.Due), h.Left(), stamp(h.ExpiresAt))
	}
}

// heldSums checks that what is left of a customer's holds in a currency, and what their payouts have set aside, is the balance
// of their account (W1, U1).
func (p *partitionCheck) heldSums(ctx context.Context) error {
	type row struct {
		Tenant, Customer, Currency string
		Held, Balance              string // numeric
	}
	rows, err := collect[row](ctx, p.checker, `
WITH held AS (
	SELECT tenant, customer, currency, sum(held) AS held FROM (
		SELECT tenant, customer, currency, amount - captured - released AS held FROM holds WHERE partition = $1
		UNION ALL SELECT tenant, customer, currency, reserved FROM payouts WHERE partition = $1 AND reserved <> 0) AS each
	GROUP BY tenant, customer, currency
), booked AS (SELECT tenant, owner, currency, -balance AS held FROM accounts WHERE partition = $1 AND code = 'customer_hold')
SELECT COALESCE(held.tenant, booked.tenant), COALESCE(held.customer, booked.owner), COALESCE(held.currency, booked.currency),
	COALESCE(held.held, 0)::text, COALESCE(booked.held, 0)::text
FROM held FULL JOIN booked ON booked.tenant = held.tenant AND booked.owner = held.customer AND booked.currency = held.currency
WHERE COALESCE(held.held, 0) <> COALESCE(booked.held, 0) ORDER BY 1, 2, 3 LIMIT $2`, p.snapshot.partition, maxListed+1)
	if err != nil {
		return fmt.Errorf("add up what is held: %w", err)
	}
	for _, r := range listed(p, "hold", rows) {
		p.problem("hold", "holds of "+r.Tenant+" "+r.Customer, "%s %s is left of them and set aside for payouts, their account holds %s", r.Held, r.Currency, r.Balance)
	}
	return nil
}

// home checks that a row stands under its own key, in its customer's partition.
func (p *partitionCheck) home(check, subject string, r *madeBy, key uuid.UUID) {
	if key != r.ID {
		p.problem(check, subject, "it stands under the key %x, its own is %x", r.ID, key)
	}
	if p.partitions > 0 {
		if home := topics.PartitionOf(r.Tenant, r.Customer, p.partitions); home != p.snapshot.partition {
			p.problem(check, subject, "its customer %s %s belongs to partition %d", r.Tenant, r.Customer, home)
		}
	}
}

// atHome says that home finds nothing.
func (p *partitionCheck) atHome(r *madeBy, key uuid.UUID) bool {
	return key == r.ID && (p.partitions == 0 || topics.PartitionOf(r.Tenant, r.Customer, p.partitions) == p.snapshot.partition)
}

// fold hands the customer's events, and the entries where the caller takes them, of each record that a row names to the
// caller, who tells which were the row's. ok is false where a problem makes the outcome worthless.
func (p *partitionCheck) fold(check, subject string, r *madeBy, frames map[int64][]byte,
	event func(e *topics.WalletEvent, position int64) (ours bool, err error), entry func(*topics.LedgerEntry) (ours bool)) (ok bool) {
	return p.records(check, subject, r, frames, func(position int64, outputs []stream.Output) (found bool, err error) {
		for i := range outputs {
			ours, err := foldOutput(r, &outputs[i], position, event, entry)
			if err != nil {
				return false, err
			}
			found = found || ours
		}
		return found, nil
	})
}

func foldOutput(r *madeBy, o *stream.Output, position int64, event func(*topics.WalletEvent, int64) (bool, error),
	entry func(*topics.LedgerEntry) bool) (bool, error) {
	switch {
	case o.Topic == topics.WalletEvents:
		var e topics.WalletEvent
		if err := topics.UnmarshalInPlace(o.Value, &e); err != nil {
			return false, fmt.Errorf("event %s: %w", o.Envelope.ID, err)
		}
		if e.Tenant != r.Tenant || e.CustomerID != r.Customer {
			return false, nil
		}
		return event(&e, position)
	case o.Topic == topics.Entries && entry != nil:
		var e topics.LedgerEntry
		if err := topics.UnmarshalInPlace(o.Value, &e); err != nil {
			return false, fmt.Errorf("entry %s: %w", o.Envelope.ID, err)
		}
		return entry(&e), nil
	}
	return false, nil
}

// walletPair is a record and a row of a table that one of its events changed.
type walletPair struct {
	table    string
	key      uuid.UUID
	position int64
	subject  string
}

// walletEvent checks an event for itself, and adds the rows that it changed to the pairs.
func (p *partitionCheck) walletEvent(o *stream.Output, position int64, pairs []walletPair) []walletPair {
	var e topics.WalletEvent
	err := topics.UnmarshalInPlace(o.Value, &e)
	if !p.caused(o, e.Caused(), position, err) {
		return pairs
	}
	if !wallets.Known(e.Type) {
		p.problem("log", "event "+o.Envelope.ID, "its type %.32q is none of a wallet's events", e.Type)
	}
	p.told.event(&e)
	changes := wallets.ChangesOf(&e)
	if changes.Limits {
		p.played(&e)
	}
	if changes.Wallet {
		pairs = append(pairs, walletPair{"wallets", wallets.Key(e.Tenant, e.CustomerID), position, "wallet of " + e.Tenant + " " + e.CustomerID})
	}
	if changes.Hold {
		if e.Hold == nil {
			p.problem("log", "event "+o.Envelope.ID, "it is of a hold and shows none")
			return pairs
		}
		pairs = append(pairs, walletPair{"holds", wallets.KeyOf(e.Tenant, e.CustomerID, e.Hold.HoldID), position, "hold " + e.Hold.HoldID})
	}
	if changes.Round {
		p.logged.event(p.seed, wallets.KeyOf(e.Tenant, e.CustomerID, e.RoundID), position, &e)
	}
	return pairs
}

// walletPairs checks that each row knows each record that changed it. The other direction is the fold's.
func (p *partitionCheck) walletPairs(ctx context.Context, pairs []walletPair) error {
	for _, table := range [...]string{"wallets", "holds", "rounds", "payouts", "payment_links", "disputes", "customers"} {
		var keys [][16]byte
		var positions []int64
		var subjects []string
		for i := range pairs {
			if pairs[i].table == table {
				keys, positions, subjects = append(keys, pairs[i].key), append(positions, pairs[i].position), append(subjects, pairs[i].subject)
			}
		}
		if len(keys) == 0 {
			continue
		}
		type row struct {
			Subject  string
			Position int64
			Missing  bool
		}
		rows, err := collect[row](ctx, p.checker, `
SELECT pair.subject, pair.position, t.id IS NULL
FROM unnest($2::uuid[], $3::int8[], $4::text[]) AS pair(key, position, subject)
LEFT JOIN LATERAL (SELECT id, positions FROM `+table+` WHERE partition = $1 AND id = pair.key LIMIT 1) t ON true
WHERE t.id IS NULL OR NOT (pair.position = ANY(t.positions))`, p.snapshot.partition, keys, positions, subjects)
		if err != nil {
			return fmt.Errorf("look events up in %s: %w", table, err)
		}
		for _, r := range rows {
			what := "its positions do not name it"
			if r.Missing {
				what = "there is no such row"
			}
			p.problem(strings.TrimSuffix(table, "s"), r.Subject, "the record at position %d changed it, but %s", r.Position, what)
		}
	}
	return nil
}
