package evidence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// priorWithin bounds the look for earlier payments: without them there is a packet all the same.
const priorWithin = 5 * time.Second

// Assemble reads what is known of a dispute and makes its packet. A part that cannot be read is missing in it; an error means
// that there was no time to read any.
func Assemble(ctx context.Context, db view.Querier, log *view.EventLog, dispute *view.Dispute, now time.Time) (*Packet, error) {
	f := facts{dispute: dispute, now: now}
	payment, err := topics.ParsePaymentID(dispute.PaymentID)
	if err != nil {
		return nil, fmt.Errorf("evidence for dispute %s: %w", dispute.ID, err)
	}
	if f.payment, err = view.Get(ctx, db, dispute.Tenant, dispute.PaymentID); err != nil {
		f.miss("payment", err)
	}
	if f.life, err = log.Life(ctx, dispute.Tenant, payment); err != nil {
		f.miss("events, decisions and ledger entries", err)
	}
	f.from, f.to = dispute.OpenedAt.Add(-priorOldest), dispute.OpenedAt.Add(-priorNewest)
	looking, cancel := context.WithTimeout(ctx, priorWithin)
	defer cancel()
	if f.earlier, err = view.Undisputed(looking, db, dispute.Tenant, dispute.PaymentID, f.from, f.to, priorShown); err != nil {
		f.miss("prior_payments", err)
	} else {
		f.looked = true
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("evidence for dispute %s: %w", dispute.ID, err)
	}
	return build(&f), nil
}

// facts are what could be read, and what could not.
type facts struct {
	dispute  *view.Dispute
	payment  *view.Intent // nil: missing
	life     *view.Life   // nil: missing
	earlier  []*view.Intent
	looked   bool // for earlier payments
	from, to time.Time
	missing  []Missing
	now      time.Time
}

// miss notes a part that could not be read. What went wrong inside is for the log of who operates weir, not for an issuer.
func (f *facts) miss(part string, err error) {
	why := "it could not be read"
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		why = "it could not be read in time; ask again"
	case errors.Is(err, view.ErrNotFound):
		why = "there is none"
	}
	f.missing = append(f.missing, Missing{part, why})
}
