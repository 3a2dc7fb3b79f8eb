package fsck

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math/bits"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/topics"
)

// A game has a round for every few entries. To read the records of each again, from all over the log, would take longer
// than all else, so what the log and the table say of the rounds is added up first, without keeping anything of a single
// one. Only where the sums differ is each round folded.

// roundSums is what the log, or the table, says of the rounds of a partition.
type roundSums struct {
	movements  uint64      // sum of the hashes of round, position and currency
	net        weightedSum // of what the rounds have taken
	rolledBack weightedSum // of the net that was rolled back
}

// rolled stands for the currency of a rollback, which leaves that of its round as it is.
const rolled = "rolled back"

// weightedSum adds up numbers of ids, each times a random number that is the id's. Where two of them are equal, so are the
// sums of the numbers of each id, but for a chance of 2^-63.
type weightedSum struct{ high, low uint64 } // 128 bits, two's complement

func (s *weightedSum) add(weight uint64, n int64) {
	high, low := bits.Mul64(weight, uint64(max(n, -n)))
	var carry uint64
	if n < 0 {
		s.low, carry = bits.Sub64(s.low, low, 0)
		s.high, _ = bits.Sub64(s.high, high, carry)
		return
	}
	s.low, carry = bits.Add64(s.low, low, 0)
	s.high, _ = bits.Add64(s.high, high, carry)
}

func weight(seed maphash.Seed, round uuid.UUID) uint64 { return maphash.Bytes(seed, round[:]) }

func movement(seed maphash.Seed, round uuid.UUID, position int64, currency string) uint64 {
	var buffer [48]byte
	b := binary.LittleEndian.AppendUint64(append(buffer[:0], round[:]...), uint64(position))
	return maphash.Bytes(seed, append(b, currency...))
}

// event adds an event that changes a round, as wallets.Round.Evolve does.
func (s *roundSums) event(seed maphash.Seed, round uuid.UUID, position int64, e *topics.WalletEvent) {
	switch e.Type {
	case topics.WalletRoundRolled:
		s.movements += movement(seed, round, position, rolled)
		s.rolledBack.add(weight(seed, round), e.Amount)
	case topics.WalletCredited:
		s.movements += movement(seed, round, position, e.Currency)
		s.net.add(weight(seed, round), -e.Amount)
	default:
		s.movements += movement(seed, round, position, e.Currency)
		s.net.add(weight(seed, round), e.Amount)
	}
}

// row adds a row: all its movements are in its currency, and the last is the rollback where there was one.
func (s *roundSums) row(seed maphash.Seed, r *roundRow) {
	for i, position := range r.Positions {
		currency := r.Currency
		if r.RolledBack && i == len(r.Positions)-1 {
			currency = rolled
		}
		s.movements += movement(seed, r.ID, position, currency)
	}
	s.net.add(weight(seed, r.ID), r.Net)
	if r.RolledBack {
		s.rolledBack.add(weight(seed, r.ID), r.Net)
	}
}

type roundRow struct {
	madeBy
	Round, Currency string
	Net             int64
	RolledBack      bool
}

const selectRounds = `SELECT id, tenant, customer, version, positions, round, currency, net, rolled_back FROM rounds
WHERE partition = $1 AND id >= $2 ORDER BY id LIMIT $3`

// rounds compares the rounds with the log (W2).
func (p *partitionCheck) rounds(ctx context.Context) error {
	var stored roundSums
	odd := false
	var from [16]byte
	for {
		rows, err := collect[roundRow](ctx, p.checker, selectRounds, p.snapshot.partition, from, pageRows)
		if err != nil {
			return fmt.Errorf("read rounds: %w", err)
		}
		for i := range rows {
			p.Counts.Rounds.Add(1)
			stored.row(p.seed, &rows[i])
			odd = odd || !p.atHome(&rows[i].madeBy, wallets.KeyOf(rows[i].Tenant, rows[i].Customer, rows[i].Round)) || !rows[i].ascending()
		}
		if len(rows) < pageRows {
			break
		}
		from = after(rows[len(rows)-1].ID)
	}
	if !odd && stored == p.logged {
		return nil
	}
	if err := p.roundEvents(ctx); err != nil {
		return err
	}
	return p.foldRounds(ctx)
}

// roundEvents checks that each round knows each record that changed it.
func (p *partitionCheck) roundEvents(ctx context.Context) error {
	return p.eachPage(ctx, func(rows []frameRow) error {
		var pairs []walletPair
		for i := range rows {
			_, outputs, err := p.frames.Decode(p.snapshot.partition, rows[i].Position, rows[i].Frame)
			if err != nil {
				continue // reported
			}
			for j := range outputs {
				var e topics.WalletEvent
				if outputs[j].Topic != topics.WalletEvents || topics.UnmarshalInPlace(outputs[j].Value, &e) != nil || !wallets.ChangesOf(&e).Round {
					continue
				}
				pairs = append(pairs, walletPair{"rounds", wallets.KeyOf(e.Tenant, e.CustomerID, e.RoundID), rows[i].Position,
					"round " + e.RoundID + " of " + e.Tenant + " " + e.CustomerID})
			}
		}
		return p.walletPairs(ctx, pairs)
	})
}

// foldRounds folds each round again and compares.
func (p *partitionCheck) foldRounds(ctx context.Context) error {
	return walkRows(ctx, p, selectRounds, func(r *roundRow, frames map[int64][]byte) {
		subject := "round " + r.Round + " of " + r.Tenant + " " + r.Customer
		p.home("round", subject, &r.madeBy, wallets.KeyOf(r.Tenant, r.Customer, r.Round))
		var round wallets.Round
		ok := p.fold("round", subject, &r.madeBy, frames, func(e *topics.WalletEvent, _ int64) (bool, error) {
			if !wallets.ChangesOf(e).Round || e.RoundID != r.Round {
				return false, nil
			}
			return true, round.Evolve(e)
		}, nil)
		stored := wallets.Round{ID: r.Round, Currency: ledger.Currency(r.Currency), Net: r.Net, Movements: len(r.Positions), RolledBack: r.RolledBack}
		if ok && stored != round {
			p.problem("round", subject, "the row is %+v, the fold of its events gives %+v", stored, round)
		}
	})
}
