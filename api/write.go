package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/api/await"
	"github.com/weirhq/weir/api/idempotency"
)

// order is a write on its way: a command and what it is about.
type order interface {
	// parameters identify what is asked for, however often and by whatever way it is repeated.
	parameters() ([32]byte, error)
	// bind gives the command the id that the request's key stands for, and that id's time.
	bind(id uuid.UUID, issued time.Time, partitions int32)
	// result waits for what becomes of the command. It produces the command, unless it is resumed and was applied already.
	result(ctx context.Context, resumed bool) (reply, error)
	// location is the path of what the command makes, "" where it makes nothing that can be read.
	location() string
}

// reply is the answer to a write.
type reply struct {
	status int
	body   []byte
	final  bool // stored, and given again to every repeat
}

func encodeReply(status int, v any, final bool) (reply, error) {
	body, err := json.Append(nil, v, json.SortMapKeys)
	if err != nil {
		return reply{}, fmt.Errorf("encoding the answer: %w", err)
	}
	return reply{status, append(body, '\n'), final}, nil
}

// write returns the handler of one kind of command. Nothing is claimed or produced for a request that cannot be read or
// is invalid: its key stays free. read makes the order of a request's body, under a new command id.
//
//	claim the key → produce the command → wait for its events → read what it is about, or fold a new one from them →
//	store the answer → answer
//
// A crash after the claim leaves a key without an answer; after the produce, the command is applied all the same. In
// both cases the repeat with the same key resumes with the same command id, which is applied once.
func (a *API) write(read func(c *call, body []byte, id uuid.UUID) (order, error)) func(*call) error {
	return func(c *call) error {
		o, request, err := a.readOrder(c, read)
		if err != nil {
			return err
		}
		// From here on the client may go: what was begun is finished, so that a repeat finds the answer.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.request.Context()), a.limits.budget())
		defer cancel()
		claim, err := a.store.Claim(ctx, request)
		if err != nil {
			return err
		}
		a.metrics.keys.WithLabelValues(string(claim.Verdict)).Inc()
		switch claim.Verdict {
		case idempotency.Mismatch:
			return &Problem{Status: http.StatusUnprocessableEntity, Code: "idempotency_mismatch",
				Message: "this Idempotency-Key was used with other parameters"}
		case idempotency.InFlight:
			return &Problem{Status: http.StatusConflict, Code: "in_flight", RetryAfter: max(claim.RetryAfter, 1),
				Message: "a request with this Idempotency-Key is still being answered"}
		}
		if err := bind(o, claim.CommandID, a.hub.Partitions()); err != nil {
			return err
		}
		c.commandID = claim.CommandID.String()
		if claim.Verdict == idempotency.Finished {
			c.writer.Header().Set(headerReplayed, "true")
			return c.sendOrder(o, claim.Status, claim.Body)
		}
		return a.carryOut(ctx, c, o, claim)
	}
}

// readOrder reads and checks a request. It changes nothing.
func (a *API) readOrder(c *call, read func(*call, []byte, uuid.UUID) (order, error)) (o order, r idempotency.Request, err error) {
	body, err := c.readJSON()
	if err != nil {
		return nil, r, err
	}
	key, err := idempotencyKey(c.request.Header)
	if err != nil {
		return nil, r, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, r, fmt.Errorf("command id: %w", err)
	}
	if o, err = read(c, body, id); err != nil {
		return nil, r, err
	}
	if a.hub.Partitions() == 0 {
		return nil, r, await.ErrNotReady
	}
	sum, err := o.parameters()
	return o, idempotency.Request{Tenant: c.key.Tenant, Key: key, Fingerprint: sum, CommandID: id}, err
}

// bind gives the order the command id that its key stands for. The time of issue is that of the id: a command that is
// produced again is as old as at first, so that one from before the deduplication horizon is refused.
func bind(o order, id uuid.UUID, partitions int32) error {
	stamp, err := uuid.TimestampFromV7(id)
	if err != nil {
		return fmt.Errorf("command id %s of an idempotency key: %w", id, err)
	}
	issued, err := stamp.Time()
	if err != nil {
		return fmt.Errorf("command id %s of an idempotency key: %w", id, err)
	}
	o.bind(id, issued.UTC(), partitions)
	return nil
}

// carryOut produces the command, waits for its answer and gives it. Whatever stops it, a repeat with the same key need
// not wait until the key can be taken over.
func (a *API) carryOut(ctx context.Context, c *call, o order, claim idempotency.Claim) error {
	reply, err := o.result(ctx, claim.Verdict == idempotency.Resumed)
	if err == nil && reply.final {
		// A crash before Finish: the repeat resumes and reads the same answer from the event log.
		if reply.status, reply.body, err = a.store.Finish(ctx, claim.Request, reply.status, reply.body); err == nil {
			return c.sendOrder(o, reply.status, reply.body)
		}
	}
	if openErr := a.store.Open(ctx, claim.Request); openErr != nil {
		a.log.WarnContext(ctx, "idempotency key stays claimed", "trace_id", c.traceID, "error", openErr)
	}
	if err != nil {
		return err
	}
	return c.sendOrder(o, reply.status, reply.body)
}

// sendOrder answers a write.
func (c *call) sendOrder(o order, status int, body []byte) error {
	if at := o.location(); at != "" && status < http.StatusMultipleChoices {
		c.writer.Header().Set("Location", at)
	}
	return c.send(status, body)
}
