package profiles

import (
	"fmt"
	"time"

	"github.com/weirhq/weir/topics"
)

// Decide says what becomes of a customer's record (nil where there is none) by a command in the record of the inbox that id names.
// now is that record's time; horizon is how old a command may be, and region the installation's.
//
// The caller has dropped repeated command ids.
func Decide(r *topics.CustomerRecord, c *topics.CustomerCommand, id topics.EventID, now time.Time, horizon time.Duration, region string) topics.CustomerChange {
	now = now.UTC().Truncate(time.Millisecond)
	e := topics.CustomerChange{
		EventID: id.String(), Tenant: c.Tenant, Region: c.Region, CustomerID: c.CustomerID, CommandID: c.CommandID, TraceID: c.TraceID,
		At: now, Author: c.Author, Reason: c.Reason,
	}
	if r != nil {
		e.Version = r.Version
	}
	if refusal := refuse(r, c, now, horizon, region); refusal != nil {
		e.Type, e.Refusal, e.Detail = topics.CustomerCommandRefused, refusal.Code, refusal.Detail
		return e
	}
	e.Version++
	e.Record = &topics.CustomerRecord{
		Tenant: c.Tenant, Region: c.Region, CustomerID: c.CustomerID, Version: e.Version, Data: c.Data, EventID: e.EventID,
		Author: c.Author, Reason: c.Reason, CreatedAt: now, UpdatedAt: now,
	}
	if r != nil {
		e.Record.Region, e.Record.CreatedAt = r.Region, r.CreatedAt
	}
	e.Type = topics.CustomerWritten
	if c.Type == topics.CustomerErase {
		e.Type, e.Record.Erased = topics.CustomerErased, true
	}
	return e
}

func refuse(r *topics.CustomerRecord, c *topics.CustomerCommand, now time.Time, horizon time.Duration, region string) *topics.Refusal {
	say := func(code topics.RefusalCode, format string, args ...any) *topics.Refusal {
		return &topics.Refusal{Code: code, Detail: fmt.Sprintf(format, args...)}
	}
	if refusal := c.Validate(); refusal != nil {
		return refusal
	}
	switch {
	case topics.IssuedAhead(c.IssuedAt, now):
		return say(topics.RefusedInvalid, "issued_at: %s lies in the future", c.IssuedAt.UTC().Format(time.RFC3339))
	case !c.IssuedAt.IsZero() && c.IssuedAt.Before(now.Add(-horizon)):
		return say(topics.RefusedTooOld, "issued at %s, more than %s ago", c.IssuedAt.UTC().Format(time.RFC3339), horizon)
	case r != nil && c.Region != r.Region && (r.Region != "" || c.Region != region):
		return say(topics.RefusedRegionMismatch, "region: the customer is of region %q; name that", r.Region)
	case c.ExpectedVersion == topics.AnyVersion:
		return nil
	case r == nil && c.ExpectedVersion != 0:
		return say(topics.RefusedVersionConflict, "expected_version: there is no record of the customer; want 0")
	case r != nil && c.ExpectedVersion != r.Version:
		return say(topics.RefusedVersionConflict, "expected_version: the customer's record has version %d by now; read it, and decide again", r.Version)
	}
	return nil
}

// Evolve is the record after a change; r is not changed. An error says that the change does not fit the record.
func Evolve(r *topics.CustomerRecord, e *topics.CustomerChange) (*topics.CustomerRecord, error) {
	next := e.Record
	var before int64
	if r != nil {
		before = r.Version
	}
	switch {
	case next == nil:
		return nil, fmt.Errorf("change %s of customer %s: it has no record", e.EventID, e.CustomerID)
	case next.Tenant != e.Tenant || next.CustomerID != e.CustomerID || r != nil && (next.Tenant != r.Tenant || next.CustomerID != r.CustomerID):
		return nil, fmt.Errorf("change %s of customer %s: its record is another customer's", e.EventID, e.CustomerID)
	case next.Version != before+1 || next.Version != e.Version:
		return nil, fmt.Errorf("C1: change %s of customer %s: version %d after %d", e.EventID, e.CustomerID, next.Version, before)
	case next.Erased != (e.Type == topics.CustomerErased) || next.Erased != (next.Data == nil):
		return nil, fmt.Errorf("C2: change %s of customer %s: %s, erased %t, and data: %t", e.EventID, e.CustomerID, e.Type, next.Erased, next.Data != nil)
	}
	return next, nil
}
