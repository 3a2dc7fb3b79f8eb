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
	id, customer, refusal, dead := admit(a, &r, c, linkNames, "a payment link takes none")
	if dead != nil {
		return nil, dead, nil
	}
	v.Refusal = refusal
	partition, subject := topics.PartitionOf(c.Tenant, customer, a.partitions), c.LinkID
	if subject == "" {
		subject = topics.LinkID{Partition: partition, UUID: topics.LinkKey(c.Tenant, id)}.String()
	}
	return a.forward(&v, partition, customer, topics.Envelope{Type: topics.TypeAssessedLink, Subject: subject, Tenant: c.Tenant, Region: c.Region, TraceID: c.TraceID})
}

func linkNames(c *topics.LinkCommand) names {
	return names{command: &c.CommandID, tenant: &c.Tenant, region: &c.Region, customer: &c.CustomerID, trace: &c.TraceID, issued: &c.IssuedAt,
		about: &c.LinkID, isID: isLinkID}
}

func isLinkID(text string) bool {
	_, err := topics.ParseLinkID(text)
	return err == nil
}
