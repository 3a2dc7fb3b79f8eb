package velocity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// Names under which the role's other parts consume: what happens to payments and to payouts, and what
// becomes of attempts.
const (
	RoleNameEvents   = "velocity-events"
	RoleNamePayouts  = "velocity-payouts"
	RoleNameOutcomes = "velocity-outcomes"
)

// paymentEvent is what of a topics.PaymentEvent an outcome is made of.
type paymentEvent struct {
	EventID   string               `json:"event_id"`
	Type      topics.EventType     `json:"type"`
	PaymentID string               `json:"payment_id"`
	At        time.Time            `json:"at"`
	Amount    int64                `json:"amount"`
	Status    topics.PaymentStatus `json:"status"`
	PSP       velocity.Declined    `json:"psp"`
	Dispute   topics.DisputeChange `json:"dispute"`
}

// toOutcome is the stream.TransformFunc that makes outcomes of payments' events, in the partition of the payment.
func toOutcome(_ context.Context, r stream.Record) ([]stream.Message, *stream.DeadLetter, error) {
	var e paymentEvent
	if err := topics.Unmarshal(r.Value, &e); err != nil {
		return nil, &stream.DeadLetter{Reason: topics.RefusedUndecodable, Detail: err.Error()}, nil
	}
	kind, ok := velocity.OutcomeOf(e.Type, e.Status, e.PSP)
	if e.Type == topics.EventDisputed && e.Dispute.First { // each dispute counts once, an inquiry not before it is a chargeback
		kind, ok = velocity.KindDisputed, true
	}
	if !ok {
		return nil, nil, nil
	}
	o := velocity.Outcome{Kind: kind, Time: e.At.UnixMilli(), Amount: e.Amount, Settles: true}
	payment, err := topics.ParsePaymentID(e.PaymentID)
	if err != nil {
		return nil, &stream.DeadLetter{Reason: topics.RefusedInvalid, Detail: err.Error()}, nil
	}
	place, err := topics.ParseEventID(e.EventID)
	if err != nil {
		return nil, &stream.DeadLetter{Reason: topics.RefusedInvalid, Detail: err.Error()}, nil
	}
	o.ID, o.Position, o.Index = payment.UUID, place.Position, place.Index
	return []stream.Message{{Partition: r.Partition, Output: stream.Output{Topic: topics.Outcomes, Value: o.Append(nil),
		Envelope: topics.Envelope{Type: topics.TypeOutcome, ContentType: "application/octet-stream"}}}}, nil, nil
}

// newEvents reads committed events: they come once and in order, and nothing waits for them.
func newEvents(c *Config) (*stream.Transform, error) {
	t, err := stream.NewTransform(stream.TransformConfig{
		Role: RoleNameEvents, Input: topics.Events, DeadLetters: topics.SignalsDeadLetters, Apply: toOutcome,
		Kafka: c.Kafka, InstanceID: c.InstanceID, Limits: c.Limits, Log: c.Log, Registerer: c.Registerer,
	})
	if err != nil {
		return nil, fmt.Errorf("velocity: %w", err)
	}
	return t, nil
}

// newOutcomes turns outcomes into signals.
func newOutcomes(c *Config) (*stream.Table, error) {
	t, err := stream.NewTable(stream.TableConfig{
		Role: RoleNameOutcomes, Input: topics.Outcomes, Changelog: topics.Cases, Replies: topics.Signals,
		DeadLetters: topics.SignalsDeadLetters, Format: format, Program: casesProgram{c.Keep},
		Kafka: c.Kafka, InstanceID: c.InstanceID, Limits: c.Limits, Log: c.Log, Registerer: c.Registerer, Hook: c.Hook,
	})
	if err != nil {
		return nil, fmt.Errorf("velocity: %w", err)
	}
	return t, nil
}

// casesProgram is velocity.Cases as a stream.TableProgram.
type casesProgram struct{ keep time.Duration }

func (p casesProgram) Open(int32) stream.TableState { return cases{velocity.NewCases(p.keep)} }

type cases struct{ *velocity.Cases }

func (s cases) Restore(key, value []byte) error { return future(s.Cases.Restore(key, value)) }

func (s cases) Apply(r stream.Record) ([]stream.Reply, *stream.DeadLetter, error) {
	targets, err := s.Cases.Apply(r.Time.UnixMilli(), r.Partition, r.Position, r.Value)
	var malformed *velocity.FrameError
	switch {
	case errors.As(err, &malformed):
		return nil, &stream.DeadLetter{Reason: topics.RefusedUndecodable, Detail: err.Error()}, nil
	case err != nil:
		return nil, nil, future(err)
	}
	replies := make([]stream.Reply, len(targets))
	for i := range targets {
		replies[i] = stream.Reply{Partition: targets[i].Partition, Value: targets[i].Signal.Append(nil)}
	}
	return replies, nil, nil
}
