package sandbox

import (
	"io"
	"net/http"
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
}

// Triggered is the answer.
type Triggered struct {
	EventID string `json:"event_id"`
}

const maxCopies = 100

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
	id, refused := s.book.trigger(&t, time.Now().UTC())
	if refused != nil {
		answerError(w, refused)
		return
	}
	answer(w, http.StatusAccepted, Triggered{id})
}

func (b *book) trigger(t *Trigger, now time.Time) (eventID string, refused *refusal) {
	if t.Copies == 0 {
		t.Copies = 1
	}
	switch {
	case b.cfg.WebhookURL == "":
		return "", refuse(CodeWrongState, "no webhook URL is configured")
	case t.Copies < 0 || t.Copies > maxCopies:
		return "", refuse(CodeInvalid, "copies %d: want 1 to %d", t.Copies, maxCopies)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p, _ := b.find(t.RequestID)
	if p == nil {
		return "", refuse(CodeNotFound, "no request with this key was performed")
	}
	p = p.clone()
	op := p.operation(t.RequestID)
	n, refused := b.pick(op, t, now)
	if refused != nil {
		return "", refused
	}
	op.Events[n].Left += t.Copies
	op.Events[n].Due, op.Events[n].Tries = now, 0
	if err := b.put(p); err != nil {
		return "", refuse(CodeUnavailable, "%v", err)
	}
	return op.Events[n].ID, nil
}

// pick finds the event that a trigger means, or adds it.
func (f *performer) pick(op *operation, t *Trigger, now time.Time) (int, *refusal) {
	if t.EventID != "" {
		for n := range op.Events {
			if op.Events[n].ID == t.EventID {
				return n, nil
			}
		}
		return 0, refuse(CodeNotFound, "the operation has no event %.64q", t.EventID)
	}
	last := len(op.Events) - 1
	if last >= 0 && t.Type == "" && t.Status == "" && t.Amount == nil && t.MerchantReference == "" {
		return last, nil
	}
	if len(op.Events) >= MaxEvents {
		return 0, refuse(CodeWrongState, "the operation has %d events already", MaxEvents)
	}
	e := event{Type: t.Type, Status: t.Status, Amount: op.Amount, Reference: t.MerchantReference, Due: now}
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
