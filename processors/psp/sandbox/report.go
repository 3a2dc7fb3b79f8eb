package sandbox

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// movement is a row of a settlement report: money that the provider credits to the merchant, or debits where it is negative.
// Amounts are minor units; net is gross - fee.
type movement struct {
	id, authorization, reference string
	kind                         string
	gross, fee                   int64
	currency                     string
	at                           time.Time
}

// reportHeader names the columns of a settlement report.
func reportHeader() []string {
	return []string{"id", "authorization", "merchant_reference", "type", "gross", "fee", "net", "currency", "time"}
}

// movements are what the operations of a payment moved.
func (p *payment) movements() []movement {
	var moved []movement
	for i := range p.Operations {
		op := &p.Operations[i]
		booked := op.BookedAt
		if booked.IsZero() {
			booked = op.CreatedAt
		}
		add := func(kind string, gross, fee int64, at time.Time) {
			moved = append(moved, movement{op.requestID(), p.ID, p.Reference, kind, gross, fee, p.Currency, at.UTC()})
		}
		succeeded := op.Status == Approved || !op.ReversedAt.IsZero()
		switch {
		// What a challenge led to is the confirmation's.
		case p.Method != nil && op.Kind == Authorize && op.Captured:
			add("capture", op.Received, op.Fee, booked)
		case op.Captured && (op.Kind != Authorize || op.Answered != RequiresAction):
			add("capture", op.Amount, op.Fee, booked)
		case op.Kind == Refund && succeeded:
			add("refund", -op.Amount, 0, booked)
		case op.Kind == Payout && succeeded:
			add("payout", -op.Amount, op.Fee, booked)
		case op.Status == FundsWithdrawn:
			add("chargeback", -op.Amount, 0, booked)
		case op.Status == FundsReinstated:
			add("chargeback_returned", op.Amount, 0, booked)
		case op.Status == FeeCharged:
			add("chargeback_fee", 0, op.Amount, booked)
		case op.Status == FeeReturned:
			add("chargeback_fee_returned", 0, -op.Amount, booked)
		}
		if p.Method != nil && op.Kind == Authorize && !op.ReversedAt.IsZero() {
			add("capture_returned", -op.Received, 0, op.ReversedAt)
		} else if !op.ReversedAt.IsZero() {
			add(string(op.Kind)+"_returned", op.Amount, 0, op.ReversedAt)
		}
	}
	return moved
}

// compare orders rows by time; ids decide between those of one instant.
func (m *movement) compare(n *movement) int {
	return cmp.Or(m.at.Compare(n.at), cmp.Compare(m.id, n.id), cmp.Compare(m.authorization, n.authorization), cmp.Compare(m.kind, n.kind))
}

// settlement lists what moved on a day (UTC), in order.
func (b *book) settlement(day time.Time) []movement {
	end := day.AddDate(0, 0, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	var rows []movement
	for _, e := range b.payments {
		for _, m := range e.payment.movements() {
			if !m.at.Before(day) && m.at.Before(end) {
				rows = append(rows, m)
			}
		}
	}
	slices.SortFunc(rows, func(m, n movement) int { return m.compare(&n) })
	return rows
}

// total adds up the rows of one currency. A day's sum may be more than an amount can be.
type total struct {
	rows       int
	gross, fee big.Int
}

// renderReport writes the rows, and after them a total for each currency, whose id is the number of its rows.
func renderReport(rows []movement) ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	records := [][]string{reportHeader()}
	totals := map[string]*total{}
	for _, m := range rows {
		sum := totals[m.currency]
		if sum == nil {
			sum = new(total)
			totals[m.currency] = sum
		}
		gross, fee := big.NewInt(m.gross), big.NewInt(m.fee)
		sum.rows++
		sum.gross.Add(&sum.gross, gross)
		sum.fee.Add(&sum.fee, fee)
		records = append(records, []string{
			m.id, m.authorization, m.reference, m.kind, gross.String(), fee.String(), new(big.Int).Sub(gross, fee).String(),
			m.currency, m.at.Format(time.RFC3339Nano),
		})
	}
	for _, currency := range slices.Sorted(maps.Keys(totals)) {
		sum := totals[currency]
		net := new(big.Int).Sub(&sum.gross, &sum.fee)
		records = append(records, []string{
			strconv.Itoa(sum.rows), "", "", "total", sum.gross.String(), sum.fee.String(), net.String(), currency, "",
		})
	}
	err := w.WriteAll(records)
	return out.Bytes(), err
}

// report serves GET /v1/reports/settlement?date=2026-01-31.
func (s *Server) report(w http.ResponseWriter, r *http.Request) {
	date := r.URL.Query().Get("date")
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		answerError(w, refuse(CodeInvalid, "date %.64q: want a day such as 2026-01-31", date))
		return
	}
	body, err := renderReport(s.book.settlement(day))
	if err != nil {
		answerError(w, refuse(CodeInternal, "%v", err))
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="settlement-`+date+`.csv"`)
	_, _ = w.Write(body) // a caller who has gone asks again
}
