package payments

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/topics"
)

var lookUpSources = database.NewLookup("tenant, customer, state, version", "deposit_sources")

// wantSources asks for the cards that a customer deposited with. Only what captures, refunds or pays out needs them.
func (s *partition) wantSources(c customerKey, want *wanted) {
	h := s.wantHolder(c, want)
	if !h.sourced {
		h.sourced = true
		h.sources.key, h.sources.customer = h.key, c
		want.sources = append(want.sources, h.key)
	}
}

func (s *partition) readSources(rows pgx.Rows) error {
	var c customerKey
	var state []byte
	var version int64
	_, err := pgx.ForEachRow(rows, []any{&c.tenant, &c.id, &state, &version}, func() error {
		h, ok := s.holders.get(c)
		if !ok {
			return fmt.Errorf("the sources of deposits of customer %s of tenant %s stand under the key of another one", c.id, c.tenant)
		}
		h.sources.stored, h.sources.version = true, version
		if err := topics.Unmarshal(state, &h.sources.state); err != nil {
			return fmt.Errorf("sources of deposits of customer %s of tenant %s: %w", c.id, c.tenant, err)
		}
		s.holders.put(c, h, h.size())
		return nil
	})
	return err
}

// countSource folds the change that an event brought to what a payment has deposited.
func (s *partition) countSource(p *lifecycle.Payment, before int64, at time.Time, position int64) {
	change := payouts.Deposited(p) - before
	if change == 0 {
		return
	}
	h := s.holder(customerKey{p.Tenant, p.Customer})
	if h.sources.state.Deposit(p, change, at) {
		s.touchSources(h, position)
	}
}

// waits is what may still go back to a payment's card, nil where the card is not known.
func (s *partition) waits(p *lifecycle.Payment) *int64 {
	if p.Card == nil {
		return nil
	}
	source := s.holder(customerKey{p.Tenant, p.Customer}).sources.state.Find(p.PSP, p.Card.Token, p.Currency)
	if source == nil {
		return nil
	}
	rest := source.Rest()
	return &rest
}

func (s *partition) touchSources(h *holder, position int64) {
	if !h.sourced {
		panic(fmt.Sprintf("payments: the sources of deposits of customer %s of tenant %s were not loaded", h.customer.id, h.customer.tenant))
	}
	if h.sources.touch(position) {
		s.changed.sources = append(s.changed.sources, &h.sources)
	}
}

// upsertSources checks the version as upsertLimits does.
const upsertSources = `INSERT INTO deposit_sources (partition, id, tenant, customer, state, before, version)
SELECT $1::int4, id, tenant, customer, state, before, version
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::int8[]) AS l(id, tenant, customer, state, before, version)
ON CONFLICT (partition, id) DO UPDATE SET state = excluded.state, before = excluded.before,
	version = CASE WHEN deposit_sources.version = excluded.before THEN excluded.version
		ELSE (SELECT v FROM unnest(ARRAY[excluded.version, deposit_sources.version]) AS two(v)) END`
