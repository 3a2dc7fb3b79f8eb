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
	_, customer, refusal, dead := admit(a, &r, c, disputeNames, "evidence names a card by its last four digits")
	if dead != nil {
		return nil, dead, nil
	}
	v.Refusal = refusal
	return a.forward(&v, topics.PartitionOf(c.Tenant, customer, a.partitions), customer,
		topics.Envelope{Type: topics.TypeAssessedDispute, Subject: c.DisputeID, Tenant: c.Tenant, Region: c.Region, TraceID: c.TraceID})
}

func disputeNames(c *topics.DisputeCommand) names {
	return names{command: &c.CommandID, tenant: &c.Tenant, region: &c.Region, customer: &c.CustomerID, trace: &c.TraceID, issued: &c.IssuedAt,
		about: &c.DisputeID, isID: isDisputeID}
}

func isDisputeID(text string) bool {
	_, err := topics.ParseDisputeID(text)
	return err == nil
}
