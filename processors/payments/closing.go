package payments

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/weirhq/weir/ledger"
	ledgerstore "github.com/weirhq/weir/ledger/store"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// closing is a record that closes an accounting period of a tenant in this partition.
type closing struct {
	topics.PeriodClose
	month ledger.Month
	sums  map[ledgerstore.CodeIn]*big.Int // at the month's end, as stored before the batch
}

// closedPeriod is a row of closed_periods.
type closedPeriod struct {
	tenant   string
	month    ledger.Month
	position int64
}

func (s *partition) periodClose(in *input, v topics.PeriodClose) error {
	id, err := uuid.FromString(v.CommandID)
	if err != nil || v.Tenant == "" {
		return fmt.Errorf("command_id %.64q and tenant %.64q: want a UUID and a name", v.CommandID, v.Tenant)
	}
	month, err := ledger.ParseMonth(v.Month)
	in.closing = &closing{PeriodClose: v, month: month}
	in.id, in.fingerprint = newInputID(ofCommand, v.Tenant, id), v.Fingerprint()
	return err
}

// loadClosings reads the balances at the end of the months that the inputs may close.
func (s *partition) loadClosings(ctx context.Context, closings []*input) error {
	for _, in := range closings {
		c := in.closing
		if s.repetition(in) != isNew || !s.closed[c.Tenant].Before(c.month) {
			continue
		}
		var err error
		if c.sums, err = ledgerstore.BalancesAt(ctx, s.config.Pool, s.number, c.Tenant, c.month.End()); err != nil {
			return err
		}
	}
	return nil
}

// closePeriod closes a period or says why not.
func (s *partition) closePeriod(in *input, r *stream.Record) []stream.Output {
	s.remember(in, r.Position)
	c := in.closing
	told := s.answer(c, r)
	out := outputs{partition: s, record: r}
	switch {
	case topics.SamePerson(c.RequestedBy, c.ApprovedBy) || topics.MixedScripts(c.RequestedBy) || topics.MixedScripts(c.ApprovedBy):
		told.Refusal, told.Detail = topics.RefusedInvalid, "requested_by and approved_by: want two different people, whose names do not look alike and are each of one script"
	case r.Time.Before(c.month.End()):
		told.Refusal, told.Detail = topics.RefusedWrongState, fmt.Sprintf("%s ends at %s", c.month, c.month.End().Format(time.RFC3339))
	case !s.closed[c.Tenant].Before(c.month):
		told.Refusal, told.Detail = topics.RefusedFinished, fmt.Sprintf("the periods up to %s are closed", s.closed[c.Tenant])
	default:
		sums := s.sumsAt(c)
		told.Lines = trialLines(sums)
		told.Entries = s.carry(c, sums, &out)
		s.closed[c.Tenant] = c.month
		s.periods = append(s.periods, closedPeriod{c.Tenant, c.month, r.Position})
	}
	out.periodClosed(&told)
	return out.all
}

// answer is what is told of a closing, still without what became of it.
func (s *partition) answer(c *closing, r *stream.Record) topics.PeriodClosed {
	return topics.PeriodClosed{
		EventID: topics.EventID{Partition: s.number, Position: r.Position}.String(), CommandID: c.CommandID, Tenant: c.Tenant,
		Month: c.Month, RequestedBy: c.RequestedBy, ApprovedBy: c.ApprovedBy, TraceID: c.TraceID, At: r.Time,
	}
}

// tellClosing answers a closing that is refused, or whose record is put aside: who asked waits for each partition.
func (s *partition) tellClosing(c *closing, r *stream.Record, code topics.RefusalCode, detail string, out *outputs) {
	told := s.answer(c, r)
	told.Refusal, told.Detail = code, detail
	out.periodClosed(&told)
}

func (o *outputs) periodClosed(told *topics.PeriodClosed) {
	maskEach(&told.Tenant, &told.Month, &told.RequestedBy, &told.ApprovedBy, &told.TraceID, &told.Detail)
	o.add(topics.LedgerPeriods, topics.TypePeriodClosed, about{tenant: told.Tenant, customer: told.Tenant, trace: told.TraceID}, told)
}

// sumsAt are the balances at the month's end, with what the batch has booked so far.
func (s *partition) sumsAt(c *closing) map[ledgerstore.CodeIn]*big.Int {
	sums := maps.Clone(c.sums)
	for i := range s.entries {
		e := &s.entries[i]
		if !e.TookPlace().Before(c.month.End()) {
			continue
		}
		for _, p := range e.Postings {
			if p.Account.Tenant != c.Tenant {
				continue
			}
			of := ledgerstore.CodeIn{Code: p.Account.Code, Currency: p.Account.Currency}
			sum := big.NewInt(p.Minor)
			if before := sums[of]; before != nil {
				sum.Add(sum, before)
			}
			sums[of] = sum
		}
	}
	return sums
}

// trialLines are the sums that are not zero. One that needs more than 64 bits stands in several lines.
func trialLines(sums map[ledgerstore.CodeIn]*big.Int) []topics.TrialBalanceLine {
	var lines []topics.TrialBalanceLine
	for of, sum := range sums {
		for _, minor := range parts(sum) {
			lines = append(lines, topics.TrialBalanceLine{Code: string(of.Code), Currency: string(of.Currency), Amount: minor})
		}
	}
	slices.SortFunc(lines, func(a, b topics.TrialBalanceLine) int {
		return cmp.Or(cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Amount, b.Amount))
	})
	return lines
}

// parts are as few amounts as there can be whose sum it is, none for zero.
func parts(sum *big.Int) (amounts []int64) {
	most := big.NewInt(math.MaxInt64)
	if sum.Sign() < 0 {
		most.Neg(most)
	}
	rest := new(big.Int).Set(sum)
	for ; rest.CmpAbs(most) > 0; rest.Sub(rest, most) {
		amounts = append(amounts, most.Int64())
	}
	if rest.Sign() != 0 {
		amounts = append(amounts, rest.Int64())
	}
	return amounts
}

// carry books the closing entries, at the last moment of the month, and returns their ids.
func (s *partition) carry(c *closing, sums map[ledgerstore.CodeIn]*big.Int, out *outputs) []string {
	results := map[ledger.Currency]map[ledger.AccountCode]int64{}
	for of, sum := range sums {
		line, _ := of.Code.Line()
		if line.Class == ledger.Income || line.Class == ledger.Expense {
			if results[of.Currency] == nil {
				results[of.Currency] = map[ledger.AccountCode]int64{}
			}
			results[of.Currency][of.Code] = sum.Int64() // of one account in the partition, and so no more than it holds
		}
	}
	var ids []string
	for _, currency := range slices.Sorted(maps.Keys(results)) {
		entry, err := ledger.PeriodClosing(c.Tenant, currency, results[currency])
		if err != nil {
			panic(err)
		}
		if len(entry.Postings) == 0 {
			continue
		}
		entry.At, entry.Effective, entry.Reference = out.record.Time, c.month.End().Add(-time.Microsecond), c.Month
		s.post(&entry, about{tenant: c.Tenant, trace: c.TraceID}, out)
		ids = append(ids, entry.ID.String())
	}
	return ids
}

// restorePeriod closes a period that was published as closed.
func (s *partition) restorePeriod(r *stream.Restored, o *stream.Output) error {
	var v topics.PeriodClosed
	if err := topics.Unmarshal(o.Value, &v); err != nil {
		return fmt.Errorf("period %s: %w", o.Envelope.ID, err)
	}
	if v.Refusal == topics.RefusedPoison || v.Refusal == topics.RefusedUndecodable {
		return nil // it was put aside, not folded
	}
	if err := s.restoreCommand(v.Tenant, v.CommandID, v.EventID, v.Refusal, r.Position); err != nil {
		return err
	}
	if v.Refusal != "" {
		return nil
	}
	month, err := ledger.ParseMonth(v.Month)
	s.closed[v.Tenant] = month
	s.periods = append(s.periods, closedPeriod{v.Tenant, month, r.Position})
	return err
}

// readClosed reads up to which month each tenant's periods are closed in a partition.
func readClosed(ctx context.Context, pool *pgxpool.Pool, number int32) (map[string]ledger.Month, error) {
	closed := map[string]ledger.Month{}
	rows, _ := pool.Query(ctx, `SELECT tenant, max(month) FROM closed_periods WHERE partition = $1 GROUP BY tenant`, number)
	var tenant, text string
	_, err := pgx.ForEachRow(rows, []any{&tenant, &text}, func() (err error) {
		closed[tenant], err = ledger.ParseMonth(text)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("closed periods of partition %d: %w", number, err)
	}
	return closed, nil
}

const insertClosed = `INSERT INTO closed_periods (partition, tenant, month, position) VALUES ($1, $2, $3, $4)`

func (p *closedPeriod) queue(batch *pgx.Batch, number int32) {
	batch.Queue(insertClosed, number, p.tenant, p.month.String(), p.position)
}
