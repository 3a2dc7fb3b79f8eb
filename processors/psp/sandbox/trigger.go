package sandbox

import (
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/segmentio/encoding/json"
)

// Trigger is the body of POST /v1/test/trigger: it sends a webhook of an operation again, or a new one that says
// whatever a test needs. Nothing but the webhook is made: the operation stays as it is.
type Trigger struct {
	RequestID string `json:"request_id"`
	// EventID names the event to send again; without it and without any field below, it is the operation's last one.
	EventID string `json:"event_id,omitempty"`
	// Type, Status, Amount and MerchantReference make a new event that differs from the operation in them.
	Type              string `json:"type,omitempty"`
	Status            Status `json:"status,omitempty"`
	Amount            *int64 `json:"amount,omitempty"`
	MerchantReference string `json:"merchant_reference,omitempty"`
	// Copies is how often it is delivered, 1 by default.
	Copies int `json:"copies,omitempty"`
	// DelayMS is how long it waits before it is delivered, in milliseconds.
	DelayMS int64 `json:"delay_ms,omitempty"`
	// Forged makes a new event that is signed with a key of nobody's. It is sent once for each copy, whatever the answer.
	Forged bool `json:"forged,omitempty"`
	// Reordered sends a new event for each state that the whole payment went through, newest first; what stands above
	// but RequestID does not go with it.
	Reordered bool `json:"reordered,omitempty"`
}

// Triggered is the answer.
type Triggered struct {
	EventID string `json:"event_id"`
}

const (
	maxCopies  = 100
	maxDelayMS = 24 * 60 * 60 * 1000
)

// reorderGap is how long after another the events of a reordered payment are due.
const reorderGap = 10 * time.Millisecond

func (s *Server) trigger(w http.ResponseWriter, r *http.Request) {
	var t Trigger
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err == nil {
		err = json.Unmarshal(body, &t)
	}
	if err != nil {
		answerError(w, refuse(CodeInvalid, "body: %v", err))
		return
	}
	id, refused := s.book.trigger(s.book.newest(t.RequestID), &t, time.Now().UTC())
	if refused != nil {
		answerError(w, refused)
		return
	}
	answer(w, http.StatusAccepted, Triggered{id})
}

// trigger sends events of the operation with a key, and returns the id of the last one that it makes due.
func (b *book) trigger(key string, t *Trigger, now time.Time) (eventID string, refused *refusal) {
	if t.Copies == 0 {
		t.Copies = 1
	}
	switch {
	case b.cfg.WebhookURL == "":
		return "", refuse(CodeWrongState, "no webhook URL is configured")
	case t.Copies < 0 || t.Copies > maxCopies:
		return "", refuse(CodeInvalid, "copies %d: want 1 to %d", t.Copies, maxCopies)
	case t.DelayMS < 0 || t.DelayMS > maxDelayMS:
		return "", refuse(CodeInvalid, "delay_ms %d: want 0 to %d, a day", t.DelayMS, maxDelayMS)
	case t.Reordered && (*t != Trigger{RequestID: t.RequestID, Reordered: true, Copies: 1}):
		return "", refuse(CodeInvalid, "reordered: goes with request_id alone")
	case t.Forged && t.EventID != "":
		return "", refuse(CodeInvalid, "forged: makes a new event; leave event_id out")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p, _ := b.find(key)
	if p == nil {
		return "", refuse(CodeNotFound, "no request with this key was performed")
	}
	p = p.clone()
	if t.Reordered {
		eventID, refused = b.reorder(p, now)
	} else {
		eventID, refused = b.owe(p.operation(key), t, now.Add(time.Duration(t.DelayMS)*time.Millisecond))
	}
	if refused != nil {
		return "", refused
	}
	if err := b.put(p); err != nil {
		return "", refuse(CodeUnavailable, "%v", err)
	}
	return eventID, nil
}

// owe makes the event that a trigger means due.
func (f *performer) owe(op *operation, t *Trigger, due time.Time) (eventID string, refused *refusal) {
	n, refused := f.pick(op, t, due)
	if refused != nil {
		return "", refused
	}
	e := &op.Events[n]
	e.Left += t.Copies
	e.Due, e.Tries = due, 0
	return e.ID, nil
}

// reorder makes events of all states that the operations of a payment went through due, newest first: p is a clone.
func (f *performer) reorder(p *payment, now time.Time) (eventID string, refused *refusal) {
	for i := range slices.Backward(p.Operations) {
		op := &p.Operations[i]
		if !op.told() {
			continue
		}
		states := []Status{op.Status, op.Answered}
		if op.Status == op.Answered {
			states = states[:1]
		}
		for _, status := range states {
			if eventID, refused = f.owe(op, &Trigger{Status: status, Copies: 1}, now); refused != nil {
				return "", refused
			}
			op.Events[len(op.Events)-1].Ordered = true
			now = now.Add(reorderGap)
		}
	}
	return eventID, nil
}

// pick finds the event that a trigger means, or adds it.
func (f *performer) pick(op *operation, t *Trigger, due time.Time) (int, *refusal) {
	if t.EventID != "" {
		for n := range op.Events {
			if op.Events[n].ID == t.EventID {
				return n, nil
			}
		}
		return 0, refuse(CodeNotFound, "the operation has no event %.64q", t.EventID)
	}
	last := len(op.Events) - 1
	if last >= 0 && t.Type == "" && t.Status == "" && t.Amount == nil && t.MerchantReference == "" && !t.Forged && !op.Events[last].Forged {
		return last, nil
	}
	if len(op.Events) >= MaxEvents {
		return 0, refuse(CodeWrongState, "the operation has %d events already", MaxEvents)
	}
	e := event{Type: t.Type, Status: t.Status, Amount: op.Amount, Reference: t.MerchantReference, Due: due, Forged: t.Forged}
	if e.Status == "" {
		e.Status = op.Status
	}
	if e.Type == "" {
		e.Type = eventType(op.Kind, e.Status)
	}
	if t.Amount != nil {
		e.Amount = *t.Amount
	}
	f.addEvent(op, e)
	return last + 1, nil
}
