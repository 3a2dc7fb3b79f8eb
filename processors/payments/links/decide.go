package links

import (
	"fmt"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// maxLife is for how long a link may be open.
const maxLife = 366 * 24 * time.Hour

// Input is one record of the inbox: exactly one of Command and Timer is set.
type Input struct {
	Partition int32
	Position  int64
	Command   *topics.AssessedLinkCommand
	Timer     *topics.TimerDue
}

// decision is one call of Decide or Use. l is a working copy that each emitted event is folded into at once.
type decision struct {
	in        *Input // nil in Use
	now       time.Time
	limits    *lifecycle.Limits
	id        topics.LinkID // that a create command opens
	l         *Link
	partition int32
	position  int64
	index     int16
	traceID   string
	events    []topics.LinkEvent
}

// Decide says what an input means for a link (nil where there is none of that id). It returns no event where the input tells
// nothing new. id is that of the link that a create command opens; now is the record's time; l is not changed.
//
// The caller has dropped repeated command ids.
func Decide(id topics.LinkID, l *Link, in *Input, now time.Time, limits *lifecycle.Limits) []topics.LinkEvent {
	d := decision{in: in, now: now.UTC().Truncate(time.Millisecond), limits: limits, id: id, l: l.Clone(), partition: in.Partition, position: in.Position}
	if in.Command != nil {
		d.traceID = in.Command.Command.TraceID
		d.command(&in.Command.Command)
	} else {
		d.timer(in.Timer)
	}
	return d.finish()
}

// finish arms the timer that the link needs now with the last event, if it holds another one, and joins the events.
func (d *decision) finish() []topics.LinkEvent {
	n := len(d.events)
	if n == 0 {
		return nil
	}
	for i := range n - 1 {
		d.events[i].More = true
	}
	last := &d.events[n-1]
	if d.l == nil || last.Type == topics.LinkCommandRefused {
		return d.events
	}
	kind, due := topics.TimerKind(""), time.Time{}
	if d.l.Status() == topics.LinkStatusOpen {
		kind, due = topics.TimerLinkExpire, d.l.Data.ExpiresAt
	}
	if kind != d.l.Timer.Kind {
		last.Timer = &topics.TimerChange{Kind: kind, Due: due, Generation: d.l.Timer.Generation + 1}
	}
	return d.events
}

// emit adds an event, folds it and completes it with what the fold gives.
func (d *decision) emit(e topics.LinkEvent) {
	e.EventID = topics.EventID{Partition: d.partition, Position: d.position, Index: d.index + int16(len(d.events))}.String()
	e.At, e.TraceID = d.now, d.traceID
	if d.in != nil && d.in.Command != nil {
		c := &d.in.Command.Command
		e.CommandID, e.RequestedBy = c.CommandID, c.RequestedBy
	}
	if d.l != nil {
		e.Tenant, e.Region, e.CustomerID, e.LinkID = d.l.Tenant, d.l.Region, d.l.Customer, d.l.ID.String()
		e.Amount, e.Currency = d.l.Amount, string(d.l.Currency)
		if e.TraceID == "" {
			e.TraceID = d.l.TraceID
		}
	}
	l, err := Evolve(d.l, &e)
	if err != nil {
		panic(fmt.Sprintf("links: Decide gave an event that Evolve refuses: %v", err))
	}
	d.l = l
	if l != nil {
		uses := l.Uses()
		e.Status, e.Uses = l.Status(), &uses
	}
	d.events = append(d.events, e)
}

// refuse refuses the command. Whoever was refused may not learn of another customer's link: the event tells what the command
// said.
func (d *decision) refuse(code topics.RefusalCode, format string, args ...any) {
	c := &d.in.Command.Command
	e := topics.LinkEvent{Type: topics.LinkCommandRefused, Refusal: code, Detail: fmt.Sprintf(format, args...)}
	if d.l == nil || code == topics.RefusedCustomerMismatch || code == topics.RefusedDuplicateCommand {
		d.l = nil
		e.Tenant, e.Region, e.CustomerID, e.LinkID = c.Tenant, c.Region, c.CustomerID, c.LinkID
		e.Amount, e.Currency = c.Amount, c.Currency
	}
	d.emit(e)
}

// command decides on a command. The order of the checks is the precedence of refusals (doc.go).
func (d *decision) command(c *topics.LinkCommand) {
	switch refusal := d.in.Command.Refusal; {
	case refusal != nil:
		d.refuse(refusal.Code, "%s", refusal.Detail) // what is left of the command is not what was asked
		return
	case c.CustomerID == "":
		d.refuse(topics.RefusedInvalid, "customer_id: is missing")
		return
	case topics.IssuedAhead(c.IssuedAt, d.now):
		d.refuse(topics.RefusedInvalid, "issued_at: %s lies in the future", c.IssuedAt.UTC().Format(time.RFC3339))
		return
	case !c.IssuedAt.IsZero() && c.IssuedAt.Before(d.now.Add(-d.limits.Horizon)):
		d.refuse(topics.RefusedTooOld, "issued at %s, more than %s ago", c.IssuedAt.UTC().Format(time.RFC3339), d.limits.Horizon)
		return
	}
	if c.Type == topics.LinkCreate {
		d.create(c)
		return
	}
	switch l := d.l; {
	case l == nil:
		d.refuse(topics.RefusedUnknownLink, "the customer has no payment link %s", c.LinkID)
	case c.Tenant != l.Tenant || c.CustomerID != l.Customer:
		d.refuse(topics.RefusedCustomerMismatch, "the payment link belongs to another customer than the command names")
	case !l.inRegion(c.Region, d.limits.Region):
		d.refuse(topics.RefusedRegionMismatch, "region: the payment link is of region %q; name that", l.Region)
	case c.Type != topics.LinkCancel:
		d.refuse(topics.RefusedInvalid, "type: %.16q is none of create and cancel", string(c.Type))
	case l.Status() != topics.LinkStatusOpen:
		d.refuse(topics.RefusedFinished, "the payment link is %s", l.Status())
	default:
		d.emit(topics.LinkEvent{Type: topics.LinkCancelled, Detail: c.Reason})
	}
}

// inRegion says that what names a region, and is of an installation's, may have to do with the link.
func (l *Link) inRegion(region, installation string) bool {
	return region == l.Region || l.Region == "" && region == installation
}

func (d *decision) create(c *topics.LinkCommand) {
	expires := c.ExpiresAt.UTC().Truncate(time.Millisecond)
	_, known := ledger.Currency(c.Currency).Exponent()
	switch {
	case d.l != nil && d.l.openedBy(c):
		return // its id was forgotten since
	case d.l != nil:
		d.refuse(topics.RefusedDuplicateCommand, "command_id: was used for another payment link; want a new one")
		return
	case c.Amount <= 0 || c.Amount > topics.MaxAmount:
		d.refuse(topics.RefusedInvalid, "amount: %d is not between 1 and %d", c.Amount, topics.MaxAmount)
		return
	case !known:
		d.refuse(topics.RefusedInvalid, "currency: %.8q is not an ISO 4217 currency", c.Currency)
		return
	case c.MaxUses < 0 || c.MaxUses > topics.MaxLinkUses:
		d.refuse(topics.RefusedInvalid, "max_uses: is not between 1 and %d", topics.MaxLinkUses)
		return
	case !expires.After(d.now) || expires.After(d.now.Add(maxLife)):
		d.refuse(topics.RefusedInvalid, "expires_at: want a time after the command and at most 366 days after it")
		return
	}
	if detail := c.InvalidInvoice(); detail != "" {
		d.refuse(topics.RefusedInvalid, "%s", detail)
		return
	}
	invoice := c.Invoice
	if invoice != nil {
		kept := *invoice
		kept.DueAt = kept.DueAt.UTC().Truncate(time.Millisecond) // as expires_at, which it may be equal to
		invoice = &kept
	}
	d.emit(topics.LinkEvent{
		Type: topics.LinkCreated, Tenant: c.Tenant, Region: c.Region, CustomerID: c.CustomerID, LinkID: d.id.String(), Amount: c.Amount, Currency: c.Currency,
		Created: &topics.LinkData{
			Description: c.Description, ExpiresAt: expires, MaxUses: max(c.MaxUses, 1), TokenHash: c.TokenHash, ReturnURL: c.ReturnURL,
			MerchantReference: c.MerchantReference, Metadata: c.Metadata, Invoice: invoice,
		},
	})
}

// openedBy says that a create command asks for this link.
func (l *Link) openedBy(c *topics.LinkCommand) bool {
	return l.Tenant == c.Tenant && l.Customer == c.CustomerID && l.Amount == c.Amount && string(l.Currency) == c.Currency &&
		l.Data.MaxUses == max(c.MaxUses, 1) && l.Data.TokenHash == c.TokenHash
}

// timer decides on a timer that has run out. One that the link no longer holds is ignored: the generation tells.
func (d *decision) timer(t *topics.TimerDue) {
	if d.l == nil || t.Tenant != d.l.Tenant || t.Generation != d.l.Timer.Generation || t.Kind != d.l.Timer.Kind {
		return
	}
	d.emit(topics.LinkEvent{Type: topics.LinkExpired})
}

// Refuse is why a create command that names the link (nil where the customer has none of that id) may not begin a payment, nil
// where it may. The link's time is the record's: one whose timer has not been folded yet is over all the same.
func Refuse(l *Link, c *topics.Command, now time.Time, limits *lifecycle.Limits) *topics.Refusal {
	refuse := func(code topics.RefusalCode, format string, args ...any) *topics.Refusal {
		return &topics.Refusal{Code: code, Detail: fmt.Sprintf(format, args...)}
	}
	switch {
	case l == nil:
		return refuse(topics.RefusedUnknownLink, "link_id: the customer has no payment link %s", c.LinkID)
	case c.Tenant != l.Tenant || c.CustomerID != l.Customer:
		return refuse(topics.RefusedCustomerMismatch, "the payment link belongs to another customer than the command names")
	case !l.inRegion(c.Region, limits.Region):
		return refuse(topics.RefusedRegionMismatch, "region: the payment link is of region %q; name that", l.Region)
	case c.Currency != string(l.Currency):
		return refuse(topics.RefusedCurrencyMismatch, "the payment link is in %s, the command in %s", l.Currency, c.Currency)
	case c.Amount != l.Amount:
		return refuse(topics.RefusedInvalid, "amount: the payment link is for %s; want that", ledger.Money{Minor: l.Amount, Currency: l.Currency})
	case l.Status() != topics.LinkStatusOpen:
		return refuse(topics.RefusedFinished, "the payment link is %s", l.Status())
	case !now.Before(l.Data.ExpiresAt):
		return refuse(topics.RefusedFinished, "the payment link is %s", topics.LinkStatusExpired)
	case l.Free() == 0:
		return refuse(topics.RefusedInProgress, "a payment by the link has begun and may still take the money; another one may begin once it has ended without")
	}
	return nil
}
