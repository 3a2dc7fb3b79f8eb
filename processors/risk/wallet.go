package risk

import (
	"context"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// AssessWallet is the stream.TransformFunc of wallet commands, as Assess is that of payments'. No rule reads them yet:
// what is valid is forwarded.
func (a *Assessor) AssessWallet(_ context.Context, r stream.Record) ([]stream.Message, *stream.DeadLetter, error) {
	var in topics.AssessedWalletCommand
	c := &in.Command
	if err := topics.Unmarshal(r.Value, c); err != nil {
		a.metrics.deadLettered.Inc()
		return nil, &stream.DeadLetter{Reason: topics.RefusedUndecodable, Detail: err.Error()}, nil
	}
	id, detail := identify(c.CommandID, c.Tenant)
	if detail != "" {
		a.metrics.deadLettered.Inc()
		return nil, &stream.DeadLetter{Reason: topics.RefusedInvalid, Detail: detail}, nil
	}
	if c.TraceID == "" {
		c.TraceID = traceOf(r.Headers)
	}
	if refusal := validate(c.Validate(), r.Value, "a wallet command has no place for one"); refusal != nil {
		a.metrics.refused(refusal.Code)
		in = topics.AssessedWalletCommand{Command: walletNameOnly(c), Refusal: refusal}
	} else {
		c.IssuedAt = issued(c.IssuedAt, r.Time)
		a.metrics.notAssessed.Inc()
	}
	value, err := topics.Marshal(&in)
	if err != nil {
		// As in assessment: the bytes are kept for whoever finds out why.
		a.metrics.deadLettered.Inc()
		return nil, &stream.DeadLetter{Reason: topics.RefusedPoison, Detail: err.Error()}, nil
	}
	customer := c.CustomerID
	if customer == "" {
		customer = topics.GuestCustomer(id) // refused, somewhere
	}
	return []stream.Message{{Partition: topics.PartitionOf(c.Tenant, customer, a.partitions), Output: stream.Output{
		Topic: topics.Inbox, Key: []byte(customer), Value: value,
		Envelope: topics.Envelope{Type: topics.TypeAssessedWallet, Tenant: c.Tenant, Region: c.Region, TraceID: c.TraceID},
	}}}, nil, nil
}

// walletNameOnly is nameOnly for a wallet command.
func walletNameOnly(c *topics.WalletCommand) topics.WalletCommand {
	left := topics.WalletCommand{CommandID: c.CommandID, Tenant: c.Tenant}
	if topics.ValidTime(c.IssuedAt) {
		left.IssuedAt = c.IssuedAt
	}
	if isName(c.CustomerID, maxCustomer) {
		left.CustomerID = c.CustomerID
	}
	if isName(c.Region, maxRegion) {
		left.Region = c.Region
	}
	if isName(c.TraceID, maxTrace) {
		left.TraceID = c.TraceID
	}
	return left
}
