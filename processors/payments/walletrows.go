package payments

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	ledgerstore "github.com/weirhq/weir/ledger/store"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/topics"
)

var (
	lookUpWallets = database.NewLookup("tenant, customer, currencies, closed, version", "wallets")
	lookUpHolds   = database.NewLookup("id, hold, tenant, customer, region, currency, amount, captured, released, expires_at, version, array_length(positions, 1)", "holds")
	lookUpRounds  = database.NewLookup("id, tenant, customer, round, currency, net, rolled_back, version, array_length(positions, 1)", "rounds")
)

// wanted is what a batch needs and memory does not hold, by key. An empty place for each is in memory already.
type wanted struct {
	inputs                 []inputID
	payments, payouts      [][16]byte
	links, disputes        [][16]byte
	wallets, holds, rounds [][16]byte
	limits, sources        [][16]byte
	customers              [][16]byte
	accounts               []ledger.AccountID
}

// wantWallet asks for what an input for a wallet names by itself.
func (s *partition) wantWallet(w *walletInput, want *wanted) {
	if w.customer == (customerKey{}) {
		return
	}
	s.wantHolder(w.customer, want)
	s.wantHold(w.hold, w.customer, want)
	s.wantRound(w.round, w.customer, want)
	if w.Command != nil && w.Command.Command.Currency != "" {
		s.wantBalance(w.customer, ledger.Currency(w.Command.Command.Currency), want)
	}
}

// wantRest asks for the balances in the currencies that only what was read can tell: of the hold, of the round and, where
// the wallet is to be closed, of all of it. What the batch itself opens is asked for by what opens it.
func (s *partition) wantRest(w *walletInput, want *wanted) {
	if w.customer == (customerKey{}) {
		return
	}
	if hold, ok := s.holds.get(w.hold); ok && hold.state.Currency != "" {
		s.wantBalance(w.customer, hold.state.Currency, want)
	}
	if round, ok := s.rounds.get(w.round); ok && round.state.Currency != "" {
		s.wantBalance(w.customer, round.state.Currency, want)
	}
	if w.Command == nil || w.Command.Command.Type != topics.WalletClose {
		return
	}
	h, _ := s.holders.get(w.customer)
	for _, currency := range h.state.Currencies {
		s.wantBalance(w.customer, currency, want)
	}
}

func (s *partition) wantHolder(c customerKey, want *wanted) *holder {
	h, ok := s.holders.get(c)
	if !ok {
		h = &holder{part: part[wallets.Wallet]{key: wallets.Key(c.tenant, c.id), customer: c}}
		s.holders.put(c, h, 0)
		want.wallets = append(want.wallets, h.key)
		h.limits.key, h.limits.customer = h.key, c
		if s.limited {
			want.limits = append(want.limits, h.key)
		}
	}
	return h
}

func (s *partition) wantHold(key uuid.UUID, c customerKey, want *wanted) {
	if _, ok := s.holds.get(key); !ok && key != uuid.Nil {
		s.holds.put(key, &part[wallets.Hold]{key: key, customer: c}, 0)
		want.holds = append(want.holds, key)
	}
}

func (s *partition) wantRound(key uuid.UUID, c customerKey, want *wanted) {
	if _, ok := s.rounds.get(key); !ok && key != uuid.Nil {
		s.rounds.put(key, &part[wallets.Round]{key: key, customer: c}, 0)
		want.rounds = append(want.rounds, key)
	}
}

// wantBalance asks for the three balances of a customer in a currency, and the wallet with them.
func (s *partition) wantBalance(c customerKey, currency ledger.Currency, want *wanted) {
	h := s.wantHolder(c, want)
	if h.book(currency) != nil {
		return
	}
	b := bookOf(ledger.Customer{Tenant: c.tenant, ID: c.id, Currency: currency})
	h.books = append(h.books, b)
	for _, id := range [...]ledger.AccountID{b.wallet, b.debt, b.hold} {
		s.balances.Set(id, 0)
		want.accounts = append(want.accounts, id)
	}
}

// read reads in one round trip what is wanted.
func (s *partition) read(ctx context.Context, want *wanted) error {
	var batch pgx.Batch
	s.lookUpApplied(&batch, want.inputs)
	lookUpPayments.Queue(&batch, s.number, want.payments, s.readPayments)
	lookUpWallets.Queue(&batch, s.number, want.wallets, s.readWallets)
	lookUpHolds.Queue(&batch, s.number, want.holds, s.readHolds)
	lookUpRounds.Queue(&batch, s.number, want.rounds, s.readRounds)
	lookUpLimits.Queue(&batch, s.number, want.limits, s.readLimits)
	lookUpPayouts.Queue(&batch, s.number, want.payouts, s.readPayouts)
	lookUpLinks.Queue(&batch, s.number, want.links, s.readLinks)
	lookUpDisputes.Queue(&batch, s.number, want.disputes, s.readDisputes)
	lookUpCustomers.Queue(&batch, s.number, want.customers, s.readCustomers)
	lookUpSources.Queue(&batch, s.number, want.sources, s.readSources)
	ledgerstore.QueueBalances(&batch, s.number, want.accounts, s.balances.Set)
	if batch.Len() == 0 {
		return nil
	}
	if err := s.config.Pool.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("load %d inputs, %d payments, %d payouts, %d wallets, %d holds, %d rounds and %d balances of partition %d: %w", len(want.inputs),
			len(want.payments), len(want.payouts), len(want.wallets), len(want.holds), len(want.rounds), len(want.accounts), s.number, future(err))
	}
	return nil
}

func (s *partition) readWallets(rows pgx.Rows) error {
	var c customerKey
	var currencies string
	var closed *int64
	var version int64
	_, err := pgx.ForEachRow(rows, []any{&c.tenant, &c.id, &currencies, &closed, &version}, func() error {
		h, ok := s.holders.get(c)
		if !ok {
			return fmt.Errorf("the wallet of customer %s of tenant %s stands under the key of another one", c.id, c.tenant)
		}
		for code := range strings.FieldsSeq(currencies) {
			h.state.Currencies = append(h.state.Currencies, ledger.Currency(code))
		}
		if closed != nil {
			h.state.Closed, h.closed = true, *closed
		}
		h.stored, h.version = true, version
		return nil
	})
	return err
}

func (s *partition) readHolds(rows pgx.Rows) error {
	var key, id uuid.UUID
	var c customerKey
	var h wallets.Hold
	var expires *time.Time
	var version int64
	targets := []any{&key, &id, &c.tenant, &c.id, &h.Region, &h.Currency, &h.Amount, &h.Captured, &h.Released, &expires, &version, &h.Movements}
	_, err := pgx.ForEachRow(rows, targets, func() error {
		h.ID, h.ExpiresAt = id.String(), time.Time{}
		if expires != nil {
			h.ExpiresAt = expires.UTC()
		}
		s.holds.put(key, &part[wallets.Hold]{state: h, key: key, customer: c, version: version, stored: true, timed: h.Waits()}, 0)
		return nil
	})
	return err
}

func (s *partition) readRounds(rows pgx.Rows) error {
	var key uuid.UUID
	var c customerKey
	var r wallets.Round
	var version int64
	targets := []any{&key, &c.tenant, &c.id, &r.ID, &r.Currency, &r.Net, &r.RolledBack, &version, &r.Movements}
	_, err := pgx.ForEachRow(rows, targets, func() error {
		s.rounds.put(key, &part[wallets.Round]{state: r, key: key, customer: c, version: version, stored: true}, 0)
		return nil
	})
	return err
}
