package links

import (
	"fmt"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Evolve folds one event into the link (nil before its first event) and returns it. It changes l in place; Clone keeps the
// state before. Status and Uses of the event are not read: Check compares them. An error means that the event is not one that
// Decide or Use gives for this state, and l must not be used any more.
func Evolve(l *Link, e *topics.LinkEvent) (*Link, error) {
	switch e.Type {
	case topics.LinkCommandRefused, topics.LinkDeadLettered:
		return l, nil
	case topics.LinkCreated:
		if l != nil {
			return nil, fmt.Errorf("event %s: link %s is created a second time", e.EventID, e.LinkID)
		}
		return open(e)
	}
	if l == nil {
		return nil, fmt.Errorf("event %s: %s of link %s, which is not created", e.EventID, e.Type, e.LinkID)
	}
	if err := l.apply(e); err != nil {
		return nil, fmt.Errorf("event %s: %s of link %s: %w", e.EventID, e.Type, e.LinkID, err)
	}
	l.stamp(e)
	return l, nil
}

func open(e *topics.LinkEvent) (*Link, error) {
	id, err := topics.ParseLinkID(e.LinkID)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", e.EventID, err)
	}
	if e.Created == nil || e.Amount <= 0 || e.Created.MaxUses < 1 {
		return nil, fmt.Errorf("event %s: %s without its data, amount and uses", e.EventID, e.Type)
	}
	l := &Link{
		ID: id, Tenant: e.Tenant, Customer: e.CustomerID, Region: e.Region, Currency: ledger.Currency(e.Currency), Amount: e.Amount,
		Data: *e.Created, RequestedBy: e.RequestedBy, CreatedAt: e.At,
	}
	l.stamp(e)
	return l, nil
}

// stamp takes what any event may carry.
func (l *Link) stamp(e *topics.LinkEvent) {
	l.UpdatedAt = e.At
	if l.TraceID == "" {
		l.TraceID = e.TraceID // of its creation: those of payments are theirs
	}
	if e.Timer != nil {
		l.Timer = *e.Timer
	}
}

func (l *Link) apply(e *topics.LinkEvent) error {
	switch e.Type {
	case topics.LinkUseReserved:
		l.Reserved++
		l.Latest = e.PaymentID
	case topics.LinkUseReleased:
		l.Reserved--
	case topics.LinkUseCaptured:
		l.Captured++
		l.Latest = e.PaymentID
		if !e.Late {
			l.Reserved--
		}
	case topics.LinkCancelled:
		l.Mark, l.Detail = topics.LinkStatusCancelled, e.Detail
	case topics.LinkExpired:
		l.Mark = topics.LinkStatusExpired
	case topics.LinkCaseOpened:
		l.Cases++
	default:
		return fmt.Errorf("unknown event type %q", e.Type)
	}
	if l.Reserved < 0 {
		return fmt.Errorf("K1: more uses are released than were reserved")
	}
	return nil
}
