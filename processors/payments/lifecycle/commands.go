package lifecycle

import (
	"cmp"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// command decides on a command. The order of the checks is the documented precedence of refusals.
func (d *decision) command(c *topics.Command) {
	if refusal := d.check(c); refusal != nil {
		d.refuse(refusal.Code, refusal.Detail)
		return
	}
	if c.Type == topics.CommandCreate && d.p != nil {
		if d.p.openedBy(c) {
			return // its id was forgotten since
		}
		d.refuse(topics.RefusedDuplicateCommand, "command_id: was used for another payment; want a new one")
		return
	}
	if c.Type == topics.CommandRevokeMandate {
		d.revokeMandate()
		return
	}
	what, unapplied := string(c.Type), c.Type == topics.CommandRefund && c.Unapplied
	if unapplied {
		what = refundOfUnapplied
	}
	if found := d.find(FromCommand, what, ""); !found || d.p.finished() && !unapplied {
		status := d.p.Status()
		if Final(status) {
			d.refuse(topics.RefusedFinished, fmt.Sprintf("the payment is %s", status))
		} else {
			d.refuse(topics.RefusedWrongState, fmt.Sprintf("the payment is %s, from which %s is not a step", status, c.Type))
		}
		return
	}
	if d.step.Refuse != "" {
		whose := "PSP"
		if d.p.Status() == topics.StatusReviewing {
			whose = "review"
		}
		d.refuse(d.step.Refuse, fmt.Sprintf("the payment is %s: the %s's answer decides first", d.p.Status(), whose))
		return
	}
	if requests := d.p.requests(); requests >= d.limits.Operations {
		d.refuse(topics.RefusedWrongState, fmt.Sprintf("the payment has had %d requests, which is the limit", requests))
		return
	}
	d.step.do(d)
}

// check is what stands before the transition table in the precedence.
func (d *decision) check(c *topics.Command) *topics.Refusal {
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
	if c.Type == topics.CommandCreate {
		return nil
	}
	if d.p == nil {
		return &topics.Refusal{Code: topics.RefusedUnknownPayment, Detail: fmt.Sprintf("the customer has no payment %s", c.PaymentID)}
	}
	if c.Tenant != d.p.Tenant || c.CustomerID != d.p.Customer {
		return &topics.Refusal{Code: topics.RefusedCustomerMismatch, Detail: "the payment belongs to another customer than the command names"}
	}
	if refusal := d.inRegion(c.Region); refusal != nil {
		return refusal
	}
	if c.Currency != "" && c.Currency != string(d.p.Currency) {
		return &topics.Refusal{Code: topics.RefusedCurrencyMismatch, Detail: fmt.Sprintf("the payment is in %s, the command in %s", d.p.Currency, c.Currency)}
	}
	return d.p.unsupported(c.Type)
}

// inRegion refuses a command of another region than the payment's: it was assessed by the rules and limits of its own.
func (d *decision) inRegion(region string) *topics.Refusal {
	of := d.p.Region
	if region == of || of == "" && region == d.limits.Region {
		return nil
	}
	detail := "region: the payment has none; name none"
	if of != "" {
		detail = fmt.Sprintf("region: the payment is of region %s; name that", of)
	}
	return &topics.Refusal{Code: topics.RefusedRegionMismatch, Detail: detail}
}

// wellFormed checks what the fold relies on. That the command is valid in every other way was checked by who wrote it to
// the inbox (topics.Command.Validate), which says so by Refusal.
func (d *decision) wellFormed(c *topics.Command) *topics.Refusal {
	invalid := func(format string, args ...any) *topics.Refusal {
		return &topics.Refusal{Code: topics.RefusedInvalid, Detail: fmt.Sprintf(format, args...)}
	}
	if c.Amount < 0 || c.Amount > topics.MaxAmount {
		return invalid("amount: %d is not between 0 and %d", c.Amount, topics.MaxAmount)
	}
	if c.Currency != "" {
		if _, ok := ledger.Currency(c.Currency).Exponent(); !ok {
			return invalid("currency: %.8q is not an ISO 4217 currency", c.Currency)
		}
	} else if c.Amount > 0 {
		return invalid("currency: is missing beside an amount")
	}
	switch c.Type {
	case topics.CommandCreate:
		if c.Amount == 0 || c.Card == nil && c.PaymentMethod.By() == nil && c.Mandate == "" {
			return invalid("amount and card: a create command needs both")
		}
		if d.in.Command.Decision.Outcome == "" {
			return invalid("decision: the command was not assessed")
		}
		if most := int64(d.limits.Authorization / time.Second); c.CaptureDelaySeconds < 0 || c.CaptureDelaySeconds > most {
			return invalid("capture_delay_seconds: an authorisation lasts for %d seconds here (payments.authorization_ttl); want at most that", most)
		}
		if c.StatementDescriptor != "" && topics.InvalidDescriptor(c.StatementDescriptor) != "" {
			return invalid("statement_descriptor: %s", topics.InvalidDescriptor(c.StatementDescriptor))
		}
		if m := c.SetupMandate; m != nil && !m.ExpiresAt.IsZero() && !m.ExpiresAt.After(d.now) {
			return invalid("setup_mandate.expires_at: %s is over; want a time to come, or none for a mandate without an end", m.ExpiresAt.UTC().Format(time.RFC3339))
		}
	case topics.CommandAuthorize:
		if d.in.Command.Decision.Outcome == "" {
			return invalid("decision: the command was not assessed")
		}
	case topics.CommandIncrement:
		if c.Amount == 0 {
			return invalid("amount: an increment command needs what is to be added")
		}
	case topics.CommandConfirm:
		if c.Challenge == nil {
			return invalid("challenge: a confirm command needs what the challenge returned")
		}
	}
	return nil
}

// refuse refuses the command; reasons are those of the rules, where these refuse it.
func (d *decision) refuse(code topics.RefusalCode, detail string, reasons ...string) {
	c := &d.in.Command.Command
	e := topics.PaymentEvent{Type: topics.EventCommandRefused, Refusal: code, Reasons: reasons, Detail: detail, Amount: c.Amount}
	// Whoever was refused may not learn of another customer's payment: the event tells what the command said.
	if d.p == nil || code == topics.RefusedCustomerMismatch || code == topics.RefusedDuplicateCommand {
		d.p = nil
		e.Tenant, e.Region, e.CustomerID, e.PaymentID, e.Currency = c.Tenant, c.Region, c.CustomerID, c.PaymentID, c.Currency
	}
	d.emit(e)
}

// openedBy says that a create command asks for this payment.
func (p *Payment) openedBy(c *topics.Command) bool {
	customer := c.CustomerID
	if customer == "" {
		customer = topics.GuestCustomer(p.ID.UUID)
	}
	return p.Tenant == c.Tenant && p.Customer == customer && p.Amount == c.Amount && string(p.Currency) == c.Currency
}

func (d *decision) create() {
	c := &d.in.Command.Command
	if d.in.Link != nil {
		d.refuse(d.in.Link.Code, d.in.Link.Detail)
		return
	}
	// What the capture brings, it brings whatever there is by then.
	if b := &d.in.Balance; b.Available > topics.MaxBalance-c.Amount || b.Held > topics.MaxBalance-c.Amount-b.Available {
		d.refuse(topics.RefusedLimitExceeded, fmt.Sprintf("the customer would have more than %d minor units", topics.MaxBalance))
		return
	}
	var use *topics.MandateUse
	if c.Mandate != "" {
		if refusal := d.byMandate(c); refusal != nil {
			d.refuse(refusal.Code, refusal.Detail)
			return
		}
		with := *c
		with.Card, use = d.in.Mandate.Card, d.in.Mandate.use()
		c = &with
	}
	customer := c.CustomerID
	id := uuid.FromStringOrNil(c.CommandID)
	if customer == "" {
		customer = topics.GuestCustomer(id)
	}
	method := c.CaptureMethod
	if method == "" {
		method = topics.CaptureManual
		if c.PaymentMethod.By() != nil {
			method = topics.CaptureAutomatic
		}
	}
	var counted *topics.GamingCount // a payment that is blocked at once never counts
	if d.in.CountedDay != "" && d.in.verdict().outcome != topics.OutcomeBlock {
		counted = &topics.GamingCount{Day: d.in.CountedDay, Amount: c.Amount}
	}
	var later *topics.RoutePlan
	if !c.Authorize {
		later = d.in.Command.Route
	}
	d.emit(topics.PaymentEvent{
		Type: topics.EventCreated, Tenant: c.Tenant, Region: c.Region, CustomerID: customer,
		PaymentID: topics.PaymentID{Partition: d.in.Partition, UUID: id}.String(), Amount: c.Amount, Currency: c.Currency,
		Created: &topics.CreatedData{
			SetupMandate: c.SetupMandate, Mandate: use,
			CaptureMethod: method, CaptureDelaySeconds: c.CaptureDelaySeconds, PaymentMethod: c.PaymentMethod.By(), Card: c.Card, ReturnURL: c.ReturnURL, MerchantReference: c.MerchantReference,
			Description: c.Description, Metadata: c.Metadata, LinkID: c.LinkID, Plan: later,
			StatementDescriptor: cmp.Or(c.StatementDescriptor, d.limits.Descriptors[c.Tenant]),
		},
		Outcome: d.in.Command.Decision.Outcome, ExpiresAt: d.now.Add(d.limits.Created), Counted: counted,
	})
	d.assess(c.Authorize)
}

func (d *decision) authorize() { d.assess(true) }

// assess goes on as the risk decision and the customer's deposit limits say.
func (d *decision) assess(authorize bool) {
	decision, v := &d.in.Command.Decision, d.verdictOf()
	if v.outcome == topics.OutcomeStepUp && d.p.Recurring != nil {
		v.outcome = topics.OutcomeHold // the customer is not there to authenticate
	}
	switch v.outcome {
	case topics.OutcomeBlock:
		d.block(v)
	case topics.OutcomeHold:
		e := topics.PaymentEvent{
			Type: topics.EventHeld, Outcome: v.outcome, Reasons: v.reasons, GamingLimit: v.limit, Detail: v.detail,
			ExpiresAt: d.now.Add(d.limits.Held), Counted: d.counting(),
		}
		if authorize {
			e.Request = &topics.RequestData{
				PSP: d.limits.PSP, Capture: d.p.together() && !decision.Reviews, ThreeDS: d.p.challenges(d.p.StepUp), Review: reviewBasis(d.in.Command),
				Plan: d.planned(d.in.Command),
			}
		}
		d.emit(e)
	default:
		if authorize {
			d.requestAuthorization(d.p.challenges(d.p.StepUp || decision.Outcome == topics.OutcomeStepUp), reviewBasis(d.in.Command), d.in.Command)
		}
	}
}

// requestAuthorization asks for the first time. assessed is the command that lets it, nil where a reviewer does: what the
// rules said, and the plan, stand in the held event then.
func (d *decision) requestAuthorization(threeDS bool, review *topics.ReviewBasis, assessed *topics.AssessedCommand) {
	e := d.authorization(threeDS, d.p.together() && review == nil)
	e.Request.Review = review
	if assessed != nil {
		e.Outcome, e.Reasons, e.Counted = assessed.Decision.Outcome, assessed.Decision.Reasons, d.counting()
		e.Request.Plan = d.planned(assessed)
	}
	d.attempt(e)
}

func (d *decision) approve() {
	if d.p.Authorized > 0 {
		if d.p.open(topics.OperationVoid) != nil {
			d.refuse(topics.RefusedInProgress, "a void is open")
			return
		}
	}
	if v := d.in.verdict(); v.outcome == topics.OutcomeBlock { // the customer has set a limit meanwhile, which no reviewer lifts
		d.block(v)
		d.releaseAll()
		return
	}
	released := topics.PaymentEvent{Type: topics.EventReleased, Detail: d.in.Command.Command.Reason, Counted: d.counting()}
	if d.p.Authorized > 0 {
		released.Amount = d.p.Authorized
		d.emit(released)
		d.captureNow()
		return
	}
	waiting := d.p.Waiting
	released.ExpiresAt = d.now.Add(d.limits.Created)
	d.emit(released)
	if waiting != nil {
		d.requestAuthorization(waiting.ThreeDS, waiting.Review, nil)
	}
}

func (d *decision) reject() {
	d.emit(topics.PaymentEvent{Type: topics.EventRejected, Amount: d.p.Authorized, Detail: d.in.Command.Command.Reason})
	d.releaseAll()
}

// confirm goes on after a challenge, whatever it returned: the PSP knows best whether it was passed, and declines a
// failed one.
func (d *decision) confirm() {
	d.follow(topics.EventConfirmationRequested, d.p.Amount, topics.RequestData{Challenge: d.in.Command.Command.Challenge})
}

// cancel gives up a payment that was not sent to the PSP, or whose challenge nobody has confirmed. Where the PSP
// approves the latter all the same, the approval is released by a void.
func (d *decision) cancel() {
	if d.p.Authorized > 0 {
		d.refuse(topics.RefusedWrongState, "the payment is authorised: void it, or have its reviewer reject it")
		return
	}
	d.emit(topics.PaymentEvent{Type: topics.EventCancelled, Detail: d.in.Command.Command.Reason})
	d.gaveUp()
}

func (d *decision) capture() {
	if kind := d.busy(topics.OperationVoid); kind != "" {
		d.refuse(topics.RefusedInProgress, isOpen(kind))
		return
	}
	if d.p.Review.open() {
		d.refuse(topics.RefusedUnderReview, "the review has not let the authorisation pass")
		return
	}
	left := d.p.Capturable()
	amount := d.in.Command.Command.Amount
	if amount == 0 {
		amount = left
	}
	if amount > left && d.p.OverCapturable() > 0 {
		d.captureOver(amount)
		return
	}
	if amount == 0 || amount > left {
		d.refuse(topics.RefusedExceedsAuthorized, fmt.Sprintf("%s can be captured, open captures counted", d.p.money(left)))
		return
	}
	d.follow(topics.EventCaptureRequested, amount, topics.RequestData{})
}

func (d *decision) void() {
	if d.p.Authorized == 0 {
		d.refuse(topics.RefusedWrongState, fmt.Sprintf("the payment is %s, from which void is not a step", d.p.Status()))
		return
	}
	if kind := d.busy(topics.OperationVoid, topics.OperationCapture); kind != "" {
		d.refuse(topics.RefusedInProgress, isOpen(kind))
		return
	}
	d.follow(topics.EventVoidRequested, d.p.Uncaptured(), topics.RequestData{})
}

func (d *decision) refund() {
	left := d.p.Refundable()
	amount := d.in.Command.Command.Amount
	if amount == 0 {
		amount = left
	}
	if undisputed := d.p.Captured - d.p.Refunded - d.p.Refunding; undisputed > left && amount <= undisputed && (amount > left || amount == 0) {
		d.refuse(topics.RefusedDisputed, fmt.Sprintf("%s can be refunded, the rest is disputed: the customer would have it twice", d.p.money(left)))
		return
	}
	if amount == 0 || amount > left {
		d.refuse(topics.RefusedExceedsCaptured, fmt.Sprintf("%s can be refunded, open refunds counted", d.p.money(left)))
		return
	}
	if waits := d.in.Waits; waits != nil && amount > *waits {
		d.refuse(topics.RefusedExceedsCaptured, fmt.Sprintf("%s of what was deposited with the card can go back to it, payouts counted", d.p.money(*waits)))
		return
	}
	if available := d.in.Balance.Available; amount > available {
		d.refuse(topics.RefusedInsufficientFunds, fmt.Sprintf("the wallet holds %s", d.p.money(available)))
		return
	}
	decision := &d.in.Command.Decision
	if refusal := decision.Refusal(d.in.Command.Command.ApprovedBy); refusal != nil {
		d.refuse(refusal.Code, refusal.Detail, decision.Reasons...)
		return
	}
	d.follow(topics.EventRefundRequested, amount, topics.RequestData{})
}

// follow asks the PSP of the authorisation for an operation that follows it.
func (d *decision) follow(event topics.EventType, amount int64, data topics.RequestData) {
	data.PSP, data.NotAfter = d.p.PSP, d.now.Add(d.limits.FollowWithin)
	if event == topics.EventConfirmationRequested {
		data.NotAfter = d.now.Add(d.limits.AuthorizeWithin)
	}
	d.emit(topics.PaymentEvent{Type: event, Amount: amount, Request: &data})
}

func (p *Payment) money(minor int64) ledger.Money {
	return ledger.Money{Minor: minor, Currency: p.Currency}
}

func (p *Payment) automatic() bool { return p.CaptureMethod == topics.CaptureAutomatic }
