package sandbox

import (
	"cmp"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/segmentio/encoding/json"
)

// dispute serves POST /v1/test/dispute.
func (s *Server) dispute(w http.ResponseWriter, r *http.Request) {
	var step DisputeStep
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err == nil {
		err = json.Unmarshal(body, &step)
	}
	if err != nil {
		answerError(w, refuse(CodeInvalid, "body: %v", err))
		return
	}
	shown, refused := s.book.disputeByHand(&step, time.Now().UTC(), s.baseURL)
	if refused != nil {
		answerError(w, refused)
		return
	}
	answer(w, http.StatusOK, shown)
}

func (b *book) disputeByHand(s *DisputeStep, now time.Time, baseURL string) (Operation, *refusal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := s.Authorization
	if s.Dispute != "" {
		id = b.keys[s.Dispute]
	}
	e := b.payments[id]
	if e == nil {
		return Operation{}, refuse(CodeNotFound, "no payment is known that is or was disputed so: want authorization, or dispute")
	}
	p := e.payment.clone()
	op, refused := b.performer.disputeByHand(p, s, now)
	if refused != nil {
		return Operation{}, refused
	}
	if err := b.put(p); err != nil {
		return Operation{}, refuse(CodeUnavailable, "%v", err)
	}
	return p.show(op, op.Status, baseURL), nil
}

// showDispute serves what was told of a dispute, and what was answered, oldest first.
func (s *Server) showDispute(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("dispute")
	s.book.mu.Lock()
	e := s.book.payments[s.book.keys[id]]
	s.book.mu.Unlock()
	shown := []Operation{}
	if e != nil {
		for i := range e.payment.Operations {
			if op := &e.payment.Operations[i]; op.Dispute != nil && op.Dispute.ID == id && op.told() {
				shown = append(shown, e.payment.show(op, op.Status, s.baseURL))
			}
		}
	}
	if len(shown) == 0 {
		answerError(w, refuse(CodeNotFound, "dispute %.64q", id))
		return
	}
	answer(w, http.StatusOK, shown)
}

// pressDispute opens a dispute, or has something happen to one.
func (s *Server) pressDispute(p *payment, r *http.Request) *refusal {
	after, err := strconv.Atoi(r.PostForm.Get("after"))
	if err != nil {
		return refuse(CodeInvalid, "after %.64q: want how much had been told", r.PostForm.Get("after"))
	}
	amount, err := strconv.ParseInt(cmp.Or(r.PostForm.Get("amount"), "0"), 10, 64)
	if err != nil {
		return refuse(CodeInvalid, "amount %.64q: want a whole number of minor units", r.PostForm.Get("amount"))
	}
	_, refused := s.book.disputeByHand(&DisputeStep{
		Authorization: p.ID, Dispute: r.PostForm.Get("dispute"), Event: Status(r.PostForm.Get("event")),
		ReasonCode: r.PostForm.Get("reason_code"), Amount: amount, after: &after,
	}, time.Now().UTC(), s.baseURL)
	return refused
}

// shownDispute is what the page of a payment shows of a dispute beyond its operations.
type shownDispute struct {
	ID, Reason, Money, Due string
	After                  int
	Steps                  []Status
}

// possible are the steps that disputeByHand takes.
func (s disputeState) possible() []Status {
	var steps []Status
	for _, step := range disputeSteps() {
		if step == FundsReinstated && s.withdrawn <= 0 || step == FundsWithdrawn && s.withdrawn > 0 ||
			step == FeeReturned && !s.feeCharged || step == FeeCharged && s.feeCharged {
			continue
		}
		steps = append(steps, step)
	}
	return steps
}

func (p *payment) shownDisputes(money func(int64) string) []shownDispute {
	var shown []shownDispute
	for i := range p.Operations {
		op := &p.Operations[i]
		if op.Kind != Dispute || op.Key != op.Dispute.ID || !op.told() {
			continue
		}
		shown = append(shown, shownDispute{
			ID: op.Dispute.ID, Reason: op.Dispute.Reason, Money: money(op.Dispute.Amount), Due: op.Dispute.Due.UTC().Format(time.RFC3339),
			After: len(p.steps(op.Dispute.ID)), Steps: p.disputeState(op.Dispute.ID).possible(),
		})
	}
	return shown
}
