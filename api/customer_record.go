package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/weirhq/weir/internal/kyc"
	"github.com/weirhq/weir/topics"
)

const customerWithin = 25 * time.Second // a change of a record until it is folded, and what is read before and after it

func (a *API) putCustomer(c *call) error {
	body, err := c.readJSON()
	if err != nil {
		return err
	}
	var in PutCustomer
	if err := decode(body, &in); err != nil {
		return err
	}
	if err := known(c.request.URL.Query()); err != nil {
		return err
	}
	expected, given, err := c.expectedVersion()
	if err == nil && !given {
		err = &Problem{Status: http.StatusPreconditionRequired, Code: "precondition_required",
			Message: `say which version you change: If-Match with the ETag that was read, or If-None-Match: * for a customer without a record`}
	}
	if err != nil {
		return err
	}
	profile := kyc.Profile{Status: in.Status, KYCLevel: in.KYCLevel, Country: in.Country, Nationality: in.Nationality, PEP: in.PEP,
		ExpectedTurnover: in.ExpectedTurnover}
	if in.Personal != nil {
		profile.Personal = *in.Personal
	}
	ctx, cancel := c.customerTime()
	defer cancel()
	record, err := a.customers.Put(ctx, c.customerOrder(expected, in.Reason), &profile, a.now())
	if err != nil {
		return unwritten(err)
	}
	status := http.StatusOK
	if record.Version == 1 {
		status = http.StatusCreated
	}
	return c.replyCustomer(status, record, nil)
}

// getCustomer shows a record: its personal fields to a key that may read them, and only where it asks for them.
func (a *API) getCustomer(c *call) error {
	query := c.request.URL.Query()
	if err := known(query, "personal"); err != nil {
		return err
	}
	openly, err := strconv.ParseBool(query.Get("personal"))
	if query.Has("personal") && err != nil {
		return invalid("personal", "personal: want true or false")
	}
	if openly && !c.key.personal {
		return &Problem{Status: http.StatusForbidden, Code: "personal_data_required",
			Message: "this API key may not read personal data; want one with personal_data: true in weir's configuration"}
	}
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	customer := c.request.PathValue("customer")
	record, personal, err := a.customers.Get(ctx, c.key.Tenant, customer, openly)
	if err != nil {
		return unwritten(err)
	}
	if openly {
		a.log.InfoContext(ctx, "personal data was read", "tenant", c.key.Tenant, "customer_id", customer, "key", c.key.Name, "trace_id", c.traceID)
	}
	return c.replyCustomer(http.StatusOK, record, personal)
}

func (a *API) eraseCustomer(c *call) error {
	reason, err := c.reason()
	if err != nil {
		return err
	}
	expected, given, err := c.expectedVersion()
	if err != nil {
		return err
	}
	if !given {
		expected = topics.AnyVersion // whatever is known by now is to be forgotten
	}
	ctx, cancel := c.customerTime()
	defer cancel()
	record, err := a.customers.Erase(ctx, c.customerOrder(expected, reason), a.now())
	if err != nil {
		return unwritten(err)
	}
	return c.replyCustomer(http.StatusOK, record, nil)
}

// customerTime is what a change has: once it is begun it is finished, though the client may go.
func (c *call) customerTime() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(c.request.Context()), customerWithin)
}

func (c *call) customerOrder(expected int64, reason string) kyc.Order {
	return kyc.Order{Tenant: c.key.Tenant, Region: c.key.Region, Customer: c.request.PathValue("customer"), Expected: expected,
		Author: c.key.Name, Reason: reason, TraceID: c.traceID}
}

// expectedVersion is the version that the request is about, by its preconditions; 0 for none.
func (c *call) expectedVersion() (version int64, given bool, err error) {
	match, noneMatch := c.request.Header.Values("If-Match"), c.request.Header.Values("If-None-Match")
	switch {
	case len(match)+len(noneMatch) == 0:
		return 0, false, nil
	case len(match)+len(noneMatch) > 1:
		return 0, false, malformed("If-Match", "If-Match, If-None-Match: want one of them, once")
	case len(noneMatch) == 1 && noneMatch[0] == "*":
		return 0, true, nil
	case len(noneMatch) == 1:
		return 0, false, malformed("If-None-Match", "If-None-Match: want *, which asks for the first version")
	}
	text, quoted := strings.CutPrefix(match[0], `"`)
	text, closed := strings.CutSuffix(text, `"`)
	version, err = strconv.ParseInt(text, 10, 64)
	if err != nil || version < 1 || !quoted || !closed {
		return 0, false, malformed("If-Match", `If-Match: want the ETag of the record as it was read, such as "3" with its quotes`)
	}
	return version, true, nil
}

// replyCustomer answers with a record; personal is nil where nobody asked for it, and is only named then.
func (c *call) replyCustomer(status int, r *topics.CustomerRecord, personal *kyc.Personal) error {
	shown := CustomerRecord{CustomerID: r.CustomerID, Version: r.Version, Erased: r.Erased, Author: r.Author, Reason: r.Reason,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, Personal: personal}
	if d := r.Data; d != nil {
		shown.Status, shown.KYCLevel, shown.Country, shown.Nationality = d.Status, d.KYCLevel, d.Country, d.Nationality
		shown.PEP, shown.ExpectedTurnover = d.PEP, d.ExpectedTurnover
		if d.Personal != nil {
			for _, field := range kyc.Fields() {
				if _, there := d.Personal.Fields[field]; there {
					shown.PersonalFields = append(shown.PersonalFields, field)
				}
			}
		}
	}
	c.writer.Header().Set("ETag", `"`+strconv.FormatInt(r.Version, 10)+`"`)
	c.writer.Header().Set("Cache-Control", "no-store")
	return c.reply(status, shown)
}

// unwritten is the answer to a request about a customer's record that failed.
func unwritten(err error) error {
	var refusal *kyc.Refused
	var conflict *kyc.Conflict
	switch {
	case errors.As(err, &refusal):
		return refused(refusal.Code, strings.TrimPrefix(refusal.Detail, "data.")) // the body has the record's fields at its top
	case errors.As(err, &conflict):
		return &Problem{Status: http.StatusPreconditionFailed, Code: string(topics.RefusedVersionConflict), Message: conflict.Error()}
	case errors.Is(err, kyc.ErrNone):
		return notFound("record of this customer")
	case errors.Is(err, kyc.ErrNotConfigured):
		return &Problem{Status: http.StatusServiceUnavailable, Code: "unavailable", Message: kyc.ErrNotConfigured.Error()}
	case errors.Is(err, kyc.ErrUncertain):
		return unavailable(kyc.ErrUncertain.Error(), err)
	}
	return err
}
