package payments

import (
	"fmt"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// customerEvent finds the id of a customer event.
func (s *partition) customerEvent(in *input, v *topics.AssessedCustomerEvent) error {
	e := &v.Event
	id, err := uuid.FromString(e.EventID)
	if err != nil || e.Tenant == "" || e.CustomerID == "" {
		return fmt.Errorf("event_id %.64q, tenant %.64q and customer_id %.64q: want a UUID and names", e.EventID, e.Tenant, e.CustomerID)
	}
	in.id, in.fingerprint = newInputID(ofEvent, e.Tenant, id), e.Fingerprint()
	s.belongs(in, e.Tenant, e.CustomerID)
	return nil
}

// applyEvent publishes the decision on a customer event, once. It moves nothing.
func (s *partition) applyEvent(in *input, r *stream.Record) ([]stream.Output, *stream.DeadLetter) {
	switch s.repetition(in) {
	case repeated:
		s.metrics.repeated.Inc()
		return nil, nil
	case reused:
		return nil, &stream.DeadLetter{Reason: topics.RefusedDuplicateCommand, Detail: "event_id: was used for another event; want a new one"}
	}
	if in.refused != "" {
		return nil, &stream.DeadLetter{Reason: topics.RefusedInvalid, Detail: in.refused}
	}
	v := in.event
	if r.Time.Sub(v.AssessedAt) > s.config.Limits.Horizon {
		return nil, &stream.DeadLetter{Reason: topics.RefusedTooOld, Detail: "assessed_at: is older than ids of events are remembered"}
	}
	s.remember(in, r.Position)
	out := outputs{partition: s, record: r}
	out.eventDecision(v)
	return out.all, nil
}

func (o *outputs) eventDecision(v *topics.AssessedCustomerEvent) {
	e, d := &v.Event, v.Decision
	d.Tenant, d.CustomerID, d.EventID, d.At = e.Tenant, e.CustomerID, e.EventID, o.record.Time
	d.Enrichment, d.Features = v.Enrichment, v.Features
	o.add(topics.Decisions, topics.TypeDecision, about{tenant: e.Tenant, region: e.Region, customer: e.CustomerID, trace: e.TraceID}, &d)
	o.all[len(o.all)-1].Envelope.Subject = e.EventID
}

// restoreDecision remembers the customer event that a decision was made on.
func (s *partition) restoreDecision(r *stream.Restored, o *stream.Output) error {
	var d topics.Decision
	if err := topics.Unmarshal(o.Value, &d); err != nil {
		return fmt.Errorf("decision %s: %w", o.Envelope.ID, err)
	}
	return s.restoreInput(ofEvent, d.Tenant, d.EventID, o.Envelope.ID, r.Position)
}
