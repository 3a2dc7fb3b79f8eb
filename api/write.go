package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/api/await"
	"github.com/weirhq/weir/api/idempotency"
	"github.com/weirhq/weir/topics"
)

// order is a write on its way: a command and what it is about.
type order interface {
	// parameters identify what is asked for, however often and by whatever way it is repeated.
	parameters() ([32]byte, error)
	// bind gives the command the id that the request's key stands for, and that id's time.
	bind(id uuid.UUID, issued time.Time, partitions int32)
	// result waits for what becomes of the command. It produces the command, unless it is resumed and was applied already.
	result(ctx context.Context, resumed bool) (reply, error)
	// recorded is the answer that the event log holds; ok is false where it holds no final one.
	recorded(ctx context.Context) (r reply, ok bool, err error)
	// location is the path of what the command makes, "" where it makes nothing that can be read.
	location() string
}

// reply is the answer to a write.
type reply struct {
	status int
	body   []byte
	kept   keeping
}

// keeping says what keeps an answer for those who repeat the request.
type keeping int8

const (
	// open: nothing does, the answer is not final.
	open keeping = iota
	// final: its key does, so it is stored before it is sent.
	final
	// logged: the event log does, too, so it may be stored after it is sent.
	logged
)

// ofRefusal says what keeps the answer to a refused command. The log has no way from the id of a command that was used for
// another one to its refusal.
func ofRefusal(code topics.RefusalCode) keeping {
	if code == topics.RefusedDuplicateCommand {
		return final
	}
	return logged
}

func encodeReply(status int, v any, kept keeping) (reply, error) {
	body, err := topics.Marshal(v)
	if err != nil {
		return reply{}, fmt.Errorf("the answer: %w", err)
	}
	return reply{status, append(body, '\n'), kept}, nil
}

// write returns the handler of one kind of command. Nothing is claimed or produced for a request that cannot be read or
// is invalid: its key stays free. read makes the order of a request's body, under a new command id.
//
//	claim the key → produce the command → wait for its events → read what it is about, or fold a new one from them →
//	answer → store the answer, with others
//
// A crash after the claim leaves a key without an answer; after the produce, the command is applied all the same. In
// both cases the repeat with the same key resumes with the same command id, which is applied once.
//
// A4: whoever repeats a request after anybody was answered, in whatever process, is answered with the same bytes. An answer
// is made of nothing but the request's parameters and the events of its payment up to the record that answers it (A3 of
// await.Conclude, view.FoldThrough, the trace of the command that was applied). The database had committed these before
// they were published, so they were in the log before the answer was sent; nothing changes them, and they are found for as
// long as command ids are remembered. A repeat that finds its key without an answer therefore makes the answer of the log,
// and it does not matter who stores it first, when, or whether a crash or a fault kept it from being stored: only a release
// that words answers anew would word such a one anew. What the log cannot give again (a dead letter, an id used twice) is
// stored before it is sent, and where another answer was stored first, that one is sent.
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
		if claim.Verdict == idempotency.Mismatch {
			return &Problem{Status: http.StatusUnprocessableEntity, Code: "idempotency_mismatch",
				Message: "this Idempotency-Key was used with other parameters"}
		}
		if err := bind(o, claim.CommandID, a.hub.Partitions()); err != nil {
			return err
		}
		c.commandID = claim.CommandID.String()
		switch claim.Verdict {
		case idempotency.Finished:
			return c.replay(o, claim.Status, claim.Body)
		case idempotency.InFlight, idempotency.Resumed:
			if answered, err := a.repeat(ctx, c, o, claim); answered || err != nil {
				return err
			}
		}
		return a.carryOut(ctx, c, o, claim)
	}
}

// repeat answers with what the event log holds, where the key has no answer yet.
func (a *API) repeat(ctx context.Context, c *call, o order, claim idempotency.Claim) (answered bool, err error) {
	reply, ok, err := o.recorded(ctx)
	switch {
	case err != nil:
		return false, err
	case ok && reply.kept == logged:
		if claim.Verdict == idempotency.Resumed { // else whoever claimed the key stores the answer, or died
			a.store.FinishLater(claim.Request, reply.status, reply.body)
		}
		return true, c.replay(o, reply.status, reply.body)
	case claim.Verdict == idempotency.InFlight:
		return false, &Problem{Status: http.StatusConflict, Code: "in_flight", RetryAfter: max(claim.RetryAfter, 1),
			Message: "a request with this Idempotency-Key is still being answered"}
	}
	return false, nil
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
	// A crash here, before or after the answer is sent: the repeat makes the same answer of the event log.
	if err == nil && reply.kept == logged && a.store.FinishLater(claim.Request, reply.status, reply.body) {
		return c.sendOrder(o, reply.status, reply.body)
	}
	if err == nil && reply.kept != open {
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

// revealer is an order whose answer holds something that is stored nowhere: it is added to what was stored.
type revealer interface {
	reveal(body []byte) ([]byte, error)
}

// replay answers a write that was carried out before.
func (c *call) replay(o order, status int, body []byte) error {
	c.writer.Header().Set(headerReplayed, "true")
	return c.sendOrder(o, status, body)
}

// sendOrder answers a write.
func (c *call) sendOrder(o order, status int, body []byte) error {
	if at := o.location(); at != "" && status < http.StatusMultipleChoices {
		c.writer.Header().Set("Location", at)
		if r, ok := o.(revealer); ok {
			var err error
			if body, err = r.reveal(body); err != nil {
				return err
			}
		}
	}
	return c.send(status, body)
}
