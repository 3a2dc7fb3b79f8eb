package replay

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// made is what a decision was made on, as it stands in the inbox.
type made struct {
	input   rules.Input
	command *topics.AssessedCommand // of a payment; nil of anything else
	about   about
}

// about names what was decided on: each has one decision. Commands of payments, wallets and payouts share their ids.
type about struct {
	stage  topics.Stage
	tenant string
	id     string
}

// of is what a published decision is about.
func of(d *topics.Decision) about {
	if d.Stage == topics.StageEvent {
		return about{d.Stage, d.Tenant, d.EventID}
	}
	return about{d.Stage, d.Tenant, d.CommandID}
}

// read decodes an inbox record; nil where it holds no decision.
func read(r *kgo.Record) (*made, error) {
	var m made
	var d *topics.Decision
	var tenant string
	var err error
	switch kindOf(r) {
	case topics.TypeAssessedCommand:
		m.command = &topics.AssessedCommand{}
		err = topics.Unmarshal(r.Value, m.command)
		in := m.command
		d, tenant = &in.Decision, in.Command.Tenant
		m.input = rules.Input{Command: &in.Command, Enrichment: in.Enrichment, Features: in.Features, Now: in.AssessedAt}
	case topics.TypeAssessedAuthorization:
		var in topics.AssessedAuthorization
		err = topics.Unmarshal(r.Value, &in)
		d, tenant = &in.Decision, in.Review.Command.Tenant
		m.input = rules.InputOfReview(&in.Review, in.AssessedAt)
	case topics.TypeAssessedWallet:
		var in topics.AssessedWalletCommand
		err = topics.Unmarshal(r.Value, &in)
		d, tenant = in.Decision, in.Command.Tenant
		m.input = rules.Input{Wallet: &in.Command, Features: in.Features, Now: in.AssessedAt}
	case topics.TypeAssessedPayout:
		var in topics.AssessedPayoutCommand
		err = topics.Unmarshal(r.Value, &in)
		d, tenant = in.Decision, in.Command.Tenant
		m.input = rules.Input{Payout: &in.Command, Enrichment: in.Enrichment, Features: in.Features, Now: in.AssessedAt}
	case topics.TypeAssessedCustomerEvent:
		var in topics.AssessedCustomerEvent
		err = topics.Unmarshal(r.Value, &in)
		d, tenant = &in.Decision, in.Event.Tenant
		m.input = rules.Input{Event: &in.Event, Enrichment: in.Enrichment, Features: in.Features, Now: in.AssessedAt}
	}
	if err != nil || d == nil || d.RuleSet == "" && m.input.Event == nil { // an event without rules is published all the same
		return nil, err
	}
	m.about = of(d)
	m.about.tenant = tenant // the inbox leaves it out of the decision
	return &m, nil
}

func kindOf(r *kgo.Record) string {
	for _, h := range r.Headers {
		if h.Key == topics.HeaderType {
			return string(h.Value)
		}
	}
	return ""
}
