package risk

import (
	"context"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// Dispute is the stream.TransformFunc of dispute commands: they are checked and go to the inbox, in the partition of their
// customer. No rule is evaluated for them.
func (a *Assessor) Dispute(_ context.Context, r stream.Record) ([]stream.Message, *stream.DeadLetter, error) {
	var v topics.AssessedDisputeCommand
	c := &v.Command
	if err := topics.Unmarshal(r.Value, c); err != nil {
		return nil, a.undecodable(topics.RefusedUndecodable, err.Error()), nil
	}
	id, detail := identify(c.CommandID, c.Tenant)
	if detail != "" {
		return nil, a.undecodable(topics.RefusedInvalid, detail), nil
	}
	if c.TraceID == "" {
		c.TraceID = traceOf(r.Headers)
	}
	if v.Refusal = validate(a.placed(&c.Region, c.Validate()), r.Value, "evidence names a card by its last four digits"); v.Refusal != nil {
		a.metrics.refused(v.Refusal.Code)
		*c = disputeNameOnly(c)
	} else {
		c.IssuedAt = issued(c.IssuedAt, r.Time)
	}
	customer := c.CustomerID
	if customer == "" {
		customer = topics.GuestCustomer(id) // refused, somewhere
	}
	value, err := topics.Marshal(&v)
	if err != nil {
		return nil, a.undecodable(topics.RefusedPoison, err.Error()), nil
	}
	return []stream.Message{{Partition: topics.PartitionOf(c.Tenant, customer, a.partitions), Output: stream.Output{
		Topic: topics.Inbox, Key: []byte(customer), Value: value,
		Envelope: topics.Envelope{Type: topics.TypeAssessedDispute, Subject: c.DisputeID, Tenant: c.Tenant, Region: c.Region, TraceID: c.TraceID},
	}}}, nil, nil
}

// disputeNameOnly is nameOnly for a dispute command.
func disputeNameOnly(c *topics.DisputeCommand) topics.DisputeCommand {
	left := topics.DisputeCommand{CommandID: c.CommandID, Tenant: c.Tenant}
	if topics.ValidTime(c.IssuedAt) {
		left.IssuedAt = c.IssuedAt
	}
	if isName(c.CustomerID, maxCustomer) {
		left.CustomerID = c.CustomerID
	}
	if isName(c.Region, maxRegion) {
		left.Region = c.Region
	}
	if _, err := topics.ParseDisputeID(c.DisputeID); err == nil {
		left.DisputeID = c.DisputeID
	}
	if isName(c.TraceID, maxTrace) {
		left.TraceID = c.TraceID
	}
	return left
}
