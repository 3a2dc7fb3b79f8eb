package routing

import (
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Event is what of a topics.PaymentEvent says how PSPs and routes do.
type Event struct {
	EventID   string           `json:"event_id"`
	Type      topics.EventType `json:"type"`
	At        time.Time        `json:"at"`
	Amount    int64            `json:"amount"`
	Currency  string           `json:"currency"`
	RequestID string           `json:"request_id"`
	Request   *struct {
		PSP   string `json:"psp"`
		Route string `json:"route"`
	} `json:"request"`
	PSP *struct {
		DeclineCode string `json:"decline_code"`
		TookMS      int64  `json:"took_ms"`
		Unsent      bool   `json:"unsent"`
	} `json:"psp"`
}

// maxAsked bounds the requests that a Feed remembers in each of two generations; a result of one that is forgotten counts as
// nothing.
const maxAsked = 200_000

// Feed turns the events of payments into what a State counts. Events of one payment come in their order, each once.
type Feed struct {
	state         *State
	asked, before map[string]asked // by event id: of this generation and the one before
	waiting       map[int32][]waiting
}

// waiting is a request that may become overdue. By partition they stand in the order in which they were asked, and each waits
// for events of its own partition: what of others is read sooner or later says nothing of it.
type waiting struct {
	request string
	at      time.Time
}

// asked is a request for an authorisation whose result is not known yet.
type asked struct {
	route, psp string
	at         time.Time
	answered   bool // at all: a challenge, say
	unanswered bool
	overdue    bool
}

// NewFeed returns a Feed into a State.
func NewFeed(state *State) *Feed {
	return &Feed{state: state, asked: map[string]asked{}, waiting: map[int32][]waiting{}}
}

// Take counts an event of a partition under the terms of a set.
func (f *Feed) Take(s *Set, partition int32, e *Event) {
	f.result(s, e)
	f.overdue(s, partition, e.At)
	if s.health.Window > 0 && s.health.P95 > 0 && e.Type == topics.EventAuthorizationRequested && e.Request != nil {
		f.waiting[partition] = append(f.waiting[partition], waiting{request: e.EventID, at: e.At})
	}
}

// overdue counts the requests of a partition that have no answer at a moment and should have one.
func (f *Feed) overdue(s *Set, partition int32, now time.Time) {
	queue := f.waiting[partition]
	for ; len(queue) > 0 && queue[0].at.Add(s.health.P95).Before(now); queue = queue[1:] {
		of, known, generation := f.request(queue[0].request)
		if !known || of.answered || s.health.P95 == 0 {
			continue
		}
		of.overdue = true
		generation[queue[0].request] = of
		f.state.Overdue(s, of.psp, of.at, now)
	}
	f.waiting[partition] = queue
}

// request finds a request whose result is not known yet, and the generation that holds it.
func (f *Feed) request(id string) (asked, bool, map[string]asked) {
	if of, known := f.asked[id]; known {
		return of, true, f.asked
	}
	of, known := f.before[id]
	return of, known, f.before
}

// result counts what an event asks for, or says of what was asked.
func (f *Feed) result(s *Set, e *Event) {
	if e.Type == topics.EventAuthorizationRequested {
		if e.Request == nil {
			return
		}
		if len(f.asked) >= maxAsked {
			f.before, f.asked = f.asked, map[string]asked{}
		}
		f.asked[e.EventID] = asked{route: e.Request.Route, psp: e.Request.PSP, at: e.At}
		f.state.Asked(s, e.Request.Route, ledger.Money{Minor: e.Amount, Currency: ledger.Currency(e.Currency)}, e.At)
		return
	}
	answer, decided, approved, ok := verdict(e)
	if !ok {
		return
	}
	of, known, generation := f.request(e.RequestID)
	if !known {
		return
	}
	silent, overdue := of.unanswered, of.overdue
	of.unanswered, of.answered, of.overdue = silent || answer == Unanswered, true, false // what comes later is another result
	switch {
	case decided:
		delete(generation, e.RequestID)
	default:
		generation[e.RequestID] = of
	}
	if silent && answer == Unanswered { // a poll that knows no more says nothing new
		return
	}
	asked := of.at
	if e.PSP != nil && e.PSP.TookMS > 0 {
		asked = e.At.Add(-time.Duration(e.PSP.TookMS) * time.Millisecond)
	}
	f.state.Observe(s, Result{Route: of.route, PSP: of.psp, Asked: of.at, Took: e.At.Sub(asked), At: e.At, Answer: answer, Overdue: overdue, Decided: decided, Approved: approved})
}

// verdict is what an event says of the request that it names; ok is false where it says nothing of a PSP.
func verdict(e *Event) (answer Answer, decided, approved, ok bool) {
	switch e.Type {
	case topics.EventAuthorized:
		return Answered, true, true, true
	case topics.EventActionRequired:
		return Answered, false, false, true
	case topics.EventOutcomeUnknown:
		return Unanswered, false, false, true
	case topics.EventDeclined, topics.EventAttemptDeclined:
		if e.PSP == nil {
			return 0, false, false, false
		}
		switch e.PSP.DeclineCode {
		case topics.DeclineRouteDisabled, topics.DeclineNoRoute: // our own doing
			return 0, false, false, false
		case topics.DeclineNotSent, topics.DeclineNotPerformed:
			return Failed, true, false, true
		}
		if e.PSP.Unsent {
			return Failed, true, false, true
		}
		return Answered, true, false, true
	}
	return 0, false, false, false
}
