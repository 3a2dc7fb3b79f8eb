package payouts

import (
	"fmt"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// command decides on a command. The order of the checks is the precedence of refusals (doc.go).
func (d *decision) command(c *topics.PayoutCommand) {
	if refusal := d.check(c); refusal != nil {
		d.refuse(refusal.Code, refusal.Detail)
		return
	}
	if c.Type == topics.PayoutCreate && d.p != nil {
		if d.p.openedBy(c) {
			return // its id was forgotten since
		}
		d.refuse(topics.RefusedDuplicateCommand, "command_id: was used for another payout; want a new one")
		return
	}
	if !d.find(FromCommand, string(c.Type), "") {
		code, status := topics.RefusedWrongState, d.p.Status()
		if Final(status) {
			code = topics.RefusedFinished
		}
		d.refuse(code, fmt.Sprintf("the payout is %s, from which %s is not a step", status, c.Type))
		return
	}
	if d.step.Refuse != "" {
		d.refuse(d.step.Refuse, fmt.Sprintf("the payout is %s: the PSP may be paying it, and its answer decides first", d.p.Status()))
		return
	}
	d.step.do(d)
}

// openedBy says that a create command asks for this payout.
func (p *Payout) openedBy(c *topics.PayoutCommand) bool {
	return p.Tenant == c.Tenant && p.Customer == c.CustomerID && p.Amount == c.Amount && string(p.Currency) == c.Currency
}

// check is what stands before the transition table in the precedence.
func (d *decision) check(c *topics.PayoutCommand) *topics.Refusal {
	if refusal := d.in.Command.Refusal; refusal != nil {
		return refusal // what is left of the command is not what was asked
	}
	if refusal := d.wellFormed(c); refusal != nil {
		return refusal
	}
	if topics.IssuedAhead(c.IssuedAt, d.now) {
		return &topics.Refusal{Code: topics.RefusedInvalid, Detail: fmt.Sprintf("issued_at: %s lies in the future", c.IssuedAt.UTC().Format(time.RFC3339))}
	}
	if !c.IssuedAt.IsZero() && c.IssuedAt.Before(d.now.Add(-d.limits.Horizon)) {
		return &topics.Refusal{Code: topics.RefusedTooOld, Detail: fmt.Sprintf("issued at %s, more than %s ago", c.IssuedAt.UTC().Format(time.RFC3339), d.limits.Horizon)}
	}
	if c.Type == topics.PayoutCreate {
		return d.fromWallet(c)
	}
	switch {
	case d.p == nil:
		return &topics.Refusal{Code: topics.RefusedUnknownPayout, Detail: fmt.Sprintf("the customer has no payout %s", c.PayoutID)}
	case c.Tenant != d.p.Tenant || c.CustomerID != d.p.Customer:
		return &topics.Refusal{Code: topics.RefusedCustomerMismatch, Detail: "the payout belongs to another customer than the command names"}
	case c.Region != d.p.Region && (d.p.Region != "" || c.Region != d.limits.Region):
		return &topics.Refusal{Code: topics.RefusedRegionMismatch, Detail: fmt.Sprintf("region: the payout is of region %q; name that", d.p.Region)}
	}
	return nil
}

// wellFormed checks what the fold relies on. That the command is valid in every other way was checked by who wrote it to the
// inbox (topics.PayoutCommand.Validate), which says so by Refusal.
func (d *decision) wellFormed(c *topics.PayoutCommand) *topics.Refusal {
	invalid := func(format string, args ...any) *topics.Refusal {
		return &topics.Refusal{Code: topics.RefusedInvalid, Detail: fmt.Sprintf(format, args...)}
	}
	if c.CustomerID == "" {
		return invalid("customer_id: is missing")
	}
	if c.Type != topics.PayoutCreate {
		return nil
	}
	if c.Amount <= 0 || c.Amount > topics.MaxAmount {
		return invalid("amount: %d is not between 1 and %d", c.Amount, topics.MaxAmount)
	}
	if _, ok := ledger.Currency(c.Currency).Exponent(); !ok {
		return invalid("currency: %.8q is not an ISO 4217 currency", c.Currency)
	}
	return nil
}

// fromWallet refuses what a wallet cannot pay out at all.
func (d *decision) fromWallet(c *topics.PayoutCommand) *topics.Refusal {
	switch {
	case d.p != nil:
		return nil
	case len(d.Wallet.Currencies) == 0:
		return &topics.Refusal{Code: topics.RefusedUnknownAccount, Detail: "the customer has no wallet: nothing was ever credited to it"}
	case d.Wallet.Closed:
		return &topics.Refusal{Code: topics.RefusedAccountClosed, Detail: "the wallet was closed"}
	case !d.Wallet.In(ledger.Currency(c.Currency)):
		return &topics.Refusal{Code: topics.RefusedCurrencyMismatch, Detail: fmt.Sprintf("the customer's wallet has no %s; want one of %v", c.Currency, d.Wallet.Currencies)}
	}
	return nil
}

// refuse refuses the command.
func (d *decision) refuse(code topics.RefusalCode, detail string) {
	d.refused(topics.PayoutEvent{Refusal: code, Detail: detail})
}

func (d *decision) refused(e topics.PayoutEvent) {
	c := &d.in.Command.Command
	e.Type, e.Amount = topics.PayoutCommandRefused, c.Amount
	// Whoever was refused may not learn of another customer's payout: the event tells what the command said.
	if d.p == nil || e.Refusal == topics.RefusedCustomerMismatch || e.Refusal == topics.RefusedDuplicateCommand {
		d.p = nil
		e.Tenant, e.Region, e.CustomerID, e.PayoutID, e.Currency = c.Tenant, c.Region, c.CustomerID, c.PayoutID, c.Currency
	}
	d.emit(e)
}

// create opens a payout and sets its money aside, before anybody is asked.
func (d *decision) create() {
	c, decided := &d.in.Command.Command, d.in.Command.Decision
	amount := ledger.Money{Minor: c.Amount, Currency: ledger.Currency(c.Currency)}
	if d.Balance.Available < c.Amount {
		available := ledger.Money{Minor: d.Balance.Available, Currency: amount.Currency}
		d.refuse(topics.RefusedInsufficientFunds, fmt.Sprintf("%s is available, %s was asked for", available, amount))
		return
	}
	destination, possible, why := d.destination(c)
	if destination == nil {
		d.refused(topics.PayoutEvent{Refusal: topics.RefusedClosedLoop, Detail: why, Possible: possible})
		return
	}
	e := topics.PayoutEvent{
		Type: topics.PayoutCreated, Tenant: c.Tenant, Region: c.Region, CustomerID: c.CustomerID, PayoutID: d.id.String(),
		Amount: c.Amount, Currency: c.Currency, Created: &topics.PayoutData{
			Destination: destination, CreatedBy: c.CreatedBy, MerchantReference: c.MerchantReference, Description: c.Description, Metadata: c.Metadata,
		},
	}
	if decided != nil && decided.Outcome == topics.OutcomeBlock {
		e.Type, e.Outcome, e.Reasons, e.Detail = topics.PayoutBlocked, decided.Outcome, decided.Reasons, "a risk rule blocks it"
		d.emit(e)
		return
	}
	d.emit(e)
	if decided.Refusal("") != nil {
		d.emit(topics.PayoutEvent{
			Type: topics.PayoutHeld, Outcome: decided.Outcome, Reasons: decided.Reasons, ExpiresAt: d.now.Add(d.limits.Held),
			Detail: "a risk rule wants a second person to approve it",
		})
		return
	}
	d.send()
}

// approve lets a held payout go on where two people are named. Who asked for it may have written any name: the API key that it
// came by is the one that does not approve.
func (d *decision) approve() {
	c := &d.in.Command.Command
	switch {
	case d.p.RequestedBy == "" && c.RequestedBy == "":
		d.refuse(topics.RefusedReviewRequired, "requested_by: is missing, and the payout was created without one; want who asked for it, another person than the one who approves")
		return
	case d.p.RequestedBy != "" && topics.SamePerson(d.p.RequestedBy, c.ApprovedBy), c.RequestedBy != "" && topics.SamePerson(c.RequestedBy, c.ApprovedBy):
		d.refuse(topics.RefusedReviewRequired, "approved_by: is who asked for the payout, or looks like it; it needs another person")
		return
	case d.p.Data.CreatedBy != "" && topics.SamePerson(d.p.Data.CreatedBy, c.ApprovedBy):
		d.refuse(topics.RefusedReviewRequired, "approved_by: is the API key that the payout was created with, whoever requested_by names, or looks like it; it needs the key of another person")
		return
	}
	d.emit(topics.PayoutEvent{Type: topics.PayoutReleased})
	d.send()
}

func (d *decision) reject() {
	d.emit(topics.PayoutEvent{Type: topics.PayoutRejected, Detail: d.in.Command.Command.Reason})
}

func (d *decision) cancel() {
	d.emit(topics.PayoutEvent{Type: topics.PayoutCancelled, Detail: d.in.Command.Command.Reason})
}
