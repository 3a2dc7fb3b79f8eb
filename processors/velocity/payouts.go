package velocity

import (
	"context"
	"fmt"
	"time"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// payoutEvent is what of a topics.PayoutEvent is counted.
type payoutEvent struct {
	Type     topics.PayoutEventType `json:"type"`
	Tenant   string                 `json:"tenant"`
	PayoutID string                 `json:"payout_id"`
	At       time.Time              `json:"at"`
}

// toPaidOut is the stream.TransformFunc that tells what was counted when a payout was asked for that it was paid. One that
// comes back later has gone out all the same.
func toPaidOut(_ context.Context, r stream.Record) ([]stream.Message, *stream.DeadLetter, error) {
	var e payoutEvent
	if err := topics.Unmarshal(r.Value, &e); err != nil {
		return nil, &stream.DeadLetter{Reason: topics.RefusedUndecodable, Detail: err.Error()}, nil
	}
	if e.Type != topics.PayoutPaid {
		return nil, nil, nil
	}
	payout, err := topics.ParsePayoutID(e.PayoutID)
	if err != nil {
		return nil, &stream.DeadLetter{Reason: topics.RefusedInvalid, Detail: err.Error()}, nil
	}
	paid := velocity.PaidOut(payout.UUID, e.Tenant, e.PayoutID, e.At)
	return []stream.Message{{Partition: r.Partition, Output: stream.Output{Topic: topics.Outcomes, Value: paid.Append(nil),
		Envelope: topics.Envelope{Type: topics.TypeOutcome, ContentType: "application/octet-stream"}}}}, nil, nil
}

// newPayouts reads committed events, as newEvents does.
func newPayouts(c *Config) (*stream.Transform, error) {
	t, err := stream.NewTransform(stream.TransformConfig{
		Role: RoleNamePayouts, Input: topics.PayoutEvents, DeadLetters: topics.SignalsDeadLetters, Apply: toPaidOut,
		Kafka: c.Kafka, InstanceID: c.InstanceID, Limits: c.Limits, Log: c.Log, Registerer: c.Registerer,
	})
	if err != nil {
		return nil, fmt.Errorf("velocity: %w", err)
	}
	return t, nil
}
