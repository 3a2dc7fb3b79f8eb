package lifecycle

import (
	"fmt"
	"time"

	"github.com/weirhq/weir/topics"
	"github.com/weirhq/weir/topics/declines"
)

// Recurring is what a payment by a mandate has beyond others. The merchant asks for it without the customer: there is no
// challenge, no other PSP has the card, and what is declined for now is asked for again days later.
//
// P6 holds as it does for a plan of PSPs: all attempts but the last one are known not to have charged.
type Recurring struct {
	Use   topics.MandateUse `json:"use"`
	Asked int               `json:"asked,omitempty"` // attempts
	Began time.Time         `json:"began,omitzero"`  // of the first
	// Retry is when it is asked for again; nil where it does not wait.
	Retry *topics.MandateRetry `json:"retry,omitempty"`
	// Final is the decline that the PSP called final of an attempt that was given up, told while the next one was under way: that is
	// the last one. Nil: none was told.
	Final *FinalDecline `json:"final,omitempty"`
}

// FinalDecline is what the PSP says of a decline that no time changes.
type FinalDecline struct {
	Code     string `json:"code,omitempty"`
	Category string `json:"category,omitempty"`
	Retry    string `json:"retry,omitempty"`
	Hard     bool   `json:"hard,omitempty"`
}

// Retries is when a payment by a mandate that was declined for now is asked for again.
type Retries struct {
	// Attempts of one payment at most, the first one included. Card schemes allow 15 repeats in 30 days (Visa) or 35
	// (Mastercard) and charge for more.
	Attempts int
	Within   time.Duration // after the first attempt
	// Pauses after the first, second … decline, the last one for all that follow: Funds where there is too little money or a
	// limit is reached, Other where the issuer or the way to it failed. A longer pause in the table of decline codes counts.
	Funds, Other []time.Duration
}

// The most that the schemes allow, whichever is less.
const (
	mostRetries    = 15
	retriesHorizon = 30 * 24 * time.Hour
)

// DefaultRetries tries when money mostly has come: the next days, then after a week.
func DefaultRetries() Retries {
	const day = 24 * time.Hour
	return Retries{
		Attempts: 5, Within: 21 * day,
		Funds: []time.Duration{day, 3 * day, 5 * day, 7 * day}, Other: []time.Duration{time.Hour, day, 3 * day},
	}
}

func (r *Retries) validate() error {
	if r.Attempts < 1 || r.Attempts > mostRetries+1 || r.Within <= 0 || r.Within > retriesHorizon {
		return fmt.Errorf("limits: want 1 to %d attempts by a mandate within at most %s, as the card schemes allow, got %d within %s",
			mostRetries+1, retriesHorizon, r.Attempts, r.Within)
	}
	for _, pauses := range [...][]time.Duration{r.Funds, r.Other} {
		for _, pause := range pauses {
			if pause <= 0 || pause%time.Millisecond != 0 {
				return fmt.Errorf("limits: a pause before an attempt by a mandate is %s: want whole milliseconds above zero", pause)
			}
		}
		if len(pauses) == 0 {
			return fmt.Errorf("limits: want at least one pause before the next attempt by a mandate")
		}
	}
	return nil
}

// pause is how long to wait after the n-th attempt was declined, n from 1.
func (r *Retries) pause(category string, n int) time.Duration {
	pauses := r.Other
	switch declines.Category(category) {
	case declines.InsufficientFunds, declines.LimitExceeded:
		pauses = r.Funds
	}
	return pauses[min(n, len(pauses))-1]
}

// byMandate refuses a create command by a mandate that the customer has not, or that does not allow the payment.
func (d *decision) byMandate(c *topics.Command) *topics.Refusal {
	of := d.in.Mandate
	if of == nil || of.Mandate == nil || of.Tenant != c.Tenant || of.Customer != c.CustomerID {
		return &topics.Refusal{Code: topics.RefusedUnknownMandate, Detail: fmt.Sprintf("the customer has no mandate %s", c.Mandate)}
	}
	if of.Region != c.Region {
		return &topics.Refusal{Code: topics.RefusedRegionMismatch, Detail: "region: the mandate is of another region than the command names"}
	}
	if c.Currency != string(of.Currency) {
		return &topics.Refusal{Code: topics.RefusedCurrencyMismatch, Detail: fmt.Sprintf("the mandate is in %s, the command in %s", of.Currency, c.Currency)}
	}
	return d.allows(c.Amount)
}

// allows refuses what the mandate does not allow: it has ended, or one payment by it may not be as large.
func (d *decision) allows(sum int64) *topics.Refusal {
	status, ok := d.stands()
	if !ok {
		return &topics.Refusal{Code: topics.RefusedMandateNotActive, Detail: fmt.Sprintf("the mandate is %s", status)}
	}
	of := d.in.Mandate
	if most := of.Mandate.Terms.MaxAmount; most > 0 && sum > most {
		return &topics.Refusal{Code: topics.RefusedExceedsMandate, Detail: fmt.Sprintf("the mandate is for payments of up to %s", of.money(most))}
	}
	return nil
}

// use is what a payment takes over from this one, which has set the mandate up.
func (p *Payment) use() *topics.MandateUse {
	return &topics.MandateUse{
		MandateID: p.ID.MandateID(), Kind: p.Mandate.Terms.Kind, PSP: p.PSP, NetworkReference: p.NetworkReference,
		Credential: p.Mandate.Credential,
	}
}

// isBy begins a payment by a mandate.
func (p *Payment) isBy(use *topics.MandateUse) {
	if use != nil {
		p.Recurring, p.Routing = &Recurring{Use: *use}, nil
	}
}

// ByMandate is the payment that set up the mandate which this one is by; ok is false where it is by none.
func (p *Payment) ByMandate() (of topics.PaymentID, ok bool) {
	if p == nil || p.Recurring == nil {
		return of, false
	}
	of, err := topics.ParseMandateID(p.Recurring.Use.MandateID)
	return of, err == nil
}

// mandateID names the mandate that the payment is by, "" where it is by none.
func (p *Payment) mandateID() string {
	if p.Recurring == nil {
		return ""
	}
	return p.Recurring.Use.MandateID
}

// stands says that the mandate is active, else what it is.
func (d *decision) stands() (status topics.MandateStatus, ok bool) {
	if of := d.in.Mandate; of != nil && of.Mandate != nil {
		status = of.Mandate.At(d.now)
	}
	return status, status == topics.MandateActive
}

// charge asks the PSP that keeps the card, unless the mandate has ended meanwhile.
func (d *decision) charge(e topics.PaymentEvent) {
	r := d.p.Recurring
	if status, ok := d.stands(); !ok {
		e.Type, e.Amount, e.Counted, e.Request = topics.EventDeclined, d.p.Amount, nil, nil
		e.RequestID = d.p.lastAttempt()
		e.PSP = &topics.PSPData{DeclineCode: topics.DeclineMandateEnded}
		e.Detail = fmt.Sprintf("the mandate is %s", status)
		d.emit(e)
		return
	}
	e.Request.PSP, e.Request.Route, e.Request.ThreeDS, e.Request.Plan = r.Use.PSP, topics.RouteMandate, false, nil
	e.Request.Attempt = r.Asked + 1
	e.Request.Fallback = e.Request.Attempt < d.limits.Retries.Attempts
	d.emit(e)
}

// retriesLater makes a payment by a mandate wait for its next attempt, where the answer at hand leaves one.
func (d *decision) retriesLater() bool {
	r, report := d.p.Recurring, d.in.Report
	if r == nil || r.Final != nil || d.op.Kind != topics.OperationAuthorize || d.op.State == OperationAction || d.p.Mark != "" || d.full() || !d.softly() {
		return false
	}
	if _, ok := d.stands(); !ok {
		return false
	}
	retries := &d.limits.Retries
	pause := max(retries.pause(report.DeclineCategory, r.Asked), time.Duration(report.DeclineAfterSeconds)*time.Second)
	next := topics.MandateRetry{
		At: d.now.Add(pause), Attempts: r.Asked, Left: retries.Attempts - r.Asked, Until: r.Began.Add(retries.Within),
	}
	if next.Left < 1 || next.At.After(next.Until) {
		return false
	}
	d.fact(topics.EventAttemptDeclined, d.op.Amount)
	d.emit(topics.PaymentEvent{Type: topics.EventQueued, Amount: d.p.Amount, ExpiresAt: next.Until, Retry: &next})
	return true
}

// declinedForGood ends a payment by a mandate that waits for its next attempt, where the PSP calls the decline of one final that it had
// called soft: the card schemes forbid to ask again. Where the next attempt is under way it is the last one.
func (d *decision) declinedForGood() {
	if r := d.p.Recurring; r != nil && r.Final == nil && d.op.State == OperationFailed && !d.softly() {
		d.fact(d.step.Event, d.op.Amount)
	}
}

// lastWord makes a soft decline the final one that was told of an earlier attempt.
func (d *decision) lastWord() {
	r := d.p.Recurring
	if r == nil || r.Final == nil || !d.softly() {
		return
	}
	told := *d.in.Report
	told.DeclineCode, told.DeclineCategory, told.DeclineRetry, told.HardDecline = r.Final.Code, r.Final.Category, r.Final.Retry, r.Final.Hard
	in := *d.in
	in.Report = &told
	d.in, d.failed = &in, ""
}

// isFinal keeps what the PSP says of an attempt that was given up.
func (r *Recurring) isFinal(said *topics.PSPData) *Recurring {
	now := *r
	now.Final = &FinalDecline{Code: said.DeclineCode, Category: said.DeclineCategory, Retry: said.DeclineRetry, Hard: said.HardDecline}
	return &now
}

// softly says that the answer at hand is one that time may change: what the issuer does not call final, and what provably was
// not performed because nobody could be asked.
func (d *decision) softly() bool {
	r := d.in.Report
	if r.Outcome != topics.PSPDeclined {
		return d.unsent() || d.failed == topics.DeclineNotPerformed
	}
	switch declines.Retry(r.DeclineRetry) {
	case declines.Never, declines.AfterAuthentication:
		return false
	}
	return !r.HardDecline
}

// charged counts an attempt.
func (r *Recurring) charged(at time.Time) *Recurring {
	now := *r
	if now.Asked == 0 {
		now.Began = at
	}
	now.Asked++
	now.Retry = nil
	return &now
}

// waitsUntil makes the payment wait for its next attempt.
func (r *Recurring) waitsUntil(retry *topics.MandateRetry) *Recurring {
	now := *r
	now.Retry = retry
	return &now
}

// credential tells the PSP how the card is kept and used; nil where no mandate has to do with the payment.
func (p *Payment) credential() *topics.StoredCredential {
	switch {
	case p.Mandate != nil:
		return &topics.StoredCredential{Use: topics.CredentialFirst, Kind: p.Mandate.Terms.Kind}
	case p.Recurring != nil:
		use := &p.Recurring.Use
		return &topics.StoredCredential{Use: topics.CredentialSubsequent, Kind: use.Kind, NetworkReference: use.NetworkReference}
	}
	return nil
}

// charges is the card that the PSP is asked with.
func (p *Payment) charges() *topics.Card {
	if p.Recurring == nil || p.Recurring.Use.Credential == "" || p.Card == nil {
		return p.Card
	}
	kept := *p.Card
	kept.Token = p.Recurring.Use.Credential
	return &kept
}
