package risk

import (
	"context"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// Link is the stream.TransformFunc of link commands: they are checked and go to the inbox, in the partition of their customer.
// No rule is evaluated for them: rules look at the payments by a link.
func (a *Assessor) Link(_ context.Context, r stream.Record) ([]stream.Message, *stream.DeadLetter, error) {
	var v topics.AssessedLinkCommand
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
	if v.Refusal = validate(a.placed(&c.Region, c.Validate()), r.Value, "a payment link takes none"); v.Refusal != nil {
		a.metrics.refused(v.Refusal.Code)
		*c = linkNameOnly(c)
	} else {
		c.IssuedAt = issued(c.IssuedAt, r.Time)
	}
	customer := c.CustomerID
	if customer == "" {
		customer = topics.GuestCustomer(id) // refused, somewhere
	}
	partition, subject := topics.PartitionOf(c.Tenant, customer, a.partitions), c.LinkID
	if subject == "" {
		subject = topics.LinkID{Partition: partition, UUID: topics.LinkKey(c.Tenant, id)}.String()
	}
	value, err := topics.Marshal(&v)
	if err != nil {
		return nil, a.undecodable(topics.RefusedPoison, err.Error()), nil
	}
	return []stream.Message{{Partition: partition, Output: stream.Output{
		Topic: topics.Inbox, Key: []byte(customer), Value: value,
		Envelope: topics.Envelope{Type: topics.TypeAssessedLink, Subject: subject, Tenant: c.Tenant, Region: c.Region, TraceID: c.TraceID},
	}}}, nil, nil
}

// linkNameOnly is nameOnly for a link command.
func linkNameOnly(c *topics.LinkCommand) topics.LinkCommand {
	left := topics.LinkCommand{CommandID: c.CommandID, Tenant: c.Tenant}
	if topics.ValidTime(c.IssuedAt) {
		left.IssuedAt = c.IssuedAt
	}
	if isName(c.CustomerID, maxCustomer) {
		left.CustomerID = c.CustomerID
	}
	if isName(c.Region, maxRegion) {
		left.Region = c.Region
	}
	if _, err := topics.ParseLinkID(c.LinkID); err == nil {
		left.LinkID = c.LinkID
	}
	if isName(c.TraceID, maxTrace) {
		left.TraceID = c.TraceID
	}
	return left
}
