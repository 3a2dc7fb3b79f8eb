package payments

import (
	"encoding/hex"
	"fmt"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// Published are the topics that hold what the fold publishes. It is their only writer, and in each partition their records
// stand in the order of the log.
func Published() []string {
	return []string{topics.Events, topics.WalletEvents, topics.PayoutEvents, topics.LinkEvents, topics.DisputeEvents, topics.Entries, topics.LedgerPeriods, topics.Decisions, topics.PSPRequests,
		topics.Reviews, topics.CustomerChanges, topics.Customers, topics.InboxDeadLetters}
}

// outputs collects what one record publishes.
type outputs struct {
	partition *partition
	record    *stream.Record
	all       []stream.Output
	entries   int16
}

// about is whose record it is that is published, as its key and envelope say.
type about struct{ tenant, region, customer, payment, trace string }

func aboutPayment(e *topics.PaymentEvent) about {
	return about{e.Tenant, e.Region, e.CustomerID, e.PaymentID, e.TraceID}
}

func aboutWallet(e *topics.WalletEvent) about {
	return about{e.Tenant, e.Region, e.CustomerID, "", e.TraceID}
}

func (o *outputs) add(topic, kind string, a about, value any) {
	data, err := topics.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("payments: encoding for %s: %v", topic, err))
	}
	key := a.customer
	if key == "" {
		key = a.payment
	}
	o.all = append(o.all, stream.Output{
		Topic: topic, Key: []byte(key), Value: data,
		Envelope: topics.Envelope{Type: kind, Subject: a.payment, Tenant: a.tenant, Region: a.region, TraceID: a.trace},
	})
}

func (o *outputs) event(e *topics.PaymentEvent) {
	o.add(topics.Events, topics.TypePaymentEvent, aboutPayment(e), e)
}

func (o *outputs) walletEvent(e *topics.WalletEvent) {
	o.add(topics.WalletEvents, topics.TypeWalletEvent, aboutWallet(e), e)
}

func (o *outputs) request(r *topics.PSPRequest, e *topics.PaymentEvent) {
	if r != nil {
		o.add(topics.PSPRequests, topics.TypePSPRequest, aboutPayment(e), r)
	}
}

func (o *outputs) review(r *topics.ReviewRequest, e *topics.PaymentEvent) {
	if r != nil {
		o.add(topics.Reviews, topics.TypeReviewRequest, aboutPayment(e), r)
	}
}

func (o *outputs) entry(entry *ledger.Entry, a about) {
	o.entries++
	record := topics.LedgerEntry{
		EntryID:  topics.EventID{Partition: entry.ID.Partition, Position: entry.ID.Position, Index: entry.ID.Index}.String(),
		Template: entry.Template, Tenant: a.tenant, Region: a.region, CustomerID: a.customer, PaymentID: a.payment,
		TraceID: a.trace, BookedAt: entry.At, EffectiveAt: entry.Effective, Reference: entry.Reference,
		Period:   entry.LatePeriod(o.partition.closed[a.tenant]),
		Postings: make([]topics.LedgerPosting, len(entry.Postings)),
	}
	for i, p := range entry.Postings {
		id := p.Account.ID()
		record.Postings[i] = topics.LedgerPosting{
			AccountID: hex.EncodeToString(id[:]), Code: string(p.Account.Code), Owner: p.Account.Owner,
			Currency: string(p.Account.Currency), Amount: p.Minor,
		}
	}
	o.add(topics.Entries, topics.TypeLedgerEntry, a, &record)
}

// decision publishes the risk decision on a command or an authorisation, with the first event that it led to.
func (o *outputs) decision(in *input, events []topics.PaymentEvent) {
	switch {
	case len(events) == 0:
	case in.Command != nil && in.Command.Decision.RuleSet != "":
		d := in.Command.Decision
		if in.Command.Command.Type == topics.CommandRefund {
			d.ApprovedBy = approver(&d, in.Command.Command.ApprovedBy)
		}
		o.decided(d, in.Command.Enrichment, in.Command.Features, &events[0])
	case in.Review != nil && in.Review.Decision.RuleSet != "":
		before := &in.Review.Review.Before
		o.decided(in.Review.Decision, before.Enrichment, before.Features, &events[0])
	}
}

func (o *outputs) decided(d topics.Decision, e *topics.Enrichment, features map[string]topics.Feature, first *topics.PaymentEvent) {
	d.Tenant, d.CustomerID, d.PaymentID, d.At = first.Tenant, first.CustomerID, first.PaymentID, first.At
	d.Enrichment, d.Features = e, features
	o.add(topics.Decisions, topics.TypeDecision, aboutPayment(first), &d)
}

// walletDecision publishes the risk decision on a wallet command, with the event that it led to.
func (o *outputs) walletDecision(in *topics.AssessedWalletCommand, e *topics.WalletEvent) {
	if in == nil || in.Decision == nil {
		return
	}
	d := *in.Decision
	d.Tenant, d.CustomerID, d.At, d.Features = e.Tenant, e.CustomerID, e.At, in.Features
	d.ApprovedBy, d.GamingLimit = approver(&d, in.Command.ApprovedBy), e.GamingLimit
	o.add(topics.Decisions, topics.TypeDecision, aboutWallet(e), &d)
}

// approver is who let a command pass that the rules had held, "" where they did not.
func approver(d *topics.Decision, approvedBy string) string {
	if d.Refusal("") != nil && d.Refusal(approvedBy) == nil {
		return approvedBy
	}
	return ""
}
