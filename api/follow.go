package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/weirhq/weir/api/await"
	"github.com/weirhq/weir/topics"
)

// followed is an order that an event of type E answers, of a topic whose events tell all that becomes of what it is about.
type followed[E any] interface {
	// follows names the call, the topic and the command.
	follows() (c *call, topic, commandID string)
	// read returns the events that the log has of what the order is about, and those that its command caused.
	read(ctx context.Context) ([]E, error)
	produce(ctx context.Context) error
	// creates: what the order is about has had no event before those of its command, or its answer needs none of them.
	creates() bool
	// accepted is what is told where nothing is known but the command.
	accepted() any
	// reply turns the event that answers the command into an answer; events are those up to it, and perhaps later ones.
	reply(event *E, events []E) (reply, error)
}

// follow is order.result of such an order.
func follow[E any, P topics.CausedEvent[E]](ctx context.Context, o followed[E], resumed bool) (reply, error) {
	c, topic, commandID := o.follows()
	waiter, err := await.AskCommand[E, P](c.api.hub, topic, commandID)
	if err != nil {
		return reply{}, err
	}
	defer waiter.Close()
	applied := false
	if resumed {
		events, err := o.read(ctx)
		if err != nil {
			return reply{}, err
		}
		waiter.Learn(events...)
		applied = slices.ContainsFunc(events, func(e E) bool { return P(&e).Caused().CommandID == commandID })
	}
	if !applied {
		if err := o.produce(ctx); err != nil {
			return reply{}, err
		}
	}
	deadline, cancel := context.WithTimeout(ctx, c.api.limits.AnswerWithin)
	defer cancel()
	event, known := waiter.Wait(deadline)
	switch {
	case !known:
		return encodeReply(http.StatusAccepted, o.accepted(), open)
	case o.creates():
		return o.reply(&event, waiter.Events())
	}
	events, err := o.read(ctx)
	if err != nil {
		return reply{}, err
	}
	return o.reply(&event, events)
}

// recorded is order.recorded of such an order.
func recorded[E any, P topics.CausedEvent[E]](ctx context.Context, o followed[E]) (r reply, ok bool, err error) {
	events, err := o.read(ctx)
	if err != nil {
		return r, false, err
	}
	_, _, commandID := o.follows()
	event, ok := await.ConcludeCommand[E, P](commandID, events)
	if !ok {
		return r, false, nil
	}
	r, err = o.reply(&event, events)
	return r, err == nil, err
}

// refusal is the answer to a command that was refused or put aside; ok is false where it was neither. Details are told of a
// refused one, where there are any.
func refusal(caused topics.Caused, details *ErrorDetails) (r reply, ok bool, err error) {
	switch {
	case caused.Refused:
		problem := refused(caused.Refusal, caused.Detail, caused.Reasons...)
		if details != nil {
			problem.Details = details
		}
		r, err = encodeReply(problem.Status, problem.body(caused.TraceID), ofRefusal(caused.Refusal))
	case caused.DeadLettered:
		problem := refused(topics.RefusedPoison, "")
		r, err = encodeReply(problem.Status, problem.body(caused.TraceID), final)
	default:
		return r, false, nil
	}
	return r, true, err
}
