package evidence

import (
	"slices"
	"strconv"
	"time"

	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
	"github.com/weirhq/weir/topics/chargebacks"
)

// build makes the packet of what could be read.
func build(f *facts) *Packet {
	p := &Packet{Version: 1, MadeAt: f.now.UTC(), Dispute: aboutOf(f.dispute), Submitted: f.dispute.Evidence, Missing: f.missing}
	lacks := func(part, why string) { p.Missing = append(p.Missing, Missing{part, why}) }
	if f.payment != nil {
		p.Payment = paymentOf(f.payment)
		p.Refunds = refundsOf(f.payment)
		if p.Authentication = authenticationOf(f.payment.Authentication); p.Authentication == nil {
			lacks("authentication", "the PSP told no result of 3-D Secure, AVS or CVV")
		} else if p.Authentication.ECI == "" && !p.Authentication.CAVV {
			lacks("three_ds", "the PSP told no result of 3-D Secure: the payment was not authenticated, or it did not say")
		}
	}
	if f.life != nil {
		p.Events = eventsOf(f.life)
		p.Entries = entriesOf(f.life)
		for i := range f.life.Decisions {
			p.Decisions = append(p.Decisions, decisionOf(&f.life.Decisions[i]))
		}
		if len(p.Decisions) == 0 {
			lacks("decisions", "no rule was evaluated for the payment")
		}
		if p.Origin = originOf(f.life.Decisions); p.Origin == nil {
			lacks("origin", "no data file said anything of the IP address or the BIN")
		}
	}
	lacks("ip", "the IP address is not kept beside payments: it is in payments.commands.v1 as long as that topic is; take it from your own logs")
	lacks("device", "the device is not kept beside payments: it is in payments.commands.v1 as long as that topic is; take it from your own logs")
	if f.looked {
		p.PriorPayments = prior(f.dispute.Reason, f.from, f.to, f.earlier)
		if len(f.earlier) == 0 {
			lacks("prior_payments", "no payment of the customer with this card was captured 120 to 365 days before the dispute and never disputed")
		}
	}
	p.Helps = helpsOf(p)
	return p
}

func aboutOf(d *view.Dispute) Dispute {
	reason, _ := chargebacks.Lookup(d.Reason)
	about := Dispute{
		ID: d.ID, PSP: d.PSP, PSPReference: d.Reference, Status: string(d.Status), Stage: string(d.Stage), Amount: d.Amount, Currency: d.Currency,
		ReasonCode: d.Reason, Category: d.Category, Meaning: reason.Meaning, OpenedAt: d.OpenedAt,
	}
	if !d.EvidenceDue.IsZero() {
		about.EvidenceDue = &d.EvidenceDue
	}
	return about
}

func paymentOf(v *view.Intent) *Payment {
	p := &Payment{
		ID: v.ID, CustomerID: v.CustomerID, CreatedAt: v.CreatedAt, Status: string(v.Status), Amount: v.Amount, Authorized: v.Authorized,
		Captured: v.Captured, Refunded: v.Refunded, Currency: v.Currency, PSP: v.PSP, PSPReference: v.PSPReference,
		NetworkReference: v.NetworkReference, MerchantReference: v.MerchantReference, Description: v.Description,
	}
	if c := v.Card; c != nil {
		p.Card = &Card{c.BIN, c.Last4, c.Scheme, c.Type, c.Country}
	}
	return p
}

func authenticationOf(a *topics.AuthData) *Authentication {
	if a == nil || *a == (topics.AuthData{}) {
		return nil
	}
	return &Authentication{ECI: a.ECI, CAVV: a.CAVV != "", DSTransactionID: a.DSTransactionID, AVS: a.AVS, CVV: a.CVV}
}

func refundsOf(v *view.Intent) []Refund {
	var refunds []Refund
	for _, op := range v.Operations {
		if op.Type == topics.OperationRefund && !op.GivenUp {
			refunds = append(refunds, Refund{op.RequestID, op.State, op.Amount})
		}
	}
	return refunds
}

// originOf is what the first decision that was told anything was told.
func originOf(decisions []topics.Decision) *Origin {
	for i := range decisions {
		e := decisions[i].Enrichment
		if e == nil {
			continue
		}
		o := Origin{IPCountry: e.IPCountry, ASN: e.ASN}
		if e.BIN != nil {
			o.Issuer, o.IssuerCountry = e.BIN.Issuer, e.BIN.Country
		}
		if o != (Origin{}) {
			return &o
		}
	}
	return nil
}

func decisionOf(d *topics.Decision) Decision {
	shown := Decision{At: d.At, Stage: string(d.Stage), Outcome: string(d.Outcome), Reasons: d.Reasons, Score: d.Score, RuleSet: d.RuleSet}
	if shown.Stage == "" {
		shown.Stage = string(topics.StageBeforeAuthorization)
	}
	for _, r := range d.Rules {
		if !r.Shadow { // it asked for nothing
			shown.Rules = append(shown.Rules, Rule{r.Rule, string(r.Result), r.Read})
		}
	}
	for name, f := range d.Features {
		if shown.Features == nil {
			shown.Features = map[string]string{}
		}
		value := strconv.FormatInt(f.Value, 10)
		switch {
		case f.Missing:
			value = "missing"
		case f.Approximate:
			value += " at most"
		}
		shown.Features[name] = value
	}
	return shown
}

func eventsOf(l *view.Life) []Event {
	var events []Event
	for i := range l.Events {
		e := &l.Events[i]
		events = append(events, Event{e.At, e.EventID, "payment", string(e.Type), string(e.Status), e.Amount, e.Detail})
	}
	for i := range l.Disputes {
		e := &l.Disputes[i]
		events = append(events, Event{e.At, e.EventID, "dispute", string(e.Type), string(e.Status), e.Amount, e.Detail})
	}
	slices.SortStableFunc(events, func(a, b Event) int { return a.At.Compare(b.At) })
	return events
}

func entriesOf(l *view.Life) []Entry {
	var entries []Entry
	for i := range l.Entries {
		e := &l.Entries[i]
		shown := Entry{ID: e.EntryID, Template: e.Template, BookedAt: e.BookedAt}
		for _, posting := range e.Postings {
			account := posting.Code
			if posting.Owner != "" {
				account += " of " + posting.Owner
			}
			shown.Postings = append(shown.Postings, Posting{account, posting.Amount, posting.Currency})
		}
		entries = append(entries, shown)
	}
	return entries
}

// helpsOf says of each kind of evidence that helps where it is. A code that is not known is helped by all kinds.
func helpsOf(p *Packet) []Kind {
	reason, known := chargebacks.Lookup(p.Dispute.ReasonCode)
	auth := p.Authentication
	if auth == nil {
		auth = &Authentication{}
	}
	here := map[string]bool{
		"three_ds": auth.ECI != "" || auth.CAVV, "avs": auth.AVS != "", "cvv": auth.CVV != "", "authorisation": p.Payment != nil && p.Payment.Authorized > 0,
		"ip": false, "device": false, "prior_payments": p.PriorPayments != nil && len(p.PriorPayments.Payments) > 0,
		"activity": len(p.Events) > 0, "refund": len(p.Refunds) > 0,
	}
	var kinds []Kind
	for _, e := range chargebacks.Kinds() {
		if known && !slices.Contains(reason.Helps, e.Kind) {
			continue
		}
		where := Yours
		switch {
		case here[e.Kind]:
			where = Here
		case e.Engine:
			where = Lacks
		}
		kinds = append(kinds, Kind{e.Kind, e.What, where})
	}
	if known {
		slices.SortStableFunc(kinds, func(a, b Kind) int { return slices.Index(reason.Helps, a.Kind) - slices.Index(reason.Helps, b.Kind) })
	}
	return kinds
}

// shownTime is a time as people read it.
func shownTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
